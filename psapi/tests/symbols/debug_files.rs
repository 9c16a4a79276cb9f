//! Symbols in separate debug files, and in compressed sections.

use std::fs;
use std::process::Command;

use psapi::{Symbolizer, System};

use testing::{TestProcess, elf, programs, public_directory, skip};

use super::*;

/// Moves the symbols and debug information of a program to another file.
fn split(path: &Path, debug: &Path) {
    fs::create_dir_all(debug.parent().unwrap()).unwrap();
    run(Command::new("objcopy")
        .arg("--only-keep-debug")
        .args([path, debug]));
    run(Command::new("strip").arg(path));
}

fn add_debug_link(path: &Path, debug: &Path) {
    let link = format!("--add-gnu-debuglink={}", debug.display());
    run(Command::new("objcopy").arg(link).arg(path));
}

/// Asserts that the symbols of `nested.c` are found with a file root.
fn assert_found(path: &Path, root: &Path) {
    let subject = TestProcess::start(&mut Command::new(path));
    let addresses = numbers(&subject.line);
    let system = System::builder().file_root(root).build();
    let process = system.process(subject.id()).unwrap();
    let map = process.address_map().unwrap();
    let found = symbols(&process, &map, &addresses);
    assert_nested(&found, programs::NESTED, path);
}

#[test]
fn finds_debug_file_beside_module() {
    for subdirectory in ["", ".debug"] {
        for build_id in ["-Wl,--build-id", "-Wl,--build-id=none"] {
            let directory = public_directory();
            let arguments = ["-g", "-O2", build_id];
            let path = compiled(&directory, "subject", programs::NESTED, &arguments);
            let debug = directory.path().join(subdirectory).join("subject.debug");
            split(&path, &debug);
            add_debug_link(&path, &debug);
            assert_found(&path, Path::new("/"));
        }
    }
}

#[test]
fn finds_debug_file_by_build_id() {
    let directory = public_directory();
    let arguments = ["-g", "-O2", "-Wl,--build-id"];
    let path = compiled(&directory, "subject", programs::NESTED, &arguments);
    let id = elf::build_id(&path).unwrap();
    let root = public_directory();
    let debug = root.path().join("usr/lib/debug/.build-id");
    let debug = debug.join(&id[..2]).join(format!("{}.debug", &id[2..]));
    split(&path, &debug);
    assert_found(&path, root.path());

    // Without the file, the reason names the build id.
    let subject = TestProcess::start(&mut Command::new(&path));
    let (process, map) = pinned(subject.id());
    let mut symbolizer = Symbolizer::new();
    symbolizer.symbolize(&process, &map, &numbers(&subject.line));
    let [missing] = symbolizer.missing() else {
        panic!("{:?}", symbolizer.missing());
    };
    assert!(missing.reason.contains(&id), "{missing}");
}

/// Before the ELF standard had compressed sections, GNU tools gave them another name.
#[test]
fn reads_zdebug_sections() {
    let directory = public_directory();
    let path = compiled(&directory, "subject", programs::NESTED, &["-g", "-O2"]);
    let mut compress = Command::new("objcopy");
    compress
        .arg("--compress-debug-sections=zlib-gnu")
        .arg(&path);
    run(&mut compress);
    let sections = Command::new("readelf")
        .arg("-SW")
        .arg(&path)
        .output()
        .unwrap();
    if !String::from_utf8_lossy(&sections.stdout).contains(".zdebug_info") {
        return skip("objcopy cannot write .zdebug sections");
    }
    assert_found(&path, Path::new("/"));

    let debug = directory.path().join(".debug/subject.debug");
    split(&path, &debug);
    add_debug_link(&path, &debug);
    assert_found(&path, Path::new("/"));
}

/// Fedora's packages have the symbol table of a stripped program in a compressed section.
#[test]
fn reads_compressed_symbol_table() {
    let directory = public_directory();
    let path = compiled(
        &directory,
        "subject",
        programs::NESTED,
        &["-O2", "-rdynamic"],
    );
    let symbols_file = directory.path().join("symbols");
    let mut keep = Command::new("objcopy");
    keep.args([
        "-S",
        "--remove-section=.comment",
        "--keep-symbol=print_and_wait",
    ]);
    run(keep.args([&path, &symbols_file]));
    if !Command::new("xz")
        .arg(&symbols_file)
        .status()
        .is_ok_and(|status| status.success())
    {
        return skip("xz is not installed");
    }
    run(Command::new("strip").arg(&path));
    let section = format!(".gnu_debugdata={}.xz", symbols_file.display());
    run(Command::new("objcopy")
        .arg("--add-section")
        .arg(section)
        .arg(&path));

    let subject = TestProcess::start(&mut Command::new(&path));
    let addresses = numbers(&subject.line);
    let (process, map) = pinned(subject.id());
    let found = symbols(&process, &map, &addresses);
    // The local function is only in the compressed table, the exported one only in the other.
    assert_eq!(functions(&found[2]), ["print_and_wait"]);
    assert_eq!(found[2][0].offset, Some(0));
    assert_eq!(functions(&found[1]), ["outer"]);
}
