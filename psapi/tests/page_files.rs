//! Page files: of trees made by hand, and of this machine.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use psapi::{ErrorKind, PageFileKind, System};
use support::child::Program;
use support::privilege::skip;
use support::swap::{Settled, Swap};
use support::tree::Tree;

const TITLE: &str = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";

fn with(text: impl AsRef<[u8]>) -> Tree {
    Tree::machine().file("proc/swaps", text)
}

#[test]
fn each_is_described_in_bytes() {
    let tree = with(format!(
        "{TITLE}/dev/dm-1                               partition\t8388604\t\t1024\t\t-2\n\
         /var/swap\\040file\\040(deleted)             file\t\t1048572\t\t0\t\t10\n\
         none                                    virtual\t\t4\t0\t0\n"
    ));
    let files = tree.as_machine().page_files().unwrap();
    let [partition, file, made_up] = &files[..] else {
        panic!("{files:?}");
    };
    assert_eq!(partition.path, Path::new("/dev/dm-1"));
    assert_eq!(partition.kind, PageFileKind::Partition);
    assert_eq!(
        (partition.total, partition.in_use),
        (8_589_930_496, 1_048_576)
    );
    assert_eq!((partition.priority, partition.peak), (-2, None));
    assert!(!partition.deleted);
    assert_eq!(file.path, Path::new("/var/swap file"));
    assert!(file.deleted);
    assert_eq!((file.kind, file.priority), (PageFileKind::File, 10));
    assert_eq!(made_up.kind, PageFileKind::Other);
}

#[test]
fn no_swap_is_no_page_file() {
    assert_eq!(with(TITLE).as_machine().page_files().unwrap(), []);
    assert_eq!(Tree::machine().as_machine().page_files().unwrap(), []);
}

#[test]
fn a_file_that_says_nothing_is_an_error() {
    for text in ["", "Filename", &format!("{TITLE}/dev/dm-1 partition")] {
        let tree = with(text);
        let error = tree.as_machine().page_files().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed);
        assert_eq!(error.source_path(), tree.path().join("proc/swaps"));
    }
}

#[test]
fn a_root_that_is_no_proc_is_told_from_a_kernel_without_swap() {
    let empty = Tree::new().directory("proc");
    let error = empty.as_machine().page_files().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotProc);
    let processes_only = Tree::new().directory("proc/1");
    let error = processes_only.as_machine().page_files().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported);
}

#[test]
fn those_of_this_machine_add_up_to_its_swap() {
    let _settled = Settled::as_they_are();
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
fn one_in_use_is_described_as_swapon_does() {
    let Some(swap) = Swap::on(64 << 20) else {
        return skip("no page file can be had: needs root, zram and util-linux");
    };
    let files = System::new().page_files().unwrap();
    let file = files.iter().find(|file| file.path == swap.path).unwrap();
    // The first page of the 64 MiB describes the rest.
    assert_eq!(file.total, (64 << 20) - 4096);
    assert_eq!((file.in_use, file.deleted), (0, false));
    assert_eq!(file.kind, PageFileKind::Partition);

    let columns = "--show=NAME,TYPE,SIZE,USED,PRIO";
    let shown = Command::new("swapon")
        .args([columns, "--bytes", "--noheadings"])
        .output()
        .unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    let described = |file: &psapi::PageFile| {
        let kind = match file.kind {
            PageFileKind::Partition => "partition",
            _ => "file",
        };
        let path = file.path.to_str().unwrap();
        format!(
            "{path} {kind} {} {} {}",
            file.total, file.in_use, file.priority
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
fn what_is_in_it_is_in_use() {
    let Some(swap) = Swap::on(64 << 20) else {
        return skip("no page file can be had: needs root, zram and util-linux");
    };
    let program = Program::compile(
        r#"
        #define _GNU_SOURCE
        #include <stdio.h>
        #include <string.h>
        #include <sys/mman.h>
        int main(void) {
            char *p = mmap(0, 8 << 20, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            memset(p, 1, 8 << 20);
            madvise(p, 8 << 20, MADV_PAGEOUT);
            puts("out"); fflush(stdout); getchar(); return 0;
        }"#,
        &[],
    );
    let subject = program.start();
    let swapped = {
        let process = System::new().process(subject.id()).unwrap();
        process.memory_counters().unwrap().swap
    };
    assert!(swapped >= 4 << 20, "{swapped}");
    let files = System::new().page_files().unwrap();
    let file = files.iter().find(|file| file.path == swap.path).unwrap();
    assert!((swapped..=file.total).contains(&file.in_use), "{file:?}");
}
