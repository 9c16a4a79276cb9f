//! Working sets of processes that map, execute, exit or lose their group leader during the query.

use std::ops::ControlFlow;

#[cfg(target_os = "linux")]
use psapi::System;
use psapi::{ErrorKind, Process, WorkingSet, WorkingSetOptions};

#[cfg(target_os = "linux")]
use testing::privilege::unprivileged;
use testing::refused::lists_pages;
use testing::{Program, interfaces, programs};

/// Under Wine, each query is slow while another program changes mappings.
const ROUNDS: usize = if cfg!(windows) { 10 } else { 200 };

/// Reads the working set and some pages repeatedly while the process changes.
fn query_repeatedly(process: &Process, mut on_set: impl FnMut(WorkingSet)) {
    for _ in 0..ROUNDS {
        let set = process.working_set().unwrap();
        let mut reached = 0;
        for run in set.runs() {
            assert!(run.start >= reached && run.start < run.end);
            assert!(run.mapping.start <= run.start && run.end <= run.mapping.end);
            reached = run.end;
        }
        let addresses: Vec<u64> = set.mappings().iter().map(|mapping| mapping.start).collect();
        assert_eq!(
            process.query_pages(&addresses).unwrap().len(),
            addresses.len()
        );
        on_set(set);
    }
}

#[test]
fn survives_mapping_changes() {
    if !lists_pages() {
        return;
    }
    let program = Program::compile(programs::CHANGES_MAPPINGS_FOREVER, &[]);
    let subject = program.start();
    for (_, system) in interfaces::page_interfaces() {
        query_repeatedly(&system.process(subject.id()).unwrap(), |_| {});
    }
}

#[cfg(target_os = "linux")]
#[test]
fn exec_gives_old_or_new_pages() {
    let program = Program::compile(programs::EXECS_WITH_PAGES, &[]);
    let subject = program.start();
    for (_, system) in interfaces::page_interfaces() {
        let (mut with, mut without) = (0, 0);
        query_repeatedly(&system.process(subject.id()).unwrap(), |set| {
            // A new program has a stack from the start, and an exited one has no mappings. The
            // kernel moves the stack once before it maps the program's file. A query at that moment
            // finds the old stack's address empty.
            let has_begun = set.mappings().iter().any(|mapping| mapping.file.is_some());
            assert!(set.totals().resident > 0 || !has_begun, "{set:#?}");
            if set
                .mappings()
                .iter()
                .any(|mapping| mapping.start == 0x2000_0000_0000)
            {
                with += 1
            } else {
                without += 1
            }
        });
        eprintln!("{with} with the mapping, {without} before it");
    }
}

#[test]
fn exit_gives_ended() {
    if !lists_pages() {
        return;
    }
    #[cfg(target_os = "linux")]
    let program = Program::compile(programs::EVERY_OTHER_PAGE, &[]);
    #[cfg(windows)]
    let program = Program::compile(programs::WAITS, &[]);
    for (_, system) in interfaces::page_interfaces() {
        let mut subject = program.start();
        let process = system.process(subject.id()).unwrap();
        // Kills the process between two scans.
        let ended = process.working_set_with(&WorkingSetOptions::new(), |_| {
            subject.kill();
            ControlFlow::Continue(())
        });
        assert_eq!(ended.unwrap_err().kind(), ErrorKind::Ended);
        let error = process.query_pages(&[4096]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Ended);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn unprivileged_caller_reads_exited_leader() {
    // The files of an exited group leader belong to root.
    unprivileged(|| {
        let program = Program::compile(programs::LEADER_EXITS, &["-pthread"]);
        let mut subject = program.start();
        subject.wait_for_state('Z');
        for (interface, system) in interfaces::page_interfaces() {
            eprintln!("by {interface}");
            let process = system.process(subject.id()).unwrap();
            assert!(process.working_set().unwrap().totals().resident > 0);
            assert!(!process.mappings().unwrap().is_empty());
        }
        let process = System::new().process(subject.id()).unwrap();
        subject.kill();
        let tasks = format!("/proc/{}/task", subject.id());
        while std::fs::read_dir(&tasks).unwrap().count() > 1 {
            std::thread::yield_now();
        }
        assert_eq!(process.working_set().unwrap_err().kind(), ErrorKind::Ended);
        assert_eq!(process.mappings().unwrap_err().kind(), ErrorKind::Ended);
    });
}
