//! Addresses looked up in a picture of the address space, against what the programs say of theirs.

mod support;

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use psapi::{AddressMap, Backing, ErrorKind, Process, ProcessId, System};

use support::child::{Program, Subject};
use support::privilege::{as_nobody, is_root, skip};
use support::ways;

/// Loads a library when told to, unloads it when told to, and then executes another program. Each
/// line says where things are.
const CHANGES: &str = r#"
    #include <dlfcn.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <unistd.h>
    static int zeros[9000];
    static void say(void) { puts(""); fflush(stdout); if (getchar() == EOF) _Exit(0); }
    int main(int argc, char **argv) {
        printf("%lx %lx %lx %lx", (long)main, (long)&zeros[8000], (long)&argc, (long)malloc(9));
        say();
        void *library = dlopen(argv[1], RTLD_NOW);
        if (!library) { puts(dlerror()); exit(1); }
        printf("%lx %lx", (long)dlsym(library, "answer"), (long)dlsym(library, "zeros"));
        say();
        dlclose(library);
        say();
        execl(argv[2], argv[2], (char *)0);
        return 1;
    }"#;

const WAITS: &str = r#"
    #include <stdio.h>
    int main(void) { printf("%lx\n", (long)main); fflush(stdout); getchar(); }"#;

fn addresses(said: &str) -> Vec<u64> {
    let words = said.split_whitespace();
    words
        .map(|word| u64::from_str_radix(word, 16).expect("an address"))
        .collect()
}

fn pinned(id: ProcessId) -> (Process, AddressMap) {
    let process = System::new().process(id).unwrap();
    let map = process.address_map().unwrap();
    assert_eq!(map.process(), id);
    (process, map)
}

/// The module at an address, and the offset there.
fn module(map: &AddressMap, address: u64) -> Option<(&Path, u64)> {
    let place = map.resolve(address)?;
    assert_eq!(place.address, address);
    assert!((place.mapping.start..place.mapping.end).contains(&address));
    let offset = place.module_offset();
    place.module.map(|module| (&*module.path, offset.unwrap()))
}

#[test]
fn addresses_are_found_in_what_comes_and_goes() {
    let library = Program::compile_as(
        OsStr::new("libcomes.so"),
        "int zeros[9000]; int answer(void) { return 42; }",
        &["-shared", "-fPIC"],
    );
    let (first, second) = (
        Program::compile(CHANGES, &["-ldl"]),
        Program::compile_as(OsStr::new("second"), WAITS, &[]),
    );
    let mut command = Command::new(&first.path);
    let mut subject = Subject::start(command.args([&library.path, &second.path]));
    let (process, mut map) = pinned(subject.id());
    let own = addresses(&subject.said);
    let [main, zeros, stack, heap] = own[..] else {
        panic!("{}", subject.said);
    };
    let main_place = map.resolve(main).unwrap();
    let base = main_place.module.unwrap().base;
    assert_eq!(module(&map, main), Some((&*first.path, main - base)));
    // The file has the code where it is in memory; a variable of zeros is in no file.
    assert_eq!(main_place.file_offset(), Some(main - base));
    assert_eq!(module(&map, zeros), Some((&*first.path, zeros - base)));
    assert_eq!(map.resolve(zeros).unwrap().file_offset(), None);
    let backing = |address| &map.resolve(address).unwrap().mapping.backing;
    assert_eq!(
        (backing(stack), backing(heap)),
        (&Backing::Stack, &Backing::Heap)
    );
    assert_eq!((module(&map, stack), module(&map, heap)), (None, None));
    for nothing in [0, 1, u64::MAX] {
        assert_eq!(map.resolve(nothing), None);
    }
    assert!(!map.refresh(&process).unwrap());

    subject.proceed();
    let of_library = addresses(&subject.said);
    assert_eq!(module(&map, of_library[0]), None);
    assert!(map.refresh(&process).unwrap());
    let offsets: Vec<_> = of_library
        .iter()
        .map(|&address| module(&map, address).unwrap())
        .collect();
    assert!(offsets.iter().all(|(path, _)| *path == library.path));
    let offsets: Vec<u64> = offsets.iter().map(|&(_, offset)| offset).collect();

    subject.proceed();
    assert!(map.refresh(&process).unwrap());
    for (&address, &offset) in of_library.iter().zip(&offsets) {
        assert_eq!(module(&map, address), Some((&*library.path, offset)));
        assert!(map.resolve(address).unwrap().gone);
    }
    assert!(!map.resolve(main).unwrap().gone);

    subject.proceed();
    let second_main = addresses(&subject.said)[0];
    assert!(map.refresh(&process).unwrap());
    assert_eq!(module(&map, second_main).unwrap().0, second.path);
    // Unless the second program has taken its place.
    if second_main.abs_diff(main) > 1 << 20 {
        assert_eq!(module(&map, main), Some((&*first.path, main - base)));
        assert!(map.resolve(main).unwrap().gone);
    }

    subject.reap();
    assert_eq!(module(&map, second_main).unwrap().0, second.path);
    assert_eq!(map.refresh(&process).unwrap_err().kind(), ErrorKind::Ended);
    assert_eq!(module(&map, second_main).unwrap().0, second.path);
    assert_eq!(process.address_map().unwrap_err().kind(), ErrorKind::Ended);
}

#[test]
fn both_ways_to_the_mappings_give_one_map() {
    let program = Program::compile(WAITS, &[]);
    let subject = program.start();
    let main = addresses(&subject.said)[0];
    let maps = ways::to_mappings().into_iter().map(|system| {
        let process = system.process(subject.id()).unwrap();
        process.address_map().unwrap()
    });
    let maps: Vec<_> = maps.collect();
    for address in (main - (1 << 20)..main + (1 << 20)).step_by(4096) {
        for map in &maps[1..] {
            assert_eq!(maps[0].resolve(address), map.resolve(address));
        }
    }
    assert!(maps[0].resolve(main).is_some());
}

#[test]
fn who_may_not_see_the_mappings_gets_no_map() {
    if !is_root() {
        return skip("only root has a process that nobody may not look at");
    }
    let program = Program::compile(WAITS, &[]);
    let subject = program.start();
    let error = as_nobody(|| {
        let process = System::new().process(subject.id()).unwrap();
        process.address_map().unwrap_err()
    });
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
}
