//! Emptied working sets on Windows, by the rule of the stand-in: all pages leave, except for locked
//! ones.

use psapi::{EmptiedWorkingSet, Process, System};

use testing::refused::empties_working_sets;
use testing::{Program, TestProcess, programs};

use crate::MIB;

/// The untouched pages of the program are a quarter, and its locked ones a sixteenth, of 8 MiB.
pub const SLACK: u64 = 8 * MIB / 4 + 8 * MIB / 16;

pub struct Fixture {
    pub subject: TestProcess,
    private: u64,
    shared: u64,
}

pub fn start() -> Fixture {
    let subject = Program::compile(programs::EVICTABLE_PAGES, &[]).start();
    let mut addresses = subject.line.split(' ').map(|text| text.parse().unwrap());
    let [private, shared] = [(); 2].map(|()| addresses.next().unwrap());
    Fixture {
        subject,
        private,
        shared,
    }
}

/// The machine has a page file. Returns `None`, and skips, if Wine refuses to use it.
pub fn page_file() -> Option<()> {
    empties_working_sets().then_some(())
}

/// Empties the working set. Every caller has the privilege.
pub fn empty(process: &Process) -> Option<EmptiedWorkingSet> {
    Some(process.empty_working_set().unwrap())
}

/// Asserts that only locked pages remain.
pub fn assert_evicted(fixture: &Fixture, emptied: &EmptiedWorkingSet) {
    assert_eq!(emptied.remaining.locked, emptied.after.total());
    assert!(emptied.remaining.locked >= (8 + 4) * MIB / 16);
    let process = System::new().process(fixture.subject.id()).unwrap();
    for (start, size) in [(fixture.private, 8 * MIB), (fixture.shared, 4 * MIB)] {
        let pages: Vec<u64> = (start..start + size).step_by(4096).collect();
        let pages = process.query_pages(&pages).unwrap();
        let resident = (0..).zip(pages).filter(|(_, page)| page.is_valid());
        let resident: Vec<u64> = resident.map(|(index, _)| index).collect();
        let locked: Vec<u64> = (0..size / 4096).filter(|page| page % 16 == 1).collect();
        assert_eq!(resident, locked);
    }
}

/// The stand-in notices no access, so the pages stay out of its working set.
pub fn assert_returned(_: &Fixture) {}
