//! Address maps, compared with the addresses that processes print.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use psapi::{AddressMap, Backing, ErrorKind, Process, ProcessId, System};

#[cfg(target_os = "linux")]
use testing::privilege::{is_root, unprivileged};
use testing::{Program, TestProcess, programs};
#[cfg(target_os = "linux")]
use testing::{interfaces, skip};

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

/// What backs a heap and a stack.
#[cfg(target_os = "linux")]
const HEAP_AND_STACK: [Backing; 2] = [Backing::Heap, Backing::Stack];

#[cfg(windows)]
const HEAP_AND_STACK: [Backing; 2] = [const {
    Backing::Anonymous {
        name: None,
        hugetlb: false,
    }
}; 2];

/// On Linux, the process also executes another program.
#[test]
fn addresses_resolve_after_unload_and_exec() {
    let arguments: &[&str] = match cfg!(windows) {
        true => &[],
        false => &["-shared", "-fPIC"],
    };
    let name = OsStr::new("libcomes.so");
    let library = Program::compile_as(name, programs::ANSWER_LIBRARY, arguments);
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
    // Code has equal offsets in memory and in the file of Linux. A zeroed variable is not in the
    // file.
    let offset = cfg!(target_os = "linux").then_some(main - base);
    assert_eq!(main_location.file_offset(), offset);
    assert_eq!(module(&map, zeros), Some((&*first.path, zeros - base)));
    assert_eq!(map.resolve(zeros).unwrap().file_offset(), None);
    let backing = |address| &map.resolve(address).unwrap().mapping.backing;
    assert_eq!([backing(heap), backing(stack)], HEAP_AND_STACK.each_ref());
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

    #[cfg(target_os = "linux")]
    let (main, path) = {
        subject.resume();
        let second_main = addresses(&subject.line)[0];
        assert!(map.refresh(&process).unwrap());
        assert_eq!(module(&map, second_main).unwrap().0, second.path);
        // The second program can happen to occupy the same address.
        if second_main.abs_diff(main) > 1 << 20 {
            assert_eq!(module(&map, main), Some((&*first.path, main - base)));
            assert!(map.resolve(main).unwrap().gone);
        }
        (second_main, &second.path)
    };
    #[cfg(windows)]
    let path = &first.path;

    subject.reap();
    assert_eq!(module(&map, main).unwrap().0, path);
    assert_eq!(map.refresh(&process).unwrap_err().kind(), ErrorKind::Ended);
    assert_eq!(module(&map, main).unwrap().0, path);
    assert_eq!(process.address_map().unwrap_err().kind(), ErrorKind::Ended);
}

/// A file that is mapped as data is no module.
#[test]
fn data_mapping_has_no_module() {
    let subject = Program::compile(programs::MAPS_FIVE_KINDS, &[]).start();
    let [file, .., private, hole] = addresses(&subject.line)[..] else {
        panic!("{}", subject.line);
    };
    let (process, map) = pinned(subject.id());
    let entry_point = process.executable().unwrap().entry_point.unwrap();
    assert!(module(&map, entry_point).is_some());
    let program = process.image_file().unwrap().unwrap().path;
    let location = map.resolve(file).unwrap();
    assert_eq!(location.mapping.backing.path(), Some(&*program));
    assert_eq!(module(&map, file), None);
    assert_eq!(module(&map, private), None);
    assert_eq!(map.resolve(hole), None);
}

#[cfg(target_os = "linux")]
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

#[cfg(target_os = "linux")]
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
