//! Processes that are expensive to inspect, by design or by accident. Results must be correct and
//! take bounded time and memory.

#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use psapi::{Error, Fields, ModuleFilter, System};

use testing::{Program, TestProcess, programs};

/// Counts the modules of a process that maps a file many times. Panics after 30 seconds.
fn modules_of_many(contents: &[u8], arguments: [&str; 3]) -> usize {
    let program = Program::compile(programs::MAPS_FILE_OFTEN, &[]);
    let data = program.path.with_file_name("data");
    fs::write(&data, contents).unwrap();
    let subject = TestProcess::start(Command::new(&program.path).arg(&data).args(arguments));
    let (sender, receiver) = mpsc::channel();
    let id = subject.id();
    thread::spawn(move || {
        let process = System::new().process(id).unwrap();
        let modules = process.modules(ModuleFilter::All).unwrap();
        let _ = sender.send(modules.iter().filter(|m| m.path == data).count());
    });
    receiver
        .recv_timeout(Duration::from_secs(30))
        .expect("modules within 30 seconds")
}

/// Builds an image of 1 MiB with many program headers: `PT_LOAD`, then `PT_NOTE`. Each header spans
/// the whole image.
fn image(loads: u16, notes: u16) -> Vec<u8> {
    const SIZE: u64 = 1 << 20;
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(16, 0);
    bytes.extend([3u16, 62].map(u16::to_le_bytes).concat()); // e_type, e_machine
    bytes.extend(1u32.to_le_bytes()); // e_version
    bytes.extend([0u64, 64, 0].map(u64::to_le_bytes).concat()); // e_entry, e_phoff, e_shoff
    bytes.extend(0u32.to_le_bytes()); // e_flags
    bytes.extend(
        [64, 56, loads + notes, 0, 0, 0]
            .map(u16::to_le_bytes)
            .concat(),
    );
    for index in 0..loads + notes {
        let kind: u32 = if index < loads { 1 } else { 4 };
        bytes.extend([kind, 5].map(u32::to_le_bytes).concat());
        // p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align
        bytes.extend([0, 0, 0, SIZE, SIZE, 4].map(u64::to_le_bytes).concat());
    }
    bytes.resize(SIZE as usize, 0);
    bytes
}

#[test]
fn mappings_without_elf_header_are_fast() {
    let count = modules_of_many(&[1; 2 * 4096], ["10000", "4096", "4096"]);
    assert_eq!(count, 0);
}

#[test]
fn oversized_header_tables_are_ignored() {
    let working_set = || {
        let me = System::new().current_process().unwrap();
        me.memory_counters().unwrap().peak_working_set
    };
    let before = working_set();
    // The table has more program headers than psapi reads, so this is no module.
    let count = modules_of_many(&image(18_000, 0), ["1000", "0", "1048576"]);
    assert_eq!(count, 0);
    let grown = working_set() - before;
    assert!(grown < 64 << 20, "{grown} bytes");
}

#[test]
fn many_program_headers_are_fast() {
    let count = modules_of_many(&image(140, 0), ["5000", "0", "1048576"]);
    assert_eq!(count, 5000);
}

#[test]
fn many_notes_are_fast() {
    let count = modules_of_many(&image(1, 140), ["1000", "0", "1048576"]);
    assert_eq!(count, 1000);
}

#[test]
fn repeated_exec_is_not_ended() {
    let program = Program::compile(programs::EXECS_ITSELF_FOREVER, &["-static"]);
    let subject = program.start();
    let process = System::new().process(subject.id()).unwrap();
    let begin = Instant::now();
    let mut failures = BTreeMap::new();
    let mut note = |what, error: Option<Error>| {
        *failures.entry(what).or_insert(0) += u32::from(error.is_some());
    };
    while begin.elapsed() < Duration::from_secs(2) {
        note("exact", process.exact_memory().err());
        note("mappings", process.mappings().err());
        note("mapped file", process.mapped_file(0x40_0000).err());
        note("modules", process.modules(ModuleFilter::All).err());
        note("status", process.status(Fields::EXACT).err());
        note("counters", process.memory_counters().err());
        note("image", process.image_file().err());
    }
    assert!(failures.values().all(|&count| count == 0), "{failures:?}");
}
