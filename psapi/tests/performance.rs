//! Performance information: of trees made by hand, and of this machine.

mod support;

use std::fmt::Debug;
use std::fs;
use std::process::Command;

use psapi::{ErrorKind, PerformanceInfo, System};
use support::tree::Tree;

fn machine() -> Tree {
    Tree::machine()
        .directory("proc/2")
        .directory("proc/300")
        .file("proc/loadavg", "0.01 0.05 0.02 1/87 6550\n")
        .file("proc/sys/fs/file-nr", "449\t0\t2466170\n")
}

#[test]
fn every_figure_is_what_the_files_say() {
    let info = machine().as_machine().performance_info().unwrap();
    let kib = |kib: u64| kib * 1024;
    assert_eq!(info.commit_total, kib(59_532));
    assert_eq!(info.commit_limit, kib(12_342_040));
    assert_eq!(info.commit_peak, None);
    assert_eq!(info.physical_total, kib(24_684_084));
    assert_eq!(info.physical_available, kib(24_338_476));
    assert_eq!(info.physical_free, kib(24_174_360));
    assert_eq!(info.system_cache, kib(2_556 + 334_308 + 86_496));
    assert_eq!(info.shared, kib(8_872));
    assert_eq!(info.kernel_paged, kib(86_496));
    assert_eq!(info.kernel_nonpaged, kib(23_244 + 1_424 + 1_996 + 688));
    assert_eq!(
        info.kernel_total,
        kib(86_496 + 23_244 + 1_424 + 1_996 + 688)
    );
    assert_eq!(info.per_cpu, Some(kib(688)));
    assert_eq!(info.handle_count, Some(449));
    assert_eq!((info.process_count, info.thread_count), (3, 87));
    assert_eq!((info.swap_total, info.swap_free), (kib(16), kib(12)));
    let huge = info.huge_pages.unwrap();
    assert_eq!((huge.size, huge.pools), (kib(2_048), Some(kib(14_336))));
    assert_eq!((huge.total, huge.free), (7, 6));
    assert_eq!((huge.reserved, huge.surplus), (5, 2));
}

/// The tree's `meminfo` without the lines that begin so.
fn without(prefixes: &[&str]) -> Tree {
    let text = include_str!("support/meminfo");
    let lines = text
        .lines()
        .filter(|line| !prefixes.iter().any(|prefix| line.starts_with(prefix)));
    let text: String = lines.map(|line| format!("{line}\n")).collect();
    machine().file("proc/meminfo", text)
}

#[test]
fn an_older_kernel_leaves_unknown_what_it_lacks() {
    let info = without(&["Percpu", "Huge", "KReclaimable"])
        .as_machine()
        .performance_info()
        .unwrap();
    assert_eq!((info.per_cpu, info.huge_pages), (None, None));
    assert_eq!(info.kernel_nonpaged, (23_244 + 1_424 + 1_996) * 1024);
}

#[test]
fn a_kernel_without_sysctl_does_not_count_handles() {
    let tree = Tree::machine().file("proc/loadavg", "0.01 0.05 0.02 1/87 6550\n");
    let info = tree.as_machine().performance_info().unwrap();
    assert_eq!(info.handle_count, None);
}

#[test]
fn files_that_are_cut_or_empty_are_errors_that_name_them() {
    let whole = include_str!("support/meminfo");
    let cut = &whole[..whole.len() / 2];
    for (file, text) in [
        ("proc/meminfo", ""),
        ("proc/meminfo", cut),
        ("proc/meminfo", "MemTotal:       24684084 kB\n"),
        ("proc/loadavg", ""),
        ("proc/loadavg", "0.01 0.05 0.02 1/8"),
        ("proc/sys/fs/file-nr", ""),
    ] {
        let tree = machine().file(file, text);
        let error = tree.as_machine().performance_info().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{file}: {text:?}");
        assert_eq!(error.source_path(), tree.path().join(file));
    }
    let error = without(&["Committed_AS"]).as_machine().performance_info();
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Malformed);
}

#[test]
fn a_root_that_is_no_whole_proc_is_told() {
    let empty = Tree::new().directory("proc");
    let error = empty.as_machine().performance_info().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotProc);
    let processes_only = Tree::new().directory("proc/1");
    let error = processes_only.as_machine().performance_info().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported);
}

/// Asserts that a figure that never stands still is the one that another source tells: the two
/// are read in turn until they agree, which a wrong figure never does for long.
fn agree<T: PartialEq + Debug>(
    what: &str,
    ours: impl Fn(&PerformanceInfo) -> T,
    theirs: impl Fn() -> T,
) {
    let system = System::new();
    let mut last = None;
    for _ in 0..500 {
        let (before, own, after) = (
            theirs(),
            ours(&system.performance_info().unwrap()),
            theirs(),
        );
        if own == before || own == after {
            return;
        }
        last = Some((before, own, after));
    }
    panic!("{what}: {last:?}");
}

fn meminfo(keys: &[&str]) -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap();
    let value = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key));
        line.and_then(|rest| rest.strip_prefix(':'))
            .map_or(0, |rest| {
                rest.split_whitespace().next().unwrap().parse().unwrap()
            })
    };
    keys.iter().map(|key| value(key) * 1024u64).sum()
}

#[test]
fn this_machines_memory_is_what_meminfo_says() {
    let agree_on = |keys: &'static [&'static str], ours: fn(&PerformanceInfo) -> u64| {
        agree(&keys.join("+"), ours, || meminfo(keys));
    };
    agree_on(&["Committed_AS"], |info| info.commit_total);
    agree_on(&["CommitLimit"], |info| info.commit_limit);
    agree_on(&["MemTotal"], |info| info.physical_total);
    agree_on(&["MemAvailable"], |info| info.physical_available);
    agree_on(&["MemFree"], |info| info.physical_free);
    agree_on(&["Buffers", "Cached", "SReclaimable"], |i| i.system_cache);
    agree_on(&["Shmem"], |info| info.shared);
    agree_on(&["SReclaimable"], |info| info.kernel_paged);
    agree_on(
        &["SUnreclaim", "KernelStack", "PageTables", "Percpu"],
        |i| i.kernel_nonpaged,
    );
    agree_on(&["SwapTotal"], |info| info.swap_total);
    agree_on(&["SwapFree"], |info| info.swap_free);
    agree_on(&["Hugetlb"], |info| {
        info.huge_pages.and_then(|pages| pages.pools).unwrap_or(0)
    });
}

#[test]
fn this_machines_counts_are_what_the_kernel_says() {
    let field = |file: &str, at: usize| {
        let text = fs::read_to_string(file).unwrap();
        text.split_whitespace().nth(at).unwrap().to_owned()
    };
    agree(
        "threads",
        |info| info.thread_count.to_string(),
        || {
            field("/proc/loadavg", 3)
                .split_once('/')
                .unwrap()
                .1
                .to_owned()
        },
    );
    if fs::exists("/proc/sys/fs/file-nr").unwrap() {
        agree(
            "open files",
            |info| info.handle_count.unwrap().to_string(),
            || field("/proc/sys/fs/file-nr", 0),
        );
    }
}

/// What a program prints; `None`, loudly, where it is not installed.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => Some(String::from_utf8(output.stdout).unwrap()),
        Err(error) => {
            support::privilege::skip(&format!("{program}: {error}"));
            None
        }
    }
}

#[test]
fn free_agrees() {
    let Some(first) = output("free", &["-b"]) else {
        return;
    };
    let title: Vec<_> = first.lines().next().unwrap().split_whitespace().collect();
    let column = |name: &str| title.iter().position(|&title| title == name);
    let figure = |row: &'static str, column: usize| {
        move || {
            let text = output("free", &["-b"]).unwrap();
            let line = text.lines().find_map(|line| line.strip_prefix(row));
            let figure = line.unwrap().split_whitespace().nth(column).unwrap();
            figure.parse::<u64>().unwrap()
        }
    };
    type Ours = fn(&PerformanceInfo) -> u64;
    let columns: [(_, Ours); 5] = [
        ("total", |info| info.physical_total),
        ("free", |info| info.physical_free),
        ("shared", |info| info.shared),
        ("buff/cache", |info| info.system_cache),
        ("available", |info| info.physical_available),
    ];
    for (name, ours) in columns {
        agree(name, ours, figure("Mem:", column(name).unwrap()));
    }
    agree("swap", |info| info.swap_total, figure("Swap:", 0));
    agree("free swap", |info| info.swap_free, figure("Swap:", 2));
}

#[test]
fn ps_counts_as_many_processes_and_itself() {
    if output("ps", &["-e", "-o", "pid="]).is_none() {
        return;
    }
    agree(
        "processes",
        |info| info.process_count,
        || output("ps", &["-e", "-o", "pid="]).unwrap().lines().count() as u64 - 1,
    );
}

#[test]
fn getconf_knows_the_same_page() {
    let Some(size) = output("getconf", &["PAGE_SIZE"]) else {
        return;
    };
    let info = System::new().performance_info().unwrap();
    assert_eq!(info.page_size.to_string(), size.trim());
}
