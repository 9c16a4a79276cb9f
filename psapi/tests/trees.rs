//! Proc roots that are elsewhere, damaged, or none at all.

mod support;

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::time::Duration;

use psapi::{Capture, ErrorKind, Fields, ProcessId, System};

use support::tree::Tree;

#[test]
fn a_tree_is_read_as_proc_is() {
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
        panic!("two processes")
    };
    assert_eq!(seven.name.as_deref(), Some(OsStr::new("seven")));
    assert_eq!(seven.start, Some(Duration::from_millis(123_450)));
    assert_eq!(seven.user_time, Some(Duration::from_millis(1500)));
    assert_eq!(seven.kernel_time, Some(Duration::from_millis(500)));
    assert_eq!(seven.image.as_ref().unwrap().path, Path::new("/opt/seven"));
    assert_eq!(
        seven.cgroup.as_ref().unwrap().path(),
        Some(Path::new("/user.slice"))
    );
    assert_eq!(seven.user.unwrap().group, 100);
    let memory = seven.memory.unwrap();
    assert_eq!(
        (memory.working_set, memory.peak_working_set),
        (1000 << 10, 1200 << 10)
    );
    assert_eq!((memory.commit, memory.hugetlb), (832 << 10, None));
    assert_eq!((memory.faults.minor, memory.faults.major), (100, 7));

    // What the tree does not have is unknown.
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
fn a_root_without_processes_is_no_proc() {
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
fn damaged_files_cost_their_own_fields_only() {
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
            // Without stat nothing tells whether faults and memory are of one process.
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
fn a_refreshed_capture_is_as_a_new_one() {
    let tree = Tree::new()
        .process(5, "five")
        .process(9, "nine")
        .file("9/cmdline", b"nine\0");
    let system = tree.as_proc();
    let mut capture = Capture::new(Fields::all());
    capture.refresh(&system).unwrap();

    // One goes, one comes before and one behind, one is another and has lost its arguments.
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

/// A file that refuses for a reason of its own, as files of a proc in FUSE can.
#[test]
fn a_file_that_cant_be_read_costs_its_tier_alone() {
    let others = Fields::all() - Fields::EXACT;
    // Read at its start, this is "input/output error"; a directory can't be read, nor a link that
    // leads to itself be opened; what is no link has no target.
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
