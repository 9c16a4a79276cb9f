//! Modules, compared with the list that the loader of the process itself reports.

#[cfg(target_os = "linux")]
mod linux;

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use psapi::{ErrorKind, Module, ModuleClass, ModuleFields, ModuleFilter, ProcessId, System};

use testing::{Program, TestProcess, interfaces, programs};

const OWN_CLASS: ModuleClass = if cfg!(target_pointer_width = "64") {
    ModuleClass::Bits64
} else {
    ModuleClass::Bits32
};

/// Compiles a library whose own name differs from its file name.
fn library(name: &str) -> Program {
    let arguments: &[&str] = if cfg!(windows) {
        &[]
    } else {
        &[
            "-shared",
            "-fPIC",
            "-Wl,-soname,libanswer.so.7",
            "-Wl,--build-id",
        ]
    };
    Program::compile_as(OsStr::new(name), programs::ANSWER_LIBRARY, arguments)
}

/// The own name of the library.
const OWN_NAME: &str = if cfg!(windows) {
    "answer_library.dll"
} else {
    "libanswer.so.7"
};

/// Returns the modules, which must be equal for all interfaces and for queries of single modules.
fn modules(id: ProcessId) -> Vec<Module> {
    let all = interfaces::mapping_interfaces().into_iter().map(|system| {
        let process = system.process(id).unwrap();
        let plain = process.modules(ModuleFilter::All).unwrap();
        for module in &plain {
            assert_eq!(process.module(module.base).unwrap(), *module);
        }
        if let Some(first) = plain.first() {
            assert_eq!(process.executable().unwrap(), *first);
        }
        process
            .modules_with(ModuleFilter::All, ModuleFields::all())
            .unwrap()
    });
    let mut all: Vec<_> = all.collect();
    let own = all.remove(0);
    for other in all {
        assert_eq!(own, other);
    }
    own
}

fn find<'m>(modules: &'m [Module], path: &Path) -> &'m Module {
    let mut found = modules.iter().filter(|module| module.path == path);
    let module = found
        .next()
        .unwrap_or_else(|| panic!("{path:?} in {modules:#?}"));
    assert!(found.next().is_none(), "{path:?} twice in {modules:#?}");
    module
}

/// Asserts that modules are those that a process lists, in its order.
fn assert_agrees(modules: &[Module], line: &str, executable: &Path) {
    let listed: Vec<(u64, u64, &str)> = line
        .split_terminator('|')
        .map(|part| {
            let mut fields = part.splitn(3, ' ');
            let mut number = || u64::from_str_radix(fields.next().unwrap(), 16).unwrap();
            let (base, size) = (number(), number());
            (base, size, fields.next().unwrap())
        })
        .collect();
    let found: Vec<_> = modules
        .iter()
        .map(|module| (module.base, module.size))
        .collect();
    let expected: Vec<_> = listed.iter().map(|&(base, size, _)| (base, size)).collect();
    assert_eq!(found, expected, "{modules:#?}");
    for (index, (module, (.., name))) in modules.iter().zip(&listed).enumerate() {
        match *name {
            _ if index == 0 => assert_eq!(module.path, executable),
            name if name.starts_with("linux-") => assert_eq!(module.path, Path::new("[vdso]")),
            name if cfg!(windows) => assert_eq!(module.path, Path::new(name)),
            name => assert_eq!(module.path, fs::canonicalize(name).unwrap()),
        }
        assert_eq!(module.class, OWN_CLASS, "{module:?}");
    }
}

#[test]
fn modules_match_loader_order() {
    let library = library("libother-name.so");
    let program = Program::compile(programs::LISTS_MODULES, &["-ldl"]);
    let mut subject = TestProcess::start(Command::new(&program.path).arg(&library.path));
    let before = modules(subject.id());
    assert_agrees(&before, &subject.line, &program.path);

    subject.resume();
    let after = modules(subject.id());
    assert_agrees(&after, &subject.line, &program.path);
    assert_eq!(after[..before.len()], before);

    let module = find(&after, &library.path);
    assert_eq!(module.name(), library.path.file_name().unwrap());
    assert_eq!(module.soname.as_deref(), Some(OsStr::new(OWN_NAME)));
    assert!(!module.deleted);

    let executable = &after[0];
    assert_eq!(executable.soname, None);
    assert!(executable.contains(executable.entry_point.unwrap()));
    #[cfg(target_os = "linux")]
    linux::assert_matches_files(module, &library.path, executable, &program.path);

    // Expensive fields are read only on request.
    let process = System::new().process(subject.id()).unwrap();
    let cheap = process.modules(ModuleFilter::All).unwrap();
    let has_fields = |module: &Module| module.soname.is_some() || module.build_id.is_some();
    assert!(!cheap.iter().any(has_fields));
    let without = |module: &Module| {
        let mut module = module.clone();
        (module.soname, module.build_id) = (None, None);
        module
    };
    assert_eq!(after.iter().map(without).collect::<Vec<_>>(), cheap);
}

#[test]
fn entry_point_is_that_of_program() {
    let subject = Program::compile(programs::PRINTS_MODULES, &["-ldl"]).start();
    let (_, entry_point) = subject.line.rsplit_once(' ').unwrap();
    let entry_point = u64::from_str_radix(entry_point, 16).unwrap();
    assert_eq!(modules(subject.id())[0].entry_point, Some(entry_point));
}

#[test]
fn program_is_first_module() {
    for name in ["subject", "a name", "sübject ☃", "𝄞"] {
        let program = Program::compile_as(OsStr::new(name), programs::WAITS, &[]);
        let subject = program.start();
        let first = &modules(subject.id())[0];
        assert_eq!((&first.path, first.deleted), (&program.path, false));
        assert_eq!(first.name(), program.path.file_name().unwrap());
        let main = u64::from_str_radix(&subject.line, 16).unwrap();
        assert!(first.contains(main));
    }
}

/// A library in a second namespace of Linux is a second module.
#[test]
fn data_mapping_is_no_module() {
    let library = library("libtwice.so");
    let program = Program::compile(programs::LOADS_TWICE, &["-ldl"]);
    let mut subject = TestProcess::start(Command::new(&program.path).arg(&library.path));
    let is_library = |module: &&Module| module.path == library.path;
    assert_eq!(modules(subject.id()).iter().filter(is_library).count(), 0);

    subject.resume();
    let modules = modules(subject.id());
    let found = modules.iter().filter(is_library).map(|module| module.base);
    let listed = subject.line.split(' ');
    let listed = listed.map(|number| u64::from_str_radix(number, 16).unwrap());
    assert_eq!(found.collect::<Vec<_>>(), listed.collect::<Vec<_>>());
}

/// How a program damages the loader's list of modules: by name for the program of Windows, and as a
/// statement for the one of Linux.
const DAMAGES: [(&str, &str); 7] = [
    ("cycle of two", "second->l_next->l_next = second"),
    ("cycle of one", "second->l_next->l_next = second->l_next"),
    ("unmapped memory", "second->l_next = (void *)0x123456789000"),
    ("code", "second->l_next = (void *)&main"),
    ("last page", "second->l_next = (void *)-8L"),
    ("nowhere", "debug->r_map = (void *)1"),
    ("null", "debug->r_map = 0"),
];

fn start_damaging(name: &str, statement: &str) -> (Program, TestProcess) {
    let define = format!("-DDAMAGE={statement}");
    let arguments: &[&str] = match cfg!(windows) {
        true => &[],
        false => &["-ldl", &define],
    };
    let program = Program::compile(programs::DAMAGES_LINK_MAP, arguments);
    let subject = TestProcess::start(Command::new(&program.path).arg(name));
    (program, subject)
}

#[test]
fn corrupt_loader_list_uses_mappings() {
    for (name, statement) in DAMAGES {
        let (_program, mut subject) = start_damaging(name, statement);
        let mut expected = modules(subject.id());
        subject.resume();
        let mut found = modules(subject.id());
        expected[1..].sort_by_key(|module| module.base);
        // 64-bit Windows redirects the directory that 32-bit programs name. The loader has the name,
        // and the mapping has the path of the file.
        if cfg!(all(windows, target_pointer_width = "32")) {
            for module in found.iter_mut().chain(&mut expected) {
                let path = module.path.to_str().unwrap().to_lowercase();
                module.path = path.replace("syswow64", "system32").into();
            }
        }
        assert_eq!(found, expected, "{name}");
    }
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
fn module_requires_exact_base() {
    let process = System::new().current_process().unwrap();
    let modules = process.modules(ModuleFilter::All).unwrap();
    let within = modules[0].base + 1;
    let second_page = modules[0].base + 0x1000;
    let stack = &process as *const _ as u64;
    for address in [0, 1, within, second_page, stack, u64::MAX] {
        let error = process.module(address).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidParameter, "{address:#x}");
    }
}

#[test]
fn ended_process_has_no_modules() {
    let mut subject = Program::compile(programs::WAITS, &[]).start();
    let process = System::new().process(subject.id()).unwrap();
    subject.kill();
    for error in [
        process.modules(ModuleFilter::All).unwrap_err(),
        process.executable().unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Ended, "{error}");
    }
}
