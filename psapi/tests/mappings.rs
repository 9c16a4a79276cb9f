//! Mappings and mapped files, compared with mappings that a test process makes.

// The facts are Linux's. `address_space` has the tests for every system.
#![cfg(target_os = "linux")]

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use psapi::{Backing, ErrorKind, MappedFileKind, Mapping, Process, ProcessId, System};

use testing::huge_pool::HugePool;
use testing::privilege::{is_root, unprivileged};
use testing::{Program, TestProcess, interfaces, proc_file, programs, skip};

struct Fixture {
    subject: TestProcess,
    program: Program,
    file: PathBuf,
    gone: PathBuf,
    _directory: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let program = Program::compile(programs::MAPPING_KINDS, &[]);
        let directory = testing::public_directory();
        let file = directory.path().join("mapped file");
        let gone = directory.path().join("gone");
        for path in [&file, &gone] {
            fs::write(path, [7; 12288]).unwrap();
        }
        let subject = TestProcess::start(Command::new(&program.path).arg(&file).arg(&gone));
        Fixture {
            subject,
            program,
            file,
            gone,
            _directory: directory,
        }
    }

    /// Returns the number that the process printed for a kind.
    fn number(&self, kind: &str) -> u64 {
        let mut words = self.subject.line.split(' ');
        words.find(|word| *word == kind).expect(kind);
        u64::from_str_radix(words.next().unwrap(), 16).unwrap()
    }
}

fn by_each_interface(id: ProcessId) -> Vec<Process> {
    let processes = interfaces::mapping_interfaces().into_iter();
    processes
        .map(|system| system.process(id).unwrap())
        .collect()
}

#[test]
fn mapped_file_distinguishes_memory_kinds() {
    let fixture = Fixture::new();
    for process in by_each_interface(fixture.subject.id()) {
        let at = |kind: &str, distance: u64| {
            let found = process
                .mapped_file(fixture.number(kind) + distance)
                .unwrap();
            found.map(|found| (found.kind, found.path, found.deleted, found.offset.unwrap()))
        };
        let file =
            |path: &PathBuf, offset| Some((MappedFileKind::File, path.clone(), false, offset));
        assert_eq!(at("shared-file", 0), file(&fixture.file, 4096));
        assert_eq!(at("shared-file", 8191), file(&fixture.file, 12287));
        assert_eq!(at("private-file", 17), file(&fixture.file, 17));
        let gone = (MappedFileKind::File, fixture.gone.clone(), true, 5);
        assert_eq!(at("deleted", 5), Some(gone));
        let memfd = (
            MappedFileKind::Memfd,
            "/memfd:a name (deleted)".into(),
            false,
            0,
        );
        assert_eq!(at("memfd", 0), Some(memfd));
        let memory = |path: String| Some((MappedFileKind::SharedMemory, path.into(), false, 1));
        assert_eq!(at("shared", 1), memory("/dev/zero".into()));
        assert_eq!(at("shared-zero", 1), memory("/dev/zero".into()));
        let key = fixture.number("key");
        assert_eq!(at("sysv", 1), memory(format!("/SYSV{key:08x}")));
        for private in ["private", "private-zero", "named", "heap", "stack", "hole"] {
            assert_eq!(at(private, 0), None, "{private}");
        }
        let (kind, path, ..) = at("code", 0).unwrap();
        assert_eq!(
            (kind, path),
            (MappedFileKind::File, fixture.program.path.clone())
        );
        for nowhere in [0, 1, u64::MAX, 1 << 63] {
            assert_eq!(process.mapped_file(nowhere).unwrap(), None);
        }
    }
}

#[test]
fn mappings_report_their_backing() {
    let fixture = Fixture::new();
    let process = System::new().process(fixture.subject.id()).unwrap();
    let mappings = process.mappings().unwrap();
    let at = |kind: &str| -> &Mapping {
        let address = fixture.number(kind);
        let mut found = mappings
            .iter()
            .filter(|m| (m.start..m.end).contains(&address));
        let mapping = found.next().expect(kind);
        assert!(found.next().is_none());
        mapping
    };
    let access = |m: &Mapping| (m.readable, m.writable, m.executable, m.shared);
    let file = |deleted, path: &PathBuf| Backing::File {
        path: path.clone(),
        deleted,
    };

    let shared = at("shared-file");
    assert_eq!(shared.backing, file(false, &fixture.file));
    assert_eq!(access(shared), (true, true, false, true));
    assert_eq!((shared.offset, shared.size()), (Some(4096), 8192));
    use std::os::unix::fs::MetadataExt as _;
    let inode = fs::metadata(&fixture.file).unwrap().ino();
    assert_eq!(shared.file.unwrap().inode, inode);

    assert_eq!(access(at("private-file")), (true, false, false, false));
    assert_eq!(at("deleted").backing, file(true, &fixture.gone));
    let name = OsString::from("a name (deleted)");
    assert_eq!(at("memfd").backing, Backing::Memfd { name });
    assert_eq!(
        at("shared").backing,
        Backing::SharedAnonymous {
            name: None,
            hugetlb: false
        }
    );
    assert_eq!(
        at("shared-zero").backing,
        Backing::SharedAnonymous {
            name: None,
            hugetlb: false
        }
    );
    let key = fixture.number("key") as u32;
    assert_eq!(at("sysv").backing, Backing::SysV { key });
    assert_eq!(at("sysv").file.unwrap().inode, fixture.number("id"));
    let private = at("private");
    assert_eq!(private.backing, UNNAMED);
    assert_eq!(
        (access(private), private.file),
        ((false, false, false, false), None)
    );
    assert_eq!(at("private-zero").backing, UNNAMED);
    assert_eq!(at("heap").backing, Backing::Heap);
    assert_eq!(at("stack").backing, Backing::Stack);
    let code = at("code");
    assert_eq!(code.backing, file(false, &fixture.program.path));
    assert_eq!(access(code), (true, false, true, false));
    match &at("named").backing {
        Backing::Anonymous {
            name: Some(name), ..
        } => assert_eq!(name, OsStr::new("my arena")),
        Backing::Anonymous { name: None, .. } => skip("the kernel lacks CONFIG_ANON_VMA_NAME"),
        other => panic!("{other:?}"),
    }
    assert!(
        mappings
            .iter()
            .any(|mapping| mapping.backing == Backing::Vdso)
    );
}

const UNNAMED: Backing = Backing::Anonymous {
    name: None,
    hugetlb: false,
};

#[test]
fn hugetlb_mappings_are_anonymous() {
    let Some(_pool) = HugePool::grow(2) else {
        return skip("cannot reserve hugetlb pages: needs root and free memory");
    };
    let program = Program::compile(programs::MAPS_HUGETLB, &[]);
    let subject = program.start();
    let addresses: Vec<u64> = subject
        .line
        .split(' ')
        .map(|word| u64::from_str_radix(word, 16).unwrap())
        .collect();
    if addresses.contains(&u64::MAX) {
        return skip("another process took the reserved hugetlb pages");
    }
    for process in by_each_interface(subject.id()) {
        assert_eq!(process.mapped_file(addresses[0] + 1).unwrap(), None);
        let shared = process.mapped_file(addresses[1] + 1).unwrap().unwrap();
        assert_eq!(
            (shared.kind, shared.path, shared.offset.unwrap()),
            (MappedFileKind::SharedMemory, "/anon_hugepage".into(), 1)
        );
        let mappings = process.mappings().unwrap();
        let at = |address| mappings.iter().find(|m| m.start == address).unwrap();
        let (name, hugetlb) = (None, true);
        let private = Backing::Anonymous {
            name: name.clone(),
            hugetlb,
        };
        assert_eq!(at(addresses[0]).backing, private);
        let shared = Backing::SharedAnonymous { name, hugetlb };
        assert_eq!(at(addresses[1]).backing, shared);
        for address in addresses.iter().copied() {
            assert_eq!(at(address).backing.label(), "/anon_hugepage");
        }
    }
}

#[test]
fn mappings_match_maps() {
    let fixture = Fixture::new();
    let process = System::new().process(fixture.subject.id()).unwrap();
    let text = String::from_utf8(proc_file(process.id(), "maps")).unwrap();
    let expected: Vec<String> = text
        .lines()
        .map(|line| line.split(' ').take(3).collect::<Vec<_>>().join(" "))
        .collect();
    let print = |m: &Mapping| {
        let letter = |is, letter, other| if is { letter } else { other };
        format!(
            "{:08x}-{:08x} {}{}{}{} {:08x}",
            m.start,
            m.end,
            letter(m.readable, 'r', '-'),
            letter(m.writable, 'w', '-'),
            letter(m.executable, 'x', '-'),
            letter(m.shared, 's', 'p'),
            m.offset.unwrap()
        )
    };
    let mappings = process.mappings().unwrap();
    assert_eq!(mappings.iter().map(print).collect::<Vec<_>>(), expected);

    // A vector can be reused for another process with more or fewer mappings.
    let other = Program::compile(programs::WAITS, &["-static"]);
    let other = other.start();
    let other = System::new().process(other.id()).unwrap();
    let few = other.mappings().unwrap();
    assert!(few.len() < mappings.len());
    let mut reused = few.clone();
    process.mappings_into(&mut reused).unwrap();
    assert_eq!(reused, mappings);
    other.mappings_into(&mut reused).unwrap();
    assert_eq!(reused, few);
}

#[test]
fn mappings_from_address_continue_list() {
    let child = Program::compile(programs::WAITS, &[]).start();
    for process in by_each_interface(child.id()) {
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
}

#[test]
fn mapped_file_covers_mapping_bounds() {
    let fixture = Fixture::new();
    let processes = by_each_interface(fixture.subject.id());
    for mapping in processes[0].mappings().unwrap() {
        for address in [mapping.start, mapping.end - 1] {
            let found = processes[0].mapped_file(address).unwrap();
            for other in &processes[1..] {
                assert_eq!(found, other.mapped_file(address).unwrap(), "{mapping:?}");
            }
            if let Some(path) = mapping.backing.path() {
                assert_eq!(found.unwrap().path, path);
            }
        }
    }
}

/// One path is longer than the kernel's usual buffer, and one is longer than `PATH_MAX`.
#[test]
fn long_paths_are_complete() {
    let program = Program::compile(programs::MAPS_LONG_PATHS, &[]);
    let directory = testing::public_directory();
    let subject = TestProcess::start(Command::new(&program.path).arg(directory.path()));
    for (depth, address) in [3, 25].into_iter().zip(subject.line.split_whitespace()) {
        let address = u64::from_str_radix(address, 16).unwrap();
        let mut path = fs::canonicalize(directory.path()).unwrap();
        path.extend(vec!["n".repeat(200); depth]);
        path.push("file");
        for process in by_each_interface(subject.id()) {
            let file = process.mapped_file(address).unwrap().unwrap();
            assert_eq!((file.path, file.deleted), (path.clone(), false));
        }
    }
}

#[test]
fn exec_replaces_mappings() {
    let next = Program::compile_as(OsStr::new("next"), programs::WAITS, &[]);
    let program = Program::compile(programs::EXECS, &[]);
    let mut subject = TestProcess::start(Command::new(&program.path).arg(&next.path));
    let first = u64::from_str_radix(&subject.line, 16).unwrap();
    let processes = by_each_interface(subject.id());
    for process in &processes {
        let file = process.mapped_file(first).unwrap().unwrap();
        assert_eq!(file.path, program.path);
    }
    subject.resume();
    let second = u64::from_str_radix(&subject.line, 16).unwrap();
    for process in &processes {
        let file = process.mapped_file(second).unwrap().unwrap();
        assert_eq!(file.path, next.path);
        let gone = process.mapped_file(first).unwrap();
        assert!(gone.is_none_or(|file| file.path != program.path));
    }
    subject.kill();
    for process in &processes {
        let error = process.mapped_file(second).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Ended, "a zombie: {error}");
        let error = process.mappings().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Ended, "a zombie: {error}");
    }
    subject.reap();
    for process in &processes {
        let error = process.mapped_file(second).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Ended, "reaped: {error}");
    }
}

/// A child of `vfork` shares its parent's address space, which outlives the child's `execve`.
#[test]
fn vfork_child_exec_replaces_mappings() {
    let program = Program::compile(programs::VFORKS, &[]);
    let mut subject = program.start();
    let (id, address) = subject.line.split_once(' ').unwrap();
    let id = ProcessId::new(id.parse().unwrap());
    let address = u64::from_str_radix(address, 16).unwrap();
    let child = System::new().process(id).unwrap();
    let file = child.mapped_file(address).unwrap().unwrap();
    assert_eq!(file.path, program.path);
    subject.resume();
    let file = child.mapped_file(address).unwrap();
    assert!(file.is_none_or(|file| file.path != program.path));
}

#[test]
fn denial_names_required_capability() {
    let fixture = Fixture::new();
    // Process 1 belongs to root.
    let id = if is_root() {
        fixture.subject.id()
    } else {
        ProcessId::new(1)
    };
    unprivileged(|| {
        for process in by_each_interface(id) {
            for error in [
                process.mappings().unwrap_err(),
                process.mapped_file(0x1000).unwrap_err(),
            ] {
                assert_eq!(error.kind(), ErrorKind::AccessDenied);
                let text = error.to_string();
                assert!(text.contains("CAP_SYS_PTRACE"), "{text}");
                // Yama restricts attaching, but psapi only reads.
                assert!(!text.contains("yama"), "{text}");
            }
        }
    });
}

/// A truncated list is accepted up to its last whole line.
#[test]
fn corrupt_maps_is_malformed() {
    let tree = |maps: &str| {
        let tree = testing::tree::Tree::new().process(7, "sleeper");
        tree.file("7/maps", maps)
    };
    let process = |tree: &testing::tree::Tree| tree.as_proc().process(7).unwrap();

    let cut = tree("1000-2000 r-xp 00000000 fe:00 7 /a\n2000-3000 r--p 00001000 fe:0");
    let mappings = process(&cut).mappings().unwrap();
    assert_eq!(mappings.len(), 1);
    let file = process(&cut).mapped_file(0x1fff).unwrap().unwrap();
    assert_eq!((file.path, file.offset), (PathBuf::from("/a"), Some(0xfff)));
    assert_eq!(process(&cut).mapped_file(0x2000).unwrap(), None);

    let nameless = tree("1000-2000 r-xp 00000000 00:00 0\n");
    assert_eq!(process(&nameless).mapped_file(0x1000).unwrap(), None);
    assert_eq!(process(&nameless).mappings().unwrap().len(), 1);

    // No line is a mapping.
    let noise = tree("\u{0}\u{0}\u{0}\n\n- - -\n");
    for error in [
        process(&noise).mapped_file(0).unwrap_err(),
        process(&noise).mappings().unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
    }
}
