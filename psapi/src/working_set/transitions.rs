//! What may change of a page that stays.

use super::run::{PageAttributes, PageRun, ShareCount};

bitflags::bitflags! {
    /// What of a page is another than before.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    #[cfg_attr(feature = "serde", derive(serde::Serialize))]
    pub struct PageTransitions: u32 {
        /// It was a page of a file, of shared memory or of zeros, and is the process's own: it was
        /// copied on write.
        const BECAME_PRIVATE = 1;
        /// It was another, and is a page of a file or of shared memory.
        const BECAME_FILE = 1 << 1;
        /// It was another, and is the page of zeros.
        const BECAME_ZERO = 1 << 2;
        /// It was in memory, and is in a page file.
        const SWAPPED_OUT = 1 << 3;
        /// It was in a page file, and is in memory.
        const SWAPPED_IN = 1 << 4;
        /// It was small, and is part of a huge page.
        const BECAME_HUGE = 1 << 5;
        /// It was part of a huge page, and is mapped as a small one.
        const SPLIT = 1 << 6;
        /// It may not leave memory any more.
        const LOCKED = 1 << 7;
        /// It may leave memory again.
        const UNLOCKED = 1 << 8;
        /// It was written to since its process was marked through `clear_refs`; see
        /// [`PageAttributes::SOFT_DIRTY`].
        const SOFT_DIRTY = 1 << 9;
        /// Its process was marked in between, and it has not been written to since.
        const CLEANED = 1 << 10;
        /// It was write-protected through userfaultfd.
        const WRITE_PROTECTED = 1 << 11;
        /// It is not write-protected through userfaultfd any more: as a rule, it was written to.
        const WRITE_ALLOWED = 1 << 12;
        /// Its mapping may be read, written to or executed otherwise than before.
        const PROTECTION = 1 << 13;
        /// It is on another NUMA node.
        const NODE = 1 << 14;
        /// Its memory broke, or is other memory that is whole.
        const BAD = 1 << 15;
        /// It is part of more or fewer mappings than before. That may be the doing of other
        /// processes alone.
        const SHARES = 1 << 16;
    }
}

/// How much changed in which way, in bytes. A page that changed in several ways is in several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct TransitionTotals {
    /// See [`PageTransitions::BECAME_PRIVATE`].
    pub became_private: u64,
    /// See [`PageTransitions::BECAME_FILE`].
    pub became_file: u64,
    /// See [`PageTransitions::BECAME_ZERO`].
    pub became_zero: u64,
    /// See [`PageTransitions::SWAPPED_OUT`].
    pub swapped_out: u64,
    /// See [`PageTransitions::SWAPPED_IN`].
    pub swapped_in: u64,
    /// See [`PageTransitions::BECAME_HUGE`].
    pub became_huge: u64,
    /// See [`PageTransitions::SPLIT`].
    pub split: u64,
    /// See [`PageTransitions::LOCKED`].
    pub locked: u64,
    /// See [`PageTransitions::UNLOCKED`].
    pub unlocked: u64,
    /// See [`PageTransitions::SOFT_DIRTY`].
    pub soft_dirty: u64,
    /// See [`PageTransitions::CLEANED`].
    pub cleaned: u64,
    /// See [`PageTransitions::WRITE_PROTECTED`].
    pub write_protected: u64,
    /// See [`PageTransitions::WRITE_ALLOWED`].
    pub write_allowed: u64,
    /// See [`PageTransitions::PROTECTION`].
    pub protection: u64,
    /// See [`PageTransitions::NODE`].
    pub node: u64,
    /// See [`PageTransitions::BAD`].
    pub bad: u64,
    /// See [`PageTransitions::SHARES`].
    pub shares: u64,
}

impl TransitionTotals {
    pub(super) fn add(&mut self, transitions: PageTransitions, size: u64) {
        for (change, field) in [
            (PageTransitions::BECAME_PRIVATE, &mut self.became_private),
            (PageTransitions::BECAME_FILE, &mut self.became_file),
            (PageTransitions::BECAME_ZERO, &mut self.became_zero),
            (PageTransitions::SWAPPED_OUT, &mut self.swapped_out),
            (PageTransitions::SWAPPED_IN, &mut self.swapped_in),
            (PageTransitions::BECAME_HUGE, &mut self.became_huge),
            (PageTransitions::SPLIT, &mut self.split),
            (PageTransitions::LOCKED, &mut self.locked),
            (PageTransitions::UNLOCKED, &mut self.unlocked),
            (PageTransitions::SOFT_DIRTY, &mut self.soft_dirty),
            (PageTransitions::CLEANED, &mut self.cleaned),
            (PageTransitions::WRITE_PROTECTED, &mut self.write_protected),
            (PageTransitions::WRITE_ALLOWED, &mut self.write_allowed),
            (PageTransitions::PROTECTION, &mut self.protection),
            (PageTransitions::NODE, &mut self.node),
            (PageTransitions::BAD, &mut self.bad),
            (PageTransitions::SHARES, &mut self.shares),
        ] {
            if transitions.contains(change) {
                *field += size;
            }
        }
    }
}

/// Whose a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// The process's own.
    Own,
    /// A file's, shared memory's or a device's.
    File,
    /// Nobody's: the page of zeros.
    Nobodys,
}

impl Whose {
    fn of(attributes: PageAttributes) -> Self {
        if attributes.contains(PageAttributes::ZERO) {
            Whose::Nobodys
        } else if attributes.intersects(PageAttributes::FILE | PageAttributes::SPECIAL) {
            Whose::File
        } else {
            Whose::Own
        }
    }
}

impl PageTransitions {
    /// What changed between two runs of the same pages. Only what both snapshots know is compared.
    pub(super) fn between(
        before: &PageRun<'_>,
        after: &PageRun<'_>,
        known: PageAttributes,
    ) -> Self {
        let (was, is) = (before.attributes & known, after.attributes & known);
        let mut transitions = PageTransitions::empty();
        match (Whose::of(was), Whose::of(is)) {
            (was, is) if was == is => {}
            (_, Whose::Own) => transitions |= PageTransitions::BECAME_PRIVATE,
            (_, Whose::File) => transitions |= PageTransitions::BECAME_FILE,
            (_, Whose::Nobodys) => transitions |= PageTransitions::BECAME_ZERO,
        }
        let mut compare =
            |attribute, gained, lost| match (was.contains(attribute), is.contains(attribute)) {
                (false, true) => transitions |= gained,
                (true, false) => transitions |= lost,
                _ => {}
            };
        compare(
            PageAttributes::SOFT_DIRTY,
            PageTransitions::SOFT_DIRTY,
            PageTransitions::CLEANED,
        );
        compare(
            PageAttributes::WRITE_PROTECTED,
            PageTransitions::WRITE_PROTECTED,
            PageTransitions::WRITE_ALLOWED,
        );
        compare(
            PageAttributes::SWAPPED,
            PageTransitions::SWAPPED_OUT,
            PageTransitions::SWAPPED_IN,
        );
        let access = |run: &PageRun<'_>| {
            let mapping = run.mapping;
            (mapping.readable, mapping.writable, mapping.executable)
        };
        // The rest is told only of what is in memory.
        if (was & is).contains(PageAttributes::RESIDENT) {
            compare(
                PageAttributes::HUGE,
                PageTransitions::BECAME_HUGE,
                PageTransitions::SPLIT,
            );
            compare(
                PageAttributes::LOCKED,
                PageTransitions::LOCKED,
                PageTransitions::UNLOCKED,
            );
            compare(
                PageAttributes::BAD,
                PageTransitions::BAD,
                PageTransitions::BAD,
            );
            let differ = before.node.zip(after.node).is_some_and(|(a, b)| a != b);
            transitions.set(PageTransitions::NODE, differ);
            let differ = before.shares.zip(after.shares).is_some_and(differ_for_sure);
            transitions.set(PageTransitions::SHARES, differ);
        }
        transitions.set(PageTransitions::PROTECTION, access(before) != access(after));
        transitions
    }
}

/// Whether two counts are not of the same number, whatever "more than one" stands for.
fn differ_for_sure(counts: (ShareCount, ShareCount)) -> bool {
    match counts {
        (ShareCount::Exactly(before), ShareCount::Exactly(after)) => before != after,
        (ShareCount::Exactly(count), ShareCount::MoreThanOne)
        | (ShareCount::MoreThanOne, ShareCount::Exactly(count)) => count < 2,
        (ShareCount::MoreThanOne, ShareCount::MoreThanOne) => false,
    }
}
