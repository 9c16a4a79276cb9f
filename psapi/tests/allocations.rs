//! What a repeated capture allocates, counted by the allocator.

mod support;

use std::ops::ControlFlow;

use psapi::{Capture, Fields, ProcessStatus, System, WorkingSetOptions};

use support::child::Program;
use support::tree::Tree;

/// How many allocations a refresh makes.
fn refresh(capture: &mut Capture, system: &System) -> u64 {
    let mut outcome = Ok(());
    let counted = allocation_counter::measure(|| outcome = capture.refresh(system));
    outcome.expect("a capture");
    counted.count_total
}

fn forest() -> Tree {
    let tree = (1..=300).fold(Tree::new(), |tree, id| {
        let line = format!("/bin/process\0{id}\0");
        tree.process(id, &format!("process {id}"))
            .file(format!("{id}/cmdline"), line)
            .file(format!("{id}/cgroup"), format!("0::/slice/{id}\n"))
    });
    // One has a file that can't be read.
    let tree = tree.link("300/smaps_rollup", "/proc/self/mem");
    // Some have an image, the others are refused one, as kernel threads are.
    (1..=300).step_by(2).fold(tree, |tree, id| {
        tree.link(format!("{id}/exe"), "/bin/gone (deleted)")
    })
}

#[test]
fn the_same_again_allocates_nothing() {
    let tree = forest();
    let system = tree.as_proc();
    let mut capture = Capture::new(Fields::all());
    assert!(refresh(&mut capture, &system) > 300, "the counter counts");
    assert_eq!(capture.processes().len(), 300);
    for _ in 0..3 {
        assert_eq!(refresh(&mut capture, &system), 0);
    }
}

#[test]
fn what_changed_allocates_and_nothing_else() {
    let tree = forest();
    let system = tree.as_proc();
    let mut capture = Capture::new(Fields::all());
    refresh(&mut capture, &system);

    // A longer name; a shorter one fits where the old one was.
    let tree = tree.process(150, "fifteen letters").process(151, "short");
    assert_eq!(refresh(&mut capture, &system), 1);

    // One that goes costs its neighbours nothing.
    std::fs::remove_dir_all(tree.path().join("200")).unwrap();
    assert_eq!(refresh(&mut capture, &system), 0);

    // One that comes between the others costs its name and, the first time, a place to wait in.
    let tree = tree.process(200, "another");
    assert_eq!(refresh(&mut capture, &system), 2);
    // One that takes the place of one that went needs no more than it left.
    std::fs::remove_dir_all(tree.path().join("250")).unwrap();
    let tree = tree.process(301, "next");
    assert_eq!(refresh(&mut capture, &system), 0);
    assert_eq!(capture.processes().len(), 300);
    drop(tree);
}

/// Its first thread ends before the other, so that it is described by way of that one.
const LOSES_ITS_FIRST_THREAD: &str = r#"
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
static pthread_t first;
static void *go_on(void *nothing) {
    pthread_join(first, 0);
    puts("alone"); fflush(stdout);
    for (;;) pause();
}
int main(void) {
    pthread_t other;
    first = pthread_self();
    pthread_create(&other, 0, go_on, 0);
    pthread_exit(0);
}
"#;

#[test]
fn on_the_live_system_only_changes_allocate() {
    let _odd = Program::compile(LOSES_ITS_FIRST_THREAD, &[]).start();
    let system = System::new();
    let fields = Fields::all() - Fields::EXACT;
    let mut capture = Capture::new(fields);
    // The room for the largest texts is made by now.
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
        // The table of rows and that of ids may grow, and so may each buffer for a file.
        let growth = match changed {
            0 => 0,
            _ => 8,
        };
        assert!(
            allocations <= (changed + growth) as u64,
            "{allocations} allocations for {changed} changed texts"
        );
    }
}

/// How many texts a row has.
const TEXTS: usize = 4;

fn changed_texts(old: &ProcessStatus, now: &ProcessStatus) -> usize {
    let changed: [bool; TEXTS] = [
        old.name != now.name,
        old.image != now.image,
        old.command_line != now.command_line,
        old.cgroup != now.cgroup,
    ];
    changed.into_iter().filter(|&changed| changed).count()
}

#[test]
fn a_working_set_takes_memory_by_its_runs_and_not_by_its_pages() {
    let filled = vec![1u8; 256 << 20];
    // With frames, in blocks of words; nodes as of a machine that has several.
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
        let system = match nodes {
            true => builder.asking_for_nodes().build(),
            false => builder.build(),
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
