//! Share counts, and the privileges that they require.

use std::ops::ControlFlow;

use psapi::{ErrorKind, PageAttributes, ShareCount, WorkingSetOptions};
use rustix::thread::CapabilitySet;

use testing::interfaces;
use testing::privilege::{is_root, unprivileged, with_capabilities};
use testing::skip;

use super::*;

#[test]
fn share_counts_match_fixture() {
    let fixture = Fixture::start();
    let half = MIB / 2;
    for (interface, system) in interfaces::page_interfaces() {
        eprintln!("by {interface}");
        let process = fixture.process(&system);
        let set = read_working_set(&process, &all_shares());
        let shares = |name| one_run(&set, fixture.at(name)).shares;
        let reported = |count| {
            let counted = Some(ShareCount::Exactly(count));
            if is_root() || count == 1 {
                counted
            } else {
                Some(ShareCount::MoreThanOne)
            }
        };
        assert_eq!(shares("with_child"), reported(2));
        assert_eq!(shares("twice_a"), reported(2));
        assert_eq!(shares("shared"), reported(1));
        assert_eq!(shares("code"), reported(1));
        // One page of the fork's memory has been copied.
        let forked = fixture.at("of_fork");
        let runs: Vec<_> = within(&set, forked.clone())
            .map(|run| (run.start - forked.start, run.end - forked.start, run.shares))
            .collect();
        assert_eq!(
            runs,
            [
                (0, half, reported(2)),
                (half, half + 4096, reported(1)),
                (half + 4096, MIB, reported(2)),
            ]
        );
        let totals = totals(&set, &forked);
        assert_eq!(totals.shares.exclusive(), Some(4096));
        assert_eq!(totals.shares.shared(), Some(MIB - 4096));

        // By default, private pages have no share counts. Without share counts, no page has any.
        let set = process.working_set().unwrap();
        assert_eq!(one_run(&set, forked.clone()).shares, None);
        assert_eq!(one_run(&set, fixture.at("with_child")).shares, reported(2));
        let set = read_working_set(&process, &WorkingSetOptions::new().without_share_counts());
        assert_eq!(set.runs().find(|run| run.shares.is_some()), None);
    }
}

#[test]
fn unprivileged_share_counts_are_imprecise() {
    if !is_root() {
        return skip("needs root to change the user");
    }
    // `nobody` can read its own processes, but no page frames.
    unprivileged(|| {
        let fixture = Fixture::start();
        for (interface, system) in interfaces::page_interfaces() {
            eprintln!("by {interface}");
            let set = read_working_set(&fixture.process(&system), &all_shares());
            let shares = |name| one_run(&set, fixture.at(name)).shares;
            assert_eq!(shares("with_child"), Some(ShareCount::MoreThanOne));
            assert_eq!(shares("twice_a"), Some(ShareCount::MoreThanOne));
            assert_eq!(shares("shared"), Some(ShareCount::Exactly(1)));
            assert_eq!(shares("code"), Some(ShareCount::Exactly(1)));
            let zero = PageAttributes::ZERO;
            assert_eq!(
                set.known().contains(zero),
                !reads_entries(interface),
                "{:?}",
                set.known()
            );
        }
    });
}

#[test]
fn remedy_names_sufficient_capabilities() {
    if !is_root() {
        return skip("needs root to pass on capabilities");
    }
    let fixture = Fixture::start();
    let found = |capabilities| {
        with_capabilities(capabilities, || {
            let systems = interfaces::page_interfaces().into_iter();
            let shares = systems.map(|(_, system)| {
                let process = fixture.process(&system);
                let options = all_shares();
                let set = process.working_set_with(&options, |_| ControlFlow::Continue(()));
                set.map(|set| one_run(&set, fixture.at("with_child")).shares)
            });
            shares.collect::<Vec<_>>()
        })
    };
    let trace = CapabilitySet::SYS_PTRACE;
    let read = CapabilitySet::DAC_READ_SEARCH;
    let see_frames = CapabilitySet::SYS_ADMIN;
    for too_few in [trace, read, trace | see_frames] {
        for refused in found(too_few) {
            let error = refused.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AccessDenied);
            let remedy = error.remedy().unwrap();
            for name in ["CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH"] {
                assert!(remedy.contains(name), "{error}");
            }
        }
    }
    for shares in found(trace | read) {
        assert_eq!(shares.unwrap(), Some(ShareCount::MoreThanOne));
    }
    for shares in found(trace | read | see_frames) {
        assert_eq!(shares.unwrap(), Some(ShareCount::Exactly(2)));
    }
}
