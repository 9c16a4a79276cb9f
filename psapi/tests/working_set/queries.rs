//! Whole working sets and single pages, by each interface, and their errors.

use std::ops::ControlFlow;

use psapi::{ErrorKind, PageAttributes, Protection, System, WorkingSet, WorkingSetOptions};

use testing::interfaces;
use testing::privilege::{is_root, unprivileged};
use testing::skip;

use super::*;

#[test]
fn interfaces_agree() {
    let fixture = Fixture::start();
    let systems = interfaces::page_interfaces().into_iter();
    let sets: Vec<_> = systems
        .map(|(_, system)| read_working_set(&fixture.process(&system), &all_shares()))
        .collect();
    let (scan, entries) = (&sets[0], &sets[sets.len() - 1]);
    let known = scan.known() & entries.known();
    if is_root() {
        assert_eq!(scan.known(), entries.known());
    }
    let pages = |set: &WorkingSet| {
        let pages: Vec<_> = set
            .pages()
            .map(|mut page| {
                if page.attributes.contains(PageAttributes::ZERO)
                    && !known.contains(PageAttributes::ZERO)
                {
                    // Share counts and protection depend on whether zero pages are known.
                    page.shares = None;
                    page.protection = None;
                }
                page.attributes &= known;
                fixture.forget_counts_of_others(&mut page);
                page
            })
            .collect();
        pages
    };
    let (scan, entries) = (pages(scan), pages(entries));
    for (scan, mut entries) in scan.iter().zip(entries.iter().copied()) {
        if scan.protection.is_none() {
            (entries.shares, entries.protection) = (None, None);
        }
        assert_eq!(*scan, entries);
    }
    assert_eq!(scan.len(), entries.len());
}

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
        assert_eq!(found, set.runs().map(|run| run.size()).sum::<u64>());
        assert_eq!(expected, process.memory_counters().unwrap().working_set);
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
        // A resident page without access.
        assert!(pages[1].attributes.contains(RESIDENT));
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
fn inaccessible_process_is_refused() {
    let system = System::new();
    if !is_root() {
        return skip("needs root for other users' processes and kernel threads");
    }
    let mut subject = Fixture::start().subject;
    unprivileged(|| {
        let error = system
            .process(subject.id())
            .unwrap()
            .working_set()
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AccessDenied);
        assert!(error.to_string().contains("CAP_SYS_PTRACE"), "{error}");
    });
    let process = system.process(subject.id()).unwrap();
    subject.kill();
    assert_eq!(process.working_set().unwrap_err().kind(), ErrorKind::Ended);
    if let Ok(kthreadd) = system.process(2)
        && kthreadd.status(psapi::Fields::STAT).unwrap().kernel_thread == Some(true)
    {
        assert_eq!(
            kthreadd.working_set().unwrap_err().kind(),
            ErrorKind::NoAddressSpace
        );
    }
}
