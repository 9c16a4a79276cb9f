//! Share counts.

use psapi::{ShareCount, WorkingSetOptions};

use testing::interfaces;
#[cfg(target_os = "linux")]
use testing::privilege::is_root;

use super::*;

/// Returns the count that is reported for pages with several users.
#[cfg(target_os = "linux")]
fn reported(count: u32) -> Option<ShareCount> {
    match is_root() {
        true => Some(ShareCount::Exactly(count)),
        false => Some(ShareCount::MoreThanOne),
    }
}

const ONE: Option<ShareCount> = Some(ShareCount::Exactly(1));

#[test]
fn share_counts_match_fixture() {
    let fixture = Fixture::start();
    for (interface, system) in interfaces::page_interfaces() {
        eprintln!("by {interface}");
        let process = fixture.process(&system);
        let set = read_working_set(&process, &all_shares());
        let shares = |name| one_run(&set, fixture.at(name)).shares;
        assert_eq!(shares("shared"), ONE);
        assert_eq!(shares("code"), ONE);
        // Wine counts no second user.
        #[cfg(target_os = "linux")]
        {
            assert_eq!(shares("with_child"), reported(2));
            assert_eq!(shares("twice_a"), reported(2));
            assert_forked_counts(&fixture, &set);
        }

        // By default, private pages have no share counts. Without share counts, no page has any.
        let set = process.working_set().unwrap();
        assert_eq!(one_run(&set, fixture.at("code")).shares, None);
        assert_eq!(one_run(&set, fixture.at("shared")).shares, ONE);
        #[cfg(target_os = "linux")]
        {
            assert_eq!(one_run(&set, fixture.at("of_fork")).shares, None);
            assert_eq!(one_run(&set, fixture.at("with_child")).shares, reported(2));
        }
        let set = read_working_set(&process, &WorkingSetOptions::new().without_share_counts());
        assert_eq!(set.runs().find(|run| run.shares.is_some()), None);
    }
}

/// Asserts that one page of the fork's memory has been copied.
#[cfg(target_os = "linux")]
fn assert_forked_counts(fixture: &Fixture, set: &WorkingSet) {
    let half = MIB / 2;
    let forked = fixture.at("of_fork");
    let runs: Vec<_> = within(set, forked.clone())
        .map(|run| (run.start - forked.start, run.end - forked.start, run.shares))
        .collect();
    assert_eq!(
        runs,
        [
            (0, half, reported(2)),
            (half, half + 4096, ONE),
            (half + 4096, MIB, reported(2)),
        ]
    );
    let totals = totals(set, &forked);
    assert_eq!(totals.shares.exclusive(), Some(4096));
    assert_eq!(totals.shares.shared(), Some(MIB - 4096));
}
