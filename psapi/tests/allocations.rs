//! Allocations of repeated captures, measured by a counting allocator.

#[cfg(target_os = "linux")]
use std::ops::ControlFlow;

#[cfg(target_os = "linux")]
use psapi::WorkingSetOptions;
use psapi::{Capture, Fields, ProcessStatus, System};

#[cfg(target_os = "linux")]
use testing::tree::Tree;
use testing::{Program, programs};

/// Returns the number of allocations in a refresh.
fn refresh(capture: &mut Capture, system: &System) -> u64 {
    let mut outcome = Ok(());
    let counted = allocation_counter::measure(|| outcome = capture.refresh(system));
    outcome.expect("refresh the capture");
    counted.count_total
}

#[cfg(target_os = "linux")]
fn forest() -> Tree {
    let tree = (1..=300).fold(Tree::new(), |tree, id| {
        let line = format!("/bin/process\0{id}\0");
        tree.process(id, &format!("process {id}"))
            .file(format!("{id}/cmdline"), line)
            .file(format!("{id}/cgroup"), format!("0::/slice/{id}\n"))
    });
    // One process has an unreadable file.
    let tree = tree.link("300/smaps_rollup", "/proc/self/mem");
    // Every other process has an image. The rest have none, like kernel threads.
    (1..=300).step_by(2).fold(tree, |tree, id| {
        tree.link(format!("{id}/exe"), "/bin/gone (deleted)")
    })
}

#[cfg(target_os = "linux")]
#[test]
fn refresh_without_changes_allocates_nothing() {
    let tree = forest();
    let system = tree.as_proc();
    let mut capture = Capture::new(Fields::all());
    assert!(
        refresh(&mut capture, &system) > 300,
        "the allocator is counted"
    );
    assert_eq!(capture.processes().len(), 300);
    for _ in 0..3 {
        assert_eq!(refresh(&mut capture, &system), 0);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn refresh_allocates_only_for_changes() {
    let tree = forest();
    let system = tree.as_proc();
    let mut capture = Capture::new(Fields::all());
    refresh(&mut capture, &system);

    // A longer name allocates. A shorter one fits into the old buffer.
    let tree = tree.process(150, "fifteen letters").process(151, "short");
    assert_eq!(refresh(&mut capture, &system), 1);

    // An exited process costs its neighbors nothing.
    std::fs::remove_dir_all(tree.path().join("200")).unwrap();
    assert_eq!(refresh(&mut capture, &system), 0);

    // A new process between others costs its name and, the first time, a spare row.
    let tree = tree.process(200, "another");
    assert_eq!(refresh(&mut capture, &system), 2);
    // A new process reuses the row of an exited one.
    std::fs::remove_dir_all(tree.path().join("250")).unwrap();
    let tree = tree.process(301, "next");
    assert_eq!(refresh(&mut capture, &system), 0);
    assert_eq!(capture.processes().len(), 300);
    drop(tree);
}

#[test]
fn live_refresh_allocates_only_for_changes() {
    #[cfg(target_os = "linux")]
    let _odd = Program::compile(programs::LEADER_EXITS, &[]).start();
    #[cfg(windows)]
    let _odd = Program::compile(programs::HAS_SIX_MORE_THREADS, &[]).start();
    let system = System::new();
    let fields = Fields::all() - Fields::EXACT;
    let mut capture = Capture::new(fields);
    // By now, the buffers fit the largest texts.
    for _ in 0..3 {
        refresh(&mut capture, &system);
    }
    for _ in 0..20 {
        let before = capture.processes().to_vec();
        let allocations = refresh(&mut capture, &system);
        let changed: usize = capture
            .processes()
            .iter()
            .map(|now| {
                let old = before.iter().find(|old| old.id == now.id);
                old.map_or(TEXTS, |old| changed_texts(old, now))
            })
            .sum();
        // The tables of rows and ids can grow, and so can each file buffer.
        let growth = match changed {
            0 => 0,
            _ => 8,
        };
        assert!(
            allocations <= (changed + growth) as u64,
            "{allocations} allocations, expected {changed} for changed texts"
        );
    }
}

/// The allocations for the image of a row. Wine names it by a drive letter, whose device is looked
/// up.
const IMAGE: usize = if cfg!(windows) { 8 } else { 1 };

/// The allocations for all texts of a row.
const TEXTS: usize = 3 + IMAGE;

fn changed_texts(old: &ProcessStatus, now: &ProcessStatus) -> usize {
    let changed = [
        (old.name != now.name, 1),
        (old.image != now.image, IMAGE),
        (old.command_line != now.command_line, 1),
        (old.cgroup != now.cgroup, 1),
    ];
    let changed = changed.into_iter().filter(|&(changed, _)| changed);
    changed.map(|(_, allocations)| allocations).sum()
}

/// A working set of many equal pages takes little memory.
#[cfg(target_os = "linux")]
#[test]
fn working_set_allocates_per_run() {
    let filled = vec![1u8; 256 << 20];
    // Share counts also need page frames, which psapi reads in blocks of `pagemap` entries.
    let [plain, shares] = [
        WorkingSetOptions::new().without_share_counts(),
        WorkingSetOptions::new().with_private_share_counts(),
    ];
    for (nodes, options, limit) in [
        (false, &plain, 512 << 10),
        (true, &plain, 512 << 10),
        (false, &shares, 4 << 20),
    ] {
        let builder = System::builder();
        let system = if nodes {
            builder.with_numa_query().build()
        } else {
            builder.build()
        };
        let process = system.current_process().unwrap();
        let mut set = None;
        let counted = allocation_counter::measure(|| {
            set = Some(process.working_set_with(options, |_| ControlFlow::Continue(())));
        });
        let totals = set.unwrap().unwrap().totals();
        assert!(totals.private >= filled.len() as u64);
        assert!(counted.bytes_max < limit, "{} bytes", counted.bytes_max);
    }
}
