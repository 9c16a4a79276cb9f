//! Performance information from made-up trees, and what `/proc` and programs of Linux report.

use std::fs;
use std::process::Command;

use psapi::{ErrorKind, PerformanceInfo};

use testing::tree::Tree;

use crate::{agree, agree_if};

fn machine() -> Tree {
    Tree::machine()
        .directory("proc/2")
        .directory("proc/300")
        .file("proc/loadavg", "0.01 0.05 0.02 1/87 6550\n")
        .file("proc/sys/fs/file-nr", "449\t0\t2466170\n")
}

#[test]
fn performance_info_matches_tree() {
    let info = machine().as_machine().performance_info().unwrap();
    let kib = |kib: u64| kib * 1024;
    assert_eq!(info.commit_total, kib(59_532));
    assert_eq!(info.kernel_commit_limit, Some(kib(12_342_040)));
    assert_eq!(info.commit_peak, None);
    assert_eq!(info.physical_total, kib(24_684_084));
    assert_eq!(info.physical_available, kib(24_338_476));
    assert_eq!(info.physical_free, Some(kib(24_174_360)));
    assert_eq!(info.system_cache, Some(kib(2_556 + 334_308 + 86_496)));
    assert_eq!(info.shared, Some(kib(8_872)));
    assert_eq!(info.kernel_paged, Some(kib(86_496)));
    assert_eq!(
        info.kernel_nonpaged,
        Some(kib(23_244 + 1_424 + 1_996 + 688))
    );
    assert_eq!(
        info.kernel_total,
        Some(kib(86_496 + 23_244 + 1_424 + 1_996 + 688))
    );
    assert_eq!(info.per_cpu, Some(kib(688)));
    assert_eq!(info.handle_count, Some(449));
    assert_eq!((info.process_count, info.thread_count), (3, 87));
    assert_eq!(
        (info.swap_total, info.swap_free),
        (Some(kib(16)), Some(kib(12)))
    );
    let huge = info.huge_pages.unwrap();
    assert_eq!((huge.size, huge.pools), (kib(2_048), Some(kib(14_336))));
    assert_eq!((huge.total, huge.free), (7, 6));
    assert_eq!((huge.reserved, huge.surplus), (5, 2));
}

/// Returns the commit limit of a machine with an overcommit mode, a commit charge in KiB and a size
/// of its page files in KiB.
fn commit_limit(mode: Option<&str>, charge: u64, swap: u64) -> PerformanceInfo {
    let charge = format!("Committed_AS: {charge} kB");
    let swap = format!("SwapTotal: {swap} kB");
    let text = testing::tree::MEMINFO
        .replace("Committed_AS:      59532 kB", &charge)
        .replace("SwapTotal:            16 kB", &swap);
    assert!(text.contains(&charge) && text.contains(&swap));
    let mut tree = machine().file("proc/meminfo", text);
    if let Some(mode) = mode {
        tree = tree.file("proc/sys/vm/overcommit_memory", mode);
    }
    tree.as_machine().performance_info().unwrap()
}

#[test]
fn commit_limit_follows_overcommit_mode() {
    let kib = |kib: u64| kib * 1024;
    // Without `sysctl`, the kernel does not enforce its limit.
    for mode in [None, Some("0\n"), Some("1\n")] {
        for swap in [0, 16, 4_000_000] {
            let info = commit_limit(mode, 59_532, swap);
            assert_eq!(info.commit_limit - info.physical_total, kib(swap));
            assert_eq!(info.kernel_commit_limit, Some(kib(12_342_040)));
        }
    }
    let info = commit_limit(Some("2\n"), 59_532, 16);
    assert_eq!(info.commit_limit, kib(12_342_040));
    assert_eq!(info.kernel_commit_limit, Some(kib(12_342_040)));
}

#[test]
fn commit_limit_is_not_below_total() {
    for mode in ["0\n", "1\n", "2\n"] {
        let info = commit_limit(Some(mode), 30_000_000, 16);
        assert_eq!(info.commit_total, 30_000_000 * 1024);
        assert_eq!(info.commit_limit, info.commit_total);
    }
}

/// Returns a tree whose `meminfo` lacks the lines with the given prefixes.
fn without(prefixes: &[&str]) -> Tree {
    let text = testing::tree::MEMINFO;
    let lines = text
        .lines()
        .filter(|line| !prefixes.iter().any(|prefix| line.starts_with(prefix)));
    let text: String = lines.map(|line| format!("{line}\n")).collect();
    machine().file("proc/meminfo", text)
}

#[test]
fn missing_fields_are_none() {
    let info = without(&["Percpu", "Huge", "KReclaimable"])
        .as_machine()
        .performance_info()
        .unwrap();
    assert_eq!((info.per_cpu, info.huge_pages), (None, None));
    assert_eq!(info.kernel_nonpaged, Some((23_244 + 1_424 + 1_996) * 1024));
}

#[test]
fn missing_sysctl_gives_no_handles() {
    let tree = Tree::machine().file("proc/loadavg", "0.01 0.05 0.02 1/87 6550\n");
    let info = tree.as_machine().performance_info().unwrap();
    assert_eq!(info.handle_count, None);
}

#[test]
fn truncated_files_are_malformed() {
    let whole = testing::tree::MEMINFO;
    let cut = &whole[..whole.len() / 2];
    for (file, text) in [
        ("proc/meminfo", ""),
        ("proc/meminfo", cut),
        ("proc/meminfo", "MemTotal:       24684084 kB\n"),
        ("proc/loadavg", ""),
        ("proc/loadavg", "0.01 0.05 0.02 1/8"),
        ("proc/sys/fs/file-nr", ""),
        ("proc/sys/vm/overcommit_memory", ""),
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
fn incomplete_root_is_refused() {
    let empty = Tree::new().directory("proc");
    let error = empty.as_machine().performance_info().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotProc);
    let processes_only = Tree::new().directory("proc/1");
    let error = processes_only.as_machine().performance_info().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported);
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

/// Returns the output of a program. Returns `None`, and skips, if it is not installed.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => Some(String::from_utf8(output.stdout).unwrap()),
        Err(error) => {
            testing::skip(&format!("{program}: {error}"));
            None
        }
    }
}

/// More than the memory that the program `free` takes while it reads the figures. Where nothing else
/// changes, they would differ by that each time.
const PROGRAM: u64 = 1 << 20;

#[test]
fn memory_matches_free() {
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
        ("free", |info| info.physical_free.unwrap()),
        ("shared", |info| info.shared.unwrap()),
        ("buff/cache", |info| info.system_cache.unwrap()),
        ("available", |info| info.physical_available),
    ];
    for (name, ours) in columns {
        let theirs = figure("Mem:", column(name).unwrap());
        agree_if(name, ours, theirs, |own, free| {
            own.abs_diff(*free) < PROGRAM
        });
    }
    agree("swap", |info| info.swap_total.unwrap(), figure("Swap:", 0));
    agree(
        "free swap",
        |info| info.swap_free.unwrap(),
        figure("Swap:", 2),
    );
}

/// What `/proc/meminfo`, `/proc/loadavg`, `ps` and `getconf` report.
pub struct Witness;

impl Witness {
    pub fn start() -> Self {
        Witness
    }

    pub fn physical_total(&mut self) -> u64 {
        meminfo(&["MemTotal"])
    }

    pub fn physical_available(&mut self) -> u64 {
        meminfo(&["MemAvailable"])
    }

    pub fn commit_total(&mut self) -> u64 {
        meminfo(&["Committed_AS"])
    }

    pub fn threads(&mut self) -> u64 {
        let text = fs::read_to_string("/proc/loadavg").unwrap();
        let counts = text.split_whitespace().nth(3).unwrap();
        counts.split_once('/').unwrap().1.parse().unwrap()
    }

    /// Returns `None`, and skips, if `ps` is not installed.
    pub fn processes(&mut self) -> Option<u64> {
        let lines = output("ps", &["-e", "-o", "pid="])?;
        // `ps` lists itself.
        Some(lines.lines().count() as u64 - 1)
    }

    /// Returns `None`, and skips, if `getconf` is not installed.
    pub fn page_size(&mut self) -> Option<u64> {
        let size = output("getconf", &["PAGE_SIZE"])?;
        Some(size.trim().parse().unwrap())
    }
}

#[test]
fn memory_matches_meminfo() {
    let agree_on = |keys: &'static [&'static str], ours: fn(&PerformanceInfo) -> u64| {
        agree(&keys.join("+"), ours, || meminfo(keys));
    };
    agree_on(&["CommitLimit"], |info| info.kernel_commit_limit.unwrap());
    agree_on(&["MemFree"], |info| info.physical_free.unwrap());
    agree_on(&["Buffers", "Cached", "SReclaimable"], |i| {
        i.system_cache.unwrap()
    });
    agree_on(&["Shmem"], |info| info.shared.unwrap());
    agree_on(&["SReclaimable"], |info| info.kernel_paged.unwrap());
    agree_on(
        &["SUnreclaim", "KernelStack", "PageTables", "Percpu"],
        |i| i.kernel_nonpaged.unwrap(),
    );
    agree_on(&["SwapTotal"], |info| info.swap_total.unwrap());
    agree_on(&["SwapFree"], |info| info.swap_free.unwrap());
    agree_on(&["Hugetlb"], |info| {
        info.huge_pages.and_then(|pages| pages.pools).unwrap_or(0)
    });
}

#[test]
fn open_files_match_proc_file() {
    let file = "/proc/sys/fs/file-nr";
    if fs::exists(file).unwrap() {
        agree(
            "open files",
            |info| info.handle_count.unwrap().to_string(),
            || {
                let text = fs::read_to_string(file).unwrap();
                text.split_whitespace().next().unwrap().to_owned()
            },
        );
    }
}
