//! Processes that make it hard, on purpose or not: the answer is right all the same, and comes in
//! bounded time and memory.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use psapi::{Error, Fields, ModuleFilter, System};

use support::child::{Program, Subject};

/// Maps a file as often as the second argument says, at the offset and with the size that follow.
const MAPS: &str = r#"
    #include <fcntl.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <sys/mman.h>
    int main(int argc, char **argv) {
        int file = open(argv[1], O_RDONLY);
        long offset = atol(argv[3]), size = atol(argv[4]);
        for (long count = atol(argv[2]); count > 0; count--)
            if (mmap(0, size, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, offset) == MAP_FAILED)
                return 1;
        puts("up"); fflush(stdout); getchar();
    }
"#;

/// How many modules a process has that maps a file many times, asked with a limit to the time.
fn modules_of_many(contents: &[u8], arguments: [&str; 3]) -> usize {
    let program = Program::compile(MAPS, &[]);
    let data = program.path.with_file_name("data");
    fs::write(&data, contents).unwrap();
    let subject = Subject::start(Command::new(&program.path).arg(&data).args(arguments));
    let (sender, receiver) = mpsc::channel();
    let id = subject.id();
    thread::spawn(move || {
        let process = System::new().process(id).unwrap();
        let modules = process.modules(ModuleFilter::All).unwrap();
        let _ = sender.send(modules.iter().filter(|m| m.path == data).count());
    });
    receiver
        .recv_timeout(Duration::from_secs(30))
        .expect("an answer, soon")
}

/// An image of a mebibyte whose header has many program headers: `PT_LOAD`, then `PT_NOTE`, all of
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
fn many_mappings_without_a_header_end_soon() {
    let count = modules_of_many(&[1; 2 * 4096], ["10000", "4096", "4096"]);
    assert_eq!(count, 0);
}

#[test]
fn many_images_with_long_headers_end_soon_and_are_not_kept() {
    let working_set = || {
        let me = System::new().current_process().unwrap();
        me.memory_counters().unwrap().peak_working_set
    };
    let before = working_set();
    // More program headers than are looked at: no image.
    let count = modules_of_many(&image(18_000, 0), ["1000", "0", "1048576"]);
    assert_eq!(count, 0);
    let grown = working_set() - before;
    assert!(grown < 64 << 20, "{grown} bytes");
}

#[test]
fn many_images_with_many_headers_end_soon() {
    let count = modules_of_many(&image(140, 0), ["5000", "0", "1048576"]);
    assert_eq!(count, 5000);
}

#[test]
fn many_notes_end_soon() {
    let count = modules_of_many(&image(1, 140), ["1000", "0", "1048576"]);
    assert_eq!(count, 1000);
}

#[test]
fn a_process_that_executes_again_and_again_has_not_ended() {
    let program = Program::compile(
        r#"
        #include <stdio.h>
        #include <unistd.h>
        int main(int argc, char **argv) {
            if (argc == 1) { puts("up"); fflush(stdout); }
            execl(argv[0], argv[0], "again", NULL);
        }"#,
        &["-static"],
    );
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
