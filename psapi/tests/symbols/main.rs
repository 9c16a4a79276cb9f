//! Symbols of addresses, compared with the source of the programs and with `addr2line`.

// Symbols come from ELF files.
#![cfg(target_os = "linux")]

mod debug_files;
mod files;
mod sources;
mod without_files;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use psapi::{AddressMap, Frame, Process, ProcessId, Symbolizer, System};
use tempfile::TempDir;

use testing::{Program, Source};

/// Returns the 1-based line of a text in a source.
fn line_of(source: Source, text: &str) -> u32 {
    let index = source.text.lines().position(|line| line.contains(text));
    index.expect("the source contains the text") as u32 + 1
}

/// Parses hexadecimal numbers.
fn numbers(line: &str) -> Vec<u64> {
    let numbers = line.split_whitespace();
    numbers
        .map(|number| u64::from_str_radix(number, 16).expect("a hexadecimal number"))
        .collect()
}

fn pinned(id: ProcessId) -> (Process, AddressMap) {
    let process = System::new().process(id).unwrap();
    let map = process.address_map().unwrap();
    (process, map)
}

fn symbols(process: &Process, map: &AddressMap, addresses: &[u64]) -> Vec<Arc<[Frame]>> {
    let mut symbolizer = Symbolizer::new();
    let answer = symbolizer.symbolize(process, map, addresses);
    assert_eq!(symbolizer.missing(), []);
    assert_eq!(answer.len(), addresses.len());
    answer
}

/// Returns the name, line and inlining of each frame.
fn summaries(frames: &[Frame]) -> Vec<(&str, u32, bool)> {
    let summaries = frames.iter().map(|frame| {
        let line = frame.source.as_ref().and_then(|source| source.line);
        let function = frame.function.as_deref().unwrap_or("");
        (function, line.unwrap_or(0), frame.inlined)
    });
    summaries.collect()
}

/// Returns the function of each frame.
fn functions(frames: &[Frame]) -> Vec<&str> {
    summaries(frames)
        .into_iter()
        .map(|(name, ..)| name)
        .collect()
}

/// Asserts that the symbols of `nested.c` are those in its source.
fn assert_nested(found: &[Arc<[Frame]>], source: Source, path: &Path) {
    let inlined = [
        ("outer", line_of(source, "/* in outer */"), false),
        ("middle", line_of(source, "/* in middle */"), true),
    ];
    assert_eq!(summaries(&found[0]), inlined);
    let plain = [("outer", line_of(source, "/* in outer itself */"), false)];
    assert_eq!(summaries(&found[1]), plain);
    for frame in found[..2].iter().flat_map(|frames| frames.iter()) {
        assert_eq!(frame.module.as_deref(), Some(path));
        let file = &frame.source.as_ref().unwrap().path;
        assert_eq!(file.file_name(), Some(OsStr::new(source.file)));
        assert_eq!(frame.offset.is_none(), frame.inlined);
    }
    assert_eq!(found[2][0].function.as_deref(), Some("print_and_wait"));
    assert_eq!(found[2][0].offset, Some(0));
}

const WITH_LINES: [&str; 2] = ["-g", "-O2"];

#[inline(never)]
/// Returns its own address.
fn a_rust_function() -> u64 {
    std::hint::black_box(a_rust_function as fn() -> u64 as usize as u64)
}

/// Compiles a program to a directory of the test, so that the test can replace the file.
fn compiled(directory: &TempDir, name: &str, source: Source, arguments: &[&str]) -> PathBuf {
    let program = Program::compile_as(OsStr::new(name), source, arguments);
    let path = directory.path().join(name);
    fs::copy(&program.path, &path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn run(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?}");
}
