//! More modules than descriptors. The only test here: the limit is the whole process's.

mod support;

use std::ffi::OsStr;
use std::fs;
use std::process::Command;

use psapi::{Symbolizer, System};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use support::child::{Program, Subject, public_directory};

const LIBRARIES: usize = 80;
const DESCRIPTORS: u64 = 64;

const LOADS: &str = r#"
    #include <dlfcn.h>
    #include <stdio.h>
    #include <stdlib.h>
    int main(int argc, char **argv) {
        for (int i = 1; i < argc; i++) {
            void *library = dlopen(argv[i], RTLD_NOW);
            if (!library) { puts(dlerror()); exit(1); }
            printf("%lx ", (long)dlsym(library, "answer"));
        }
        puts(""); fflush(stdout); getchar();
    }"#;

#[test]
fn all_modules_have_symbols_with_64_descriptors() {
    let source = "int answer(void) { return 42; }";
    let library = Program::compile_as(OsStr::new("lib.so"), source, &["-shared", "-fPIC"]);
    let directory = public_directory();
    let paths: Vec<_> = (0..LIBRARIES)
        .map(|number| directory.path().join(format!("lib{number}.so")))
        .collect();
    for path in &paths {
        fs::copy(&library.path, path).unwrap();
    }
    let program = Program::compile(LOADS, &["-ldl"]);
    let subject = Subject::start(Command::new(&program.path).args(&paths));
    let addresses = subject.said.split_whitespace();
    let addresses: Vec<_> = addresses
        .map(|address| u64::from_str_radix(address, 16).unwrap())
        .collect();
    assert_eq!(addresses.len(), LIBRARIES);

    let limit = Rlimit {
        current: Some(DESCRIPTORS),
        ..getrlimit(Resource::Nofile)
    };
    setrlimit(Resource::Nofile, limit).expect("a lower limit");
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
    // It leaves most of them to the caller.
    let open = fs::read_dir("/proc/self/fd").unwrap().count();
    assert!(open < DESCRIPTORS as usize * 3 / 4, "{open}");
}
