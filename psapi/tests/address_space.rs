//! Modules, mappings and mapped files on every system, compared with what a test process arranges
//! or reports.

use std::ffi::OsStr;

use psapi::{
    Backing, ErrorKind, MappedFileKind, Mapping, Module, ModuleClass, ModuleFields, ModuleFilter,
    Process, System,
};

use testing::{Program, TestProcess, programs};

fn open(subject: &TestProcess) -> Process {
    System::new().process(subject.id()).unwrap()
}

/// Returns the hexadecimal numbers in the line of a process.
fn numbers(subject: &TestProcess) -> Vec<u64> {
    let words = subject.line.split_whitespace();
    words
        .map(|word| u64::from_str_radix(word, 16).unwrap())
        .collect()
}

const OWN_CLASS: ModuleClass = if cfg!(target_pointer_width = "64") {
    ModuleClass::Bits64
} else {
    ModuleClass::Bits32
};

#[test]
fn modules_match_loader_of_process() {
    let subject = Program::compile(programs::PRINTS_MODULES, &["-ldl"]).start();
    let numbers = numbers(&subject);
    let (entry_point, listed) = numbers.split_last().unwrap();
    let modules = open(&subject).modules(ModuleFilter::All).unwrap();
    let found = modules.iter().flat_map(|module| [module.base, module.size]);
    assert_eq!(found.collect::<Vec<_>>(), listed);
    assert_eq!(modules[0].entry_point, Some(*entry_point));
    assert!(modules[0].contains(*entry_point));
    assert!(modules.len() > 1);
}

#[test]
fn program_is_first_module() {
    for name in ["subject", "a name", "sübject ☃", "𝄞"] {
        let program = Program::compile_as(OsStr::new(name), programs::WAITS, &[]);
        let subject = program.start();
        let process = open(&subject);
        let modules = process.modules(ModuleFilter::All).unwrap();
        let first = &modules[0];
        assert_eq!((&first.path, first.deleted), (&program.path, false));
        assert_eq!(first.name(), program.path.file_name().unwrap());
        assert!(first.contains(numbers(&subject)[0]));
        assert_eq!(first.class, OWN_CLASS);
        assert_eq!(process.executable().unwrap(), *first);
        for module in &modules {
            assert_eq!(process.module(module.base).unwrap(), *module);
        }
    }
}

#[test]
fn optional_fields_are_read_on_request() {
    let subject = Program::compile(programs::WAITS, &[]).start();
    let process = open(&subject);
    let plain = process.modules(ModuleFilter::All).unwrap();
    let has_fields = |module: &Module| module.soname.is_some() || module.build_id.is_some();
    assert!(!plain.iter().any(has_fields));
    let full = process
        .modules_with(ModuleFilter::All, ModuleFields::all())
        .unwrap();
    // The name of the C library is in its export table or in its dynamic section.
    let named = full.iter().filter(|module| module.soname.is_some());
    let is_own_name = |module: &Module| {
        let name = module.name().to_string_lossy().to_lowercase();
        let soname = module
            .soname
            .as_ref()
            .unwrap()
            .to_string_lossy()
            .to_lowercase();
        name.starts_with(soname.split('.').next().unwrap())
    };
    assert!(named.clone().count() > 0);
    assert!(named.clone().any(is_own_name), "{full:#?}");
    let without = |mut module: Module| {
        (module.soname, module.build_id) = (None, None);
        module
    };
    assert_eq!(full.into_iter().map(without).collect::<Vec<_>>(), plain);
}

#[test]
fn filter_selects_own_class() {
    let me = System::new().current_process().unwrap();
    let of_class = |filter| me.modules(filter).unwrap();
    let (own, other) = match OWN_CLASS {
        ModuleClass::Bits64 => (ModuleFilter::Only64Bit, ModuleFilter::Only32Bit),
        ModuleClass::Bits32 => (ModuleFilter::Only32Bit, ModuleFilter::Only64Bit),
    };
    assert_eq!(of_class(own), of_class(ModuleFilter::All));
    assert_eq!(of_class(other), []);
}

#[test]
fn address_inside_module_is_no_base() {
    let subject = Program::compile(programs::WAITS, &[]).start();
    let process = open(&subject);
    let base = process.executable().unwrap().base;
    for address in [0, 1, base + 1, base + 0x1000, u64::MAX] {
        let error = process.module(address).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidParameter, "{error}");
    }
}

#[test]
fn mapped_file_distinguishes_kinds() {
    let program = Program::compile(programs::MAPS_FIVE_KINDS, &[]);
    let subject = program.start();
    let [file, _memfd, shared, private, hole] = numbers(&subject)[..] else {
        panic!("{}", subject.line);
    };
    let process = open(&subject);
    let at = |address: u64| process.mapped_file(address).unwrap();
    for address in [file, file + 1, file + 8191] {
        let found = at(address).unwrap();
        assert_eq!(
            (found.kind, &found.path),
            (MappedFileKind::File, &program.path)
        );
        assert!(!found.deleted);
        assert_eq!(found.device_path.is_some(), cfg!(windows));
    }
    let found = at(shared).unwrap();
    assert_eq!(found.kind, MappedFileKind::SharedMemory);
    assert_eq!(found.device_path, None);
    for nothing in [private, hole, 0, u64::MAX] {
        assert_eq!(at(nothing), None);
    }
    let code = process.executable().unwrap();
    assert_eq!(at(code.base).unwrap().path, program.path);
}

#[test]
fn mappings_report_kinds_and_access() {
    let program = Program::compile(programs::MAPS_FIVE_KINDS, &[]);
    let subject = program.start();
    let [file, _memfd, shared, private, hole] = numbers(&subject)[..] else {
        panic!("{}", subject.line);
    };
    let process = open(&subject);
    let mappings = process.mappings().unwrap();
    let at = |address: u64| {
        let mut found = mappings
            .iter()
            .filter(|mapping| (mapping.start..mapping.end).contains(&address));
        let mapping = found.next();
        assert!(found.next().is_none());
        mapping
    };
    let access = |mapping: &Mapping| (mapping.readable, mapping.writable, mapping.executable);
    let file = at(file).unwrap();
    assert_eq!(access(file), (true, false, false));
    let path = program.path.clone();
    assert_eq!(
        file.backing,
        Backing::File {
            path,
            deleted: false
        }
    );
    let shared = at(shared).unwrap();
    assert_eq!(
        (access(shared), shared.shared),
        ((true, false, false), true)
    );
    assert_eq!(shared.backing.path(), None);
    let private = at(private).unwrap();
    assert_eq!(
        (access(private), private.shared),
        ((true, false, false), false)
    );
    assert!(matches!(
        private.backing,
        Backing::Anonymous {
            name: None,
            hugetlb: false
        }
    ));
    assert_eq!(at(hole), None);
    let entry_point = process.executable().unwrap().entry_point.unwrap();
    let code = at(entry_point).unwrap();
    assert_eq!((access(code), code.shared), ((true, false, true), false));
    assert_eq!(code.backing.path(), Some(&*program.path));
}

#[test]
fn mappings_ascend_without_overlap() {
    let subject = Program::compile(programs::MAPS_FIVE_KINDS, &[]).start();
    let process = open(&subject);
    let mappings = process.mappings().unwrap();
    assert!(mappings.iter().all(|mapping| mapping.start < mapping.end));
    assert!(mappings.is_sorted_by(|a, b| a.end <= b.start));
    // A vector can be reused.
    let mut reused = mappings[..3].to_vec();
    process.mappings_into(&mut reused).unwrap();
    assert_eq!(reused, mappings);
}

#[test]
fn mapped_file_covers_mapping_bounds() {
    let subject = Program::compile(programs::MAPS_FIVE_KINDS, &[]).start();
    let process = open(&subject);
    for mapping in process.mappings().unwrap() {
        for address in [mapping.start, mapping.end - 1] {
            let found = process.mapped_file(address).unwrap();
            if let Some(path) = mapping.backing.path() {
                assert_eq!(found.unwrap().path, path);
            }
        }
    }
}

#[test]
fn mappings_from_address_continue_list() {
    let subject = Program::compile(programs::WAITS, &[]).start();
    let process = open(&subject);
    let mut all = process.mappings().unwrap();
    all.retain(|mapping| mapping.backing.label() != "[vsyscall]");
    for (index, mapping) in all.iter().enumerate() {
        for address in [mapping.start, mapping.end - 1] {
            let found = process.mappings_from(address, 3).unwrap();
            assert_eq!(found, all[index..all.len().min(index + 3)]);
        }
    }
    assert_eq!(process.mappings_from(0, usize::MAX).unwrap(), all);
    assert_eq!(process.mappings_from(0, 0).unwrap(), []);
    assert_eq!(process.mappings_from(u64::MAX, 3).unwrap(), []);
}

#[test]
fn ended_process_has_no_address_space() {
    let mut subject = Program::compile(programs::WAITS, &[]).start();
    let process = open(&subject);
    let main = numbers(&subject)[0];
    subject.kill();
    for error in [
        process.modules(ModuleFilter::All).unwrap_err(),
        process.executable().unwrap_err(),
        process.mappings().unwrap_err(),
        process.mappings_from(0, 3).unwrap_err(),
        process.mapped_file(main).unwrap_err(),
        process.query_pages(&[main]).unwrap_err(),
        process.working_set().unwrap_err(),
        process.watch_working_set().unwrap_err(),
        process.empty_working_set().unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Ended, "{error}");
    }
}

#[test]
fn address_map_resolves_code_and_data() {
    let program = Program::compile(programs::MAPS_FIVE_KINDS, &[]);
    let subject = program.start();
    let [file, _, _, private, hole] = numbers(&subject)[..] else {
        panic!("{}", subject.line);
    };
    let process = open(&subject);
    let map = process.address_map().unwrap();
    let module_at = |address| map.resolve(address).unwrap().module.cloned();
    let executable = process.executable().unwrap();
    let code = module_at(executable.entry_point.unwrap()).unwrap();
    assert_eq!(
        (code.base, code.path),
        (executable.base, program.path.clone())
    );
    // The same file, mapped as data.
    assert_eq!(module_at(file), None);
    assert_eq!(module_at(private), None);
    assert!(map.resolve(hole).is_none());
}
