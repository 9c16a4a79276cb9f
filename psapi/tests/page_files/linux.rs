//! Swap space of Linux, in made-up trees and on this machine.

use std::fs;
use std::path::Path;
use std::process::Command;

use psapi::{ErrorKind, PageFile, PageFileKind, System};

use testing::swap::{Swap, SwapState};
use testing::tree::Tree;
use testing::{Program, programs, skip};

use crate::Described;

const TITLE: &str = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";

fn with(text: impl AsRef<[u8]>) -> Tree {
    Tree::machine().file("proc/swaps", text)
}

/// Returns the page files of a made-up tree.
pub fn described() -> Option<Vec<PageFile>> {
    let tree = with(format!(
        "{TITLE}/dev/dm-1                               partition\t8388604\t\t1024\t\t-2\n\
         /var/swap\\040file\\040(deleted)             file\t\t1048572\t\t0\t\t10\n\
         none                                    virtual\t\t4\t0\t0\n"
    ));
    Some(tree.as_machine().page_files().unwrap())
}

/// What the lines of the tree say.
pub const DESCRIPTION: [Described; 3] = [
    Described {
        path: "/dev/dm-1",
        kind: PageFileKind::Partition,
        total: 8_589_930_496,
        in_use: 1_048_576,
        peak: None,
        priority: Some(-2),
        deleted: false,
    },
    Described {
        path: "/var/swap file",
        kind: PageFileKind::File,
        total: 1_073_737_728,
        in_use: 0,
        peak: None,
        priority: Some(10),
        deleted: true,
    },
    Described {
        path: "none",
        kind: PageFileKind::Other,
        total: 4096,
        in_use: 0,
        peak: None,
        priority: Some(0),
        deleted: false,
    },
];

#[test]
fn suffix_can_belong_to_name() {
    let text = format!("{TITLE}/swap\\040(deleted)\t\t\tfile\t\t1048572\t\t0\t\t10\n");
    let file = |tree: &Tree| tree.as_machine().page_files().unwrap().remove(0);
    let gone = file(&with(&text).file("swap", ""));
    assert_eq!(
        (gone.path.as_path(), gone.deleted),
        (Path::new("/swap"), true)
    );
    let named = file(&with(&text).file("swap (deleted)", ""));
    let path = Path::new("/swap (deleted)");
    assert_eq!((named.path.as_path(), named.deleted), (path, false));
}

#[test]
fn no_swap_lists_nothing() {
    assert_eq!(with(TITLE).as_machine().page_files().unwrap(), []);
    assert_eq!(Tree::machine().as_machine().page_files().unwrap(), []);
}

#[test]
fn truncated_swaps_is_malformed() {
    for text in ["", "Filename", &format!("{TITLE}/dev/dm-1 partition")] {
        let tree = with(text);
        let error = tree.as_machine().page_files().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed);
        assert_eq!(error.source_path(), tree.path().join("proc/swaps"));
    }
}

/// A root that has only processes is not supported, as with the mount option `subset=pid`.
#[test]
fn empty_root_is_not_proc() {
    let empty = Tree::new().directory("proc");
    let error = empty.as_machine().page_files().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotProc);
    let processes_only = Tree::new().directory("proc/1");
    let error = processes_only.as_machine().page_files().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported);
}

#[test]
fn page_files_sum_to_swap_total() {
    let _swap_state = SwapState::lock();
    let total = || {
        let text = fs::read_to_string("/proc/meminfo").unwrap();
        let line = text.lines().find(|line| line.starts_with("SwapTotal:"));
        let kib = line.unwrap().split_whitespace().nth(1).unwrap();
        kib.parse::<u64>().unwrap() * 1024
    };
    let files = System::new().page_files().unwrap();
    assert_eq!(files.iter().map(|file| file.total).sum::<u64>(), total());
    let listed = fs::read_to_string("/proc/swaps").unwrap_or_default();
    assert_eq!(files.len(), listed.lines().skip(1).count());
}

#[test]
fn page_files_match_swapon() {
    let Some(swap) = Swap::on(64 << 20) else {
        return skip("cannot add a page file: needs root, zram and util-linux");
    };
    let files = System::new().page_files().unwrap();
    let file = files.iter().find(|file| file.path == swap.path).unwrap();
    // The first page of the 64 MiB is the swap header.
    assert_eq!(file.total, (64 << 20) - 4096);
    assert_eq!((file.in_use, file.deleted), (0, false));
    assert_eq!(file.kind, PageFileKind::Partition);

    let columns = "--show=NAME,TYPE,SIZE,USED,PRIO";
    let shown = Command::new("swapon")
        .args([columns, "--bytes", "--noheadings"])
        .output()
        .unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    let described = |file: &PageFile| {
        let kind = match file.kind {
            PageFileKind::Partition => "partition",
            _ => "file",
        };
        let path = file.path.to_str().unwrap();
        format!(
            "{path} {kind} {} {} {}",
            file.total,
            file.in_use,
            file.priority.unwrap()
        )
    };
    let shown = shown
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    assert_eq!(
        files.iter().map(described).collect::<Vec<_>>(),
        shown.collect::<Vec<_>>()
    );

    let path = swap.path.clone();
    drop(swap);
    let files = System::new().page_files().unwrap();
    assert!(files.iter().all(|file| file.path != path));
}

#[test]
fn swapped_pages_count_as_used() {
    let Some(swap) = Swap::on(64 << 20) else {
        return skip("cannot add a page file: needs root, zram and util-linux");
    };
    let program = Program::compile(programs::PAGES_OUT_8_MIB, &[]);
    let subject = program.start();
    let swapped = {
        let process = System::new().process(subject.id()).unwrap();
        process.memory_counters().unwrap().swap.unwrap()
    };
    assert!(swapped >= 4 << 20, "{swapped}");
    let files = System::new().page_files().unwrap();
    let file = files.iter().find(|file| file.path == swap.path).unwrap();
    assert!((swapped..=file.total).contains(&file.in_use), "{file:?}");
}
