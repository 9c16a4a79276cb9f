//! Tests of what only Linux has: memory with a name of the kernel, deleted files, hugetlb pages,
//! programs that execute others, capabilities, and made-up files of `/proc`.

use std::ffi::{OsStr, OsString};

use testing::huge_pool::HugePool;
use testing::privilege::{is_root, unprivileged};
use testing::skip;

use super::*;

#[test]
fn mapped_file_names_kernel_memory() {
    let fixture = Fixture::new();
    for process in by_each_interface(fixture.subject.id()) {
        let at = |kind: &str, distance: u64| {
            let found = process
                .mapped_file(fixture.number(kind) + distance)
                .unwrap();
            found.map(|found| (found.kind, found.path, found.deleted, found.offset.unwrap()))
        };
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
        assert_eq!(at("shared-zero", 1), memory("/dev/zero".into()));
        let key = fixture.number("key");
        assert_eq!(at("sysv", 1), memory(format!("/SYSV{key:08x}")));
        for private in ["private-zero", "named"] {
            assert_eq!(at(private, 0), None, "{private}");
        }
    }
}

/// Asserts the backing of the kinds of memory that only Linux has.
pub(super) fn assert_kernel_kinds(fixture: &Fixture, mappings: &[Mapping]) {
    use std::os::unix::fs::MetadataExt as _;
    let at = |kind: &str| fixture.mapping(mappings, kind);
    let inode = fs::metadata(&fixture.file).unwrap().ino();
    assert_eq!(at("shared-file").file.unwrap().inode, inode);
    let deleted = Backing::File {
        path: fixture.gone.clone(),
        deleted: true,
    };
    assert_eq!(at("deleted").backing, deleted);
    let name = OsString::from("a name (deleted)");
    assert_eq!(at("memfd").backing, Backing::Memfd { name });
    let shared = Backing::SharedAnonymous {
        name: None,
        hugetlb: false,
    };
    assert_eq!(at("shared-zero").backing, shared);
    let key = fixture.number("key") as u32;
    assert_eq!(at("sysv").backing, Backing::SysV { key });
    assert_eq!(at("sysv").file.unwrap().inode, fixture.number("id"));
    assert_eq!(at("private-zero").backing, UNNAMED);
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
