//! Proc roots that are elsewhere, damaged or empty.

// Only Linux has `/proc`.
#![cfg(target_os = "linux")]

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::time::Duration;

use psapi::{Capture, ErrorKind, Fields, Owner, ProcessId, StartTime, System};

use testing::tree::Tree;
use testing::{Program, programs};

#[test]
fn tree_is_read_like_proc() {
    let tree = Tree::new()
        .process(7, "seven")
        .process(10, "ten")
        .file("7/cmdline", b"seven\0-x\0")
        .file("7/cgroup", "0::/user.slice\n")
        .link("7/exe", "/opt/seven")
        .file("self-made", "no process");
    let system = tree.as_proc();
    assert_eq!(system.process_ids().unwrap(), [7.into(), 10.into()]);

    let capture = system.capture(Fields::all()).unwrap();
    let [seven, ten] = capture.processes() else {
        panic!("expected two processes")
    };
    assert_eq!(seven.name.as_deref(), Some(OsStr::new("seven")));
    let start = seven.start.and_then(StartTime::since_boot);
    assert_eq!(start, Some(Duration::from_millis(123_450)));
    assert_eq!(seven.user_time, Some(Duration::from_millis(1500)));
    assert_eq!(seven.kernel_time, Some(Duration::from_millis(500)));
    assert_eq!(seven.image.as_ref().unwrap().path, Path::new("/opt/seven"));
    assert_eq!(
        seven.cgroup.as_ref().unwrap().path(),
        Some(Path::new("/user.slice"))
    );
    assert_eq!(seven.user.and_then(Owner::ids).unwrap().group, 100);
    let memory = seven.memory.unwrap();
    assert_eq!(
        (memory.working_set, memory.peak_working_set),
        (1000 << 10, 1200 << 10)
    );
    assert_eq!((memory.commit, memory.hugetlb), (832 << 10, None));
    assert_eq!(
        (memory.faults.minor, memory.faults.major),
        (Some(100), Some(7))
    );

    // Files that the tree lacks are unknown, not unreadable.
    assert_eq!(
        (&ten.image, &ten.command_line, &ten.cgroup, ten.exact),
        (&None, &None, &None, None)
    );
    assert_eq!(ten.unreadable, Fields::empty());
    let pinned = system.process(7).unwrap();
    assert_eq!(pinned.memory_counters().unwrap(), memory);
    let error = pinned.exact_memory().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported);
    assert!(error.to_string().contains("smaps_rollup"), "{error}");
}

#[test]
fn root_without_processes_is_refused() {
    let tree = Tree::new().file("meminfo", "MemTotal: 1 kB\n");
    let system = tree.as_proc();
    for error in [
        system.process_ids().unwrap_err(),
        system.capture(Fields::MEMORY).unwrap_err(),
        system.process(123).unwrap_err(),
        system.current_process().unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::NotProc);
        assert!(
            error.to_string().contains(tree.path().to_str().unwrap()),
            "{error}"
        );
    }
    let nowhere = System::builder()
        .proc_root(tree.path().join("nowhere"))
        .build();
    let error = nowhere.process_ids().unwrap_err();
    assert!(error.to_string().contains("nowhere"), "{error}");
    let file = System::builder()
        .proc_root(tree.path().join("meminfo"))
        .build();
    assert!(file.process_ids().is_err());
}

#[test]
fn corrupt_files_affect_own_fields() {
    let tree = Tree::new()
        .process(1, "whole")
        .process(2, "no status")
        .file("2/status", "Name:\tno status\nVmRSS:\t10")
        .process(3, "no stat")
        .file("3/stat", "3 (cut off) S 1 3")
        .process(4, "empty")
        .file("4/stat", "")
        .file("4/status", "")
        .file("5/stat", b"\xff\xfe\0 garbage\n")
        .file("6/not-stat", "");
    let capture = tree.as_proc().capture(Fields::MEMORY).unwrap();
    let rows: Vec<_> = capture
        .processes()
        .iter()
        .map(|row| {
            (
                row.id.get(),
                row.name.is_some(),
                row.memory.is_some(),
                row.unreadable,
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            (1, true, true, Fields::empty()),
            (2, true, false, Fields::MEMORY),
            // Without `stat`, faults and memory can belong to different processes.
            (3, false, false, Fields::STAT),
            (4, false, false, Fields::STAT | Fields::MEMORY),
            (5, false, false, Fields::STAT),
        ]
    );
    let system = tree.as_proc();
    let error = system.process(3).unwrap().memory_counters().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(error.to_string().contains("3/stat"), "{error}");
    assert_eq!(system.process(2).unwrap_err().kind(), ErrorKind::Malformed);
}

#[test]
fn refresh_equals_new_capture() {
    let tree = Tree::new()
        .process(5, "five")
        .process(9, "nine")
        .file("9/cmdline", b"nine\0");
    let system = tree.as_proc();
    let mut capture = Capture::new(Fields::all());
    capture.refresh(&system).unwrap();

    // One process exits, two start on either side, and one is replaced and has lost its arguments.
    fs::remove_dir_all(tree.path().join("5")).unwrap();
    fs::remove_file(tree.path().join("9/cmdline")).unwrap();
    let tree = tree
        .process(3, "three")
        .process(9, "another")
        .process(12, "twelve");
    capture.refresh(&system).unwrap();
    assert_eq!(
        capture.processes(),
        system.capture(Fields::all()).unwrap().processes()
    );
    let ids: Vec<u32> = capture.processes().iter().map(|row| row.id.get()).collect();
    assert_eq!(ids, [3, 9, 12]);
    let nine = capture.process(ProcessId::new(9)).unwrap();
    assert_eq!(
        (nine.name.as_deref(), &nine.command_line),
        (Some(OsStr::new("another")), &None)
    );
    assert!(capture.process(ProcessId::new(5)).is_none());
    drop(tree);
}

/// Each file fails in its own way, as files of a FUSE proc can.
#[test]
fn unreadable_files_affect_own_fields() {
    let others = Fields::all() - Fields::EXACT;
    // A read of /proc/self/mem at 0 fails with EIO, and a read of a directory with EISDIR. Opening
    // a link to itself fails with ELOOP, and readlink of a regular file with EINVAL.
    let tree = (1..=9).fold(Tree::new(), |tree, id| {
        let tree = tree.process(id, "sleeper");
        match id {
            1 => tree.link("1/cmdline", "/proc/self/mem"),
            2 => tree.directory("2/cgroup"),
            3 => tree.link("3/smaps_rollup", "smaps_rollup"),
            4 => tree.file("4/exe", "not a link"),
            _ => tree,
        }
    });
    let remade = |name: &str| {
        fs::remove_file(tree.path().join(name)).unwrap();
        std::os::unix::fs::symlink("/proc/self/mem", tree.path().join(name)).unwrap();
    };
    remade("5/status");
    remade("6/stat");
    fs::remove_file(tree.path().join("7/stat")).unwrap();
    fs::create_dir(tree.path().join("7/stat")).unwrap();
    fs::remove_file(tree.path().join("8/stat")).unwrap();
    std::os::unix::fs::symlink("stat", tree.path().join("8/stat")).unwrap();

    let capture = tree.as_proc().capture(Fields::all()).unwrap();
    let expected = [
        (1, Fields::COMMAND_LINE),
        (2, Fields::CGROUP),
        (3, Fields::EXACT),
        (4, Fields::IMAGE),
        (5, Fields::MEMORY | Fields::USER),
        (6, Fields::all()),
        (7, Fields::all()),
        (8, Fields::all()),
        (9, Fields::empty()),
    ];
    for (id, unreadable) in expected {
        let status = capture.process(ProcessId::new(id)).unwrap();
        assert_eq!(status.unreadable, unreadable, "process {id}");
        let has_name = status.name.as_deref() == Some(OsStr::new("sleeper"));
        assert_eq!(has_name, !unreadable.contains(Fields::STAT), "process {id}");
    }
    assert_eq!(capture.processes().len(), 9);

    let alone = tree.as_proc().process(1).unwrap().status(others).unwrap();
    assert_eq!(alone.unreadable, Fields::COMMAND_LINE);
}

/// A kernel without pid namespaces writes no line `NSpid`, and has no file `ns/pid`.
#[test]
fn kernel_without_namespaces_permits_watch() {
    let subject = Program::compile(programs::WAITS, &[]).start();
    let id = subject.id();
    let tree = Tree::new()
        .process(id.get(), "subject")
        .directory(format!("{id}/task/{id}"))
        .file(
            "self/status",
            format!("Name:\tx\nPid:\t{}\n", std::process::id()),
        );
    let watch = |tree: &Tree| {
        let system = System::builder().proc_root(tree.path()).build();
        let watched = system.process(id).unwrap().watch_working_set();
        watched.map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(watch(&tree), Ok(()));
    // With namespaces, an unknown one can be another one.
    let refused = watch(&tree.file("self/ns/pid", "")).unwrap_err();
    assert!(refused.contains("another pid namespace"), "{refused}");
}
