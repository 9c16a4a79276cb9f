//! Performance information, compared with what the machine reports otherwise.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(windows)]
mod windows;

use std::fmt::Debug;

use psapi::{PerformanceInfo, System};

#[cfg(target_os = "linux")]
use linux::Witness;
#[cfg(windows)]
use windows::Witness;

/// Asserts that a changing value equals another source's. Reads both alternately until they agree:
/// a wrong value never agrees for long.
fn agree<T: PartialEq + Debug>(
    what: &str,
    ours: impl Fn(&PerformanceInfo) -> T,
    theirs: impl FnMut() -> T,
) {
    agree_if(what, ours, theirs, T::eq);
}

/// Like [`agree`], with another notion of equality.
fn agree_if<T: Debug>(
    what: &str,
    ours: impl Fn(&PerformanceInfo) -> T,
    mut theirs: impl FnMut() -> T,
    is_equal: impl Fn(&T, &T) -> bool,
) {
    let system = System::new();
    let mut last = None;
    for _ in 0..500 {
        let (before, own, after) = (
            theirs(),
            ours(&system.performance_info().unwrap()),
            theirs(),
        );
        if is_equal(&own, &before) || is_equal(&own, &after) {
            return;
        }
        last = Some((before, own, after));
    }
    panic!("{what}: {last:?}");
}

#[test]
fn memory_matches_witness() {
    let mut witness = Witness::start();
    let total = |info: &PerformanceInfo| info.physical_total;
    agree("total", total, || witness.physical_total());
    let available = |info: &PerformanceInfo| info.physical_available;
    agree("available", available, || witness.physical_available());
    let commit = |info: &PerformanceInfo| info.commit_total;
    agree("commit", commit, || witness.commit_total());
}

#[test]
fn threads_match_witness() {
    let mut witness = Witness::start();
    agree("threads", |info| info.thread_count, || witness.threads());
}

#[test]
fn process_count_matches_listing() {
    let mut witness = Witness::start();
    if witness.processes().is_none() {
        return;
    }
    agree(
        "processes",
        |info| info.process_count,
        || witness.processes().unwrap(),
    );
}

#[test]
fn page_size_matches_witness() {
    let Some(size) = Witness::start().page_size() else {
        return;
    };
    let info = System::new().performance_info().unwrap();
    assert_eq!(info.page_size, size);
}
