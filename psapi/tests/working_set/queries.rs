//! Whole working sets and single pages, by each interface.

use std::ops::ControlFlow;

use psapi::{ErrorKind, Fields, Protection, System, WorkingSetOptions};

use testing::{Program, interfaces, programs};

use super::*;

#[test]
fn progress_callback_can_cancel() {
    let fixture = Fixture::start();
    for (interface, system) in interfaces::page_interfaces() {
        eprintln!("by {interface}");
        let process = fixture.process(&system);
        let (mut found, mut expected) = (0, 0);
        let set = process
            .working_set_with(&WorkingSetOptions::new(), |progress| {
                assert!(progress.found >= found);
                (found, expected) = (progress.found, progress.expected);
                ControlFlow::Continue(())
            })
            .unwrap();
        let is_counted =
            |run: &PageRun<'_>| cfg!(target_os = "linux") || run.attributes.contains(RESIDENT);
        let size = set.runs().filter(is_counted).map(|run| run.size());
        assert_eq!(found, size.sum::<u64>());
        // The calling process changes meanwhile.
        let is_expected = expected == process.memory_counters().unwrap().working_set;
        assert!(is_expected || cfg!(windows) && expected > 0, "{expected}");
        let error = process
            .working_set_with(&WorkingSetOptions::new(), |_| ControlFlow::Break(()))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
    }
}

#[test]
fn query_pages_matches_working_set() {
    let fixture = Fixture::start();
    for (interface, system) in interfaces::page_interfaces() {
        eprintln!("by {interface}");
        let process = fixture.process(&system);
        let set = process.working_set().unwrap();
        let mut expected: Vec<_> = set.pages().collect();
        // The other pages of the calling process change meanwhile.
        expected.retain(|page| cfg!(target_os = "linux") || fixture.contains(page));
        for page in &mut expected {
            fixture.forget_counts_of_others(page);
        }
        // In random order, with duplicates and offsets into pages.
        expected.sort_by_key(|page| page.address.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        expected.extend_from_within(..100);
        for (at, page) in expected.iter_mut().enumerate() {
            page.address += at as u64 % 4096;
        }
        let addresses: Vec<u64> = expected.iter().map(|page| page.address).collect();
        let mut found = process.query_pages(&addresses).unwrap();
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter_mut().zip(&expected) {
            fixture.forget_counts_of_others(found);
            assert_eq!(*found, *expected);
        }
        // A few addresses take another code path than many.
        for expected in expected.chunks(7).take(40) {
            let addresses: Vec<u64> = expected.iter().map(|page| page.address).collect();
            let mut found = process.query_pages(&addresses).unwrap();
            for page in &mut found {
                fixture.forget_counts_of_others(page);
            }
            assert_eq!(found, expected);
        }

        let untouched = fixture.at("untouched").start + 5;
        let no_access = fixture.at("no_access").start;
        let nowhere = [0, 1, u64::MAX, i64::MAX as u64, 1 << 47];
        let asked = [&[untouched, no_access][..], &nowhere].concat();
        let pages = process.query_pages(&asked).unwrap();
        assert_eq!(pages[0].address, untouched);
        assert!(!pages[0].is_valid());
        assert!(pages[0].attributes.is_empty());
        assert_eq!(pages[0].protection, Some(Protection::ReadWrite));
        // A resident page without access, which Windows can take out of the working set.
        assert!(cfg!(windows) || pages[1].attributes.contains(RESIDENT));
        assert_eq!(pages[1].protection, Some(Protection::NoAccess));
        assert!(!pages[1].is_valid());
        for page in &pages[2..] {
            assert!(!page.is_valid());
            assert_eq!(page.protection, None);
        }
        assert!(process.query_pages(&[]).unwrap().is_empty());
    }
}

#[test]
fn working_set_is_of_process() {
    let process = System::new().current_process().unwrap();
    let set = process.working_set().unwrap();
    let status = process.status(Fields::STAT).unwrap();
    assert_eq!(set.process(), process.id());
    assert_eq!(Some(set.start()), status.start);
    assert_eq!(Some(set.name()), status.name.as_deref());
    assert!(set.runs().is_sorted_by(|a, b| a.end <= b.start));
    assert!(set.known().contains(FILE));
    let code = working_set_is_of_process as fn() as usize as u64;
    let run = within(&set, code..code + 1).next().unwrap();
    let program = std::env::current_exe().unwrap();
    assert_eq!(run.mapping.backing.path(), Some(&*program));
    assert_eq!(run.protection(), Protection::ExecuteRead);
}

#[test]
fn ended_process_has_no_pages() {
    let mut subject = Program::compile(programs::WAITS, &[]).start();
    let process = System::new().process(subject.id()).unwrap();
    subject.kill();
    for error in [
        process.working_set().unwrap_err(),
        process.query_pages(&[4096]).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Ended, "{error}");
    }
}
