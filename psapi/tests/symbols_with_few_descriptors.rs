//! Symbols of more modules than descriptors. The limit applies to the whole test process, so this
//! is the only test here.

// Symbols come from ELF files.
#![cfg(target_os = "linux")]

use std::ffi::OsStr;
use std::fs;
use std::process::Command;

use psapi::{Symbolizer, System};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use testing::{Program, TestProcess, programs, public_directory};

const LIBRARIES: usize = 80;
const DESCRIPTORS: u64 = 64;

#[test]
fn symbolizes_with_64_descriptors() {
    let library = Program::compile_as(
        OsStr::new("lib.so"),
        programs::ANSWER_LIBRARY,
        &["-shared", "-fPIC"],
    );
    let directory = public_directory();
    let paths: Vec<_> = (0..LIBRARIES)
        .map(|number| directory.path().join(format!("lib{number}.so")))
        .collect();
    for path in &paths {
        fs::copy(&library.path, path).unwrap();
    }
    let program = Program::compile(programs::LOADS_MANY, &["-ldl"]);
    let subject = TestProcess::start(Command::new(&program.path).args(&paths));
    let addresses = subject.line.split_whitespace();
    let addresses: Vec<_> = addresses
        .map(|address| u64::from_str_radix(address, 16).unwrap())
        .collect();
    assert_eq!(addresses.len(), LIBRARIES);

    let limit = Rlimit {
        current: Some(DESCRIPTORS),
        ..getrlimit(Resource::Nofile)
    };
    setrlimit(Resource::Nofile, limit).expect("lower the limit");
    let process = System::new().process(subject.id()).unwrap();
    let map = process.address_map().unwrap();
    let mut symbolizer = Symbolizer::new();
    symbolizer.hold(&process, &map);
    let found = symbolizer.symbolize(&process, &map, &addresses);
    for (frames, path) in found.iter().zip(&paths) {
        assert_eq!(frames[0].function.as_deref(), Some("answer"), "{path:?}");
        assert_eq!(frames[0].module.as_ref(), Some(path));
    }
    assert_eq!(symbolizer.missing(), []);
    // The symbolizer leaves at least a quarter of the descriptors to the caller.
    let open = fs::read_dir("/proc/self/fd").unwrap().count();
    assert!(open < DESCRIPTORS as usize * 3 / 4, "{open}");

    // Without descriptors, symbols are missing only as long as that lasts.
    let mut symbolizer = Symbolizer::new();
    let held: Vec<_> = std::iter::from_fn(|| fs::File::open("/dev/null").ok()).collect();
    let without = symbolizer.symbolize(&process, &map, &addresses);
    assert!(without.iter().all(|frames| frames[0].function.is_none()));
    drop(held);
    let again = symbolizer.symbolize(&process, &map, &addresses);
    assert_eq!(again, found);
}
