//! Address maps, compared with the addresses that processes print.

// The facts are Linux's. `address_space` has the tests for every system.
#![cfg(target_os = "linux")]

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use psapi::{AddressMap, Backing, ErrorKind, Process, ProcessId, System};

use testing::privilege::{is_root, unprivileged};
use testing::{Program, TestProcess, interfaces, programs, skip};

fn addresses(line: &str) -> Vec<u64> {
    let words = line.split_whitespace();
    words
        .map(|word| u64::from_str_radix(word, 16).expect("a hexadecimal address"))
        .collect()
}

fn pinned(id: ProcessId) -> (Process, AddressMap) {
    let process = System::new().process(id).unwrap();
    let map = process.address_map().unwrap();
    assert_eq!(map.process(), id);
    (process, map)
}

/// Returns the module at an address, and the offset in the module.
fn module(map: &AddressMap, address: u64) -> Option<(&Path, u64)> {
    let location = map.resolve(address)?;
    assert_eq!(location.address, address);
    assert!((location.mapping.start..location.mapping.end).contains(&address));
    let offset = location.module_offset();
    location
        .module
        .map(|module| (&*module.path, offset.unwrap()))
}

#[test]
fn addresses_resolve_after_unload_and_exec() {
    let library = Program::compile_as(
        OsStr::new("libcomes.so"),
        programs::ANSWER_LIBRARY,
        &["-shared", "-fPIC"],
    );
    let (first, second) = (
        Program::compile(programs::CHANGES_MAPPINGS, &["-ldl"]),
        Program::compile_as(OsStr::new("second"), programs::WAITS, &[]),
    );
    let mut command = Command::new(&first.path);
    let mut subject = TestProcess::start(command.args([&library.path, &second.path]));
    let (process, mut map) = pinned(subject.id());
    let own = addresses(&subject.line);
    let [main, zeros, stack, heap] = own[..] else {
        panic!("{}", subject.line);
    };
    let main_location = map.resolve(main).unwrap();
    let base = main_location.module.unwrap().base;
    assert_eq!(module(&map, main), Some((&*first.path, main - base)));
    // Code has equal offsets in memory and in the file. A zeroed variable is not in the file.
    assert_eq!(main_location.file_offset(), Some(main - base));
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

    subject.resume();
    let of_library = addresses(&subject.line);
    assert_eq!(module(&map, of_library[0]), None);
    assert!(map.refresh(&process).unwrap());
    let offsets: Vec<_> = of_library
        .iter()
        .map(|&address| module(&map, address).unwrap())
        .collect();
    assert!(offsets.iter().all(|(path, _)| *path == library.path));
    let offsets: Vec<u64> = offsets.iter().map(|&(_, offset)| offset).collect();

    subject.resume();
    assert!(map.refresh(&process).unwrap());
    for (&address, &offset) in of_library.iter().zip(&offsets) {
        assert_eq!(module(&map, address), Some((&*library.path, offset)));
        assert!(map.resolve(address).unwrap().gone);
    }
    assert!(!map.resolve(main).unwrap().gone);

    subject.resume();
    let second_main = addresses(&subject.line)[0];
    assert!(map.refresh(&process).unwrap());
    assert_eq!(module(&map, second_main).unwrap().0, second.path);
    // The second program can happen to occupy the same address.
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
fn interfaces_give_equal_maps() {
    let program = Program::compile(programs::WAITS, &[]);
    let subject = program.start();
    let main = addresses(&subject.line)[0];
    let maps = interfaces::mapping_interfaces().into_iter().map(|system| {
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
fn unprivileged_caller_is_denied() {
    if !is_root() {
        return skip("needs root for a process that the caller cannot inspect");
    }
    let program = Program::compile(programs::WAITS, &[]);
    let subject = program.start();
    let error = unprivileged(|| {
        let process = System::new().process(subject.id()).unwrap();
        process.address_map().unwrap_err()
    });
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
}

#[test]
fn map_without_modules_has_mappings() {
    let subject = Program::compile(programs::WAITS, &[]).start();
    let process = System::new().process(subject.id()).unwrap();
    let full = process.address_map().unwrap();
    let mut map = process.address_map_without_modules().unwrap();
    assert!(!map.refresh(&process).unwrap());
    let mappings = process.mappings().unwrap();
    assert!(
        map.locations()
            .map(|location| location.mapping)
            .eq(&mappings)
    );
    assert!(map.locations().all(|location| location.module.is_none()));
    let modules = full
        .locations()
        .filter(|location| location.module.is_some());
    assert!(modules.count() > 3);
}
