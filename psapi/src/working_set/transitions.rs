//! Changes of a page between two working sets.

use super::run::PageRun;
use crate::page::{PageAttributes, ShareCount};

bitflags::bitflags! {
    /// The changes of a page that was present before and after.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    #[cfg_attr(feature = "serde", derive(serde::Serialize))]
    pub struct PageTransitions: u32 {
        /// A page of a file or of shared memory, or a zero page, was replaced by a private copy on
        /// write.
        const BECAME_PRIVATE = 1;
        /// A page of another kind was replaced by a page of a file or of shared memory.
        const BECAME_FILE = 1 << 1;
        /// A page of another kind was replaced by the zero page.
        const BECAME_ZERO = 1 << 2;
        /// The page moved from memory to a page file.
        const SWAPPED_OUT = 1 << 3;
        /// The page moved from a page file to memory.
        const SWAPPED_IN = 1 << 4;
        /// The page became part of a huge page.
        const BECAME_HUGE = 1 << 5;
        /// The page was part of a huge page and is now mapped as a small page.
        const SPLIT = 1 << 6;
        /// The page was locked in memory.
        const LOCKED = 1 << 7;
        /// The page was unlocked.
        const UNLOCKED = 1 << 8;
        /// The page was written to; see [`PageAttributes::SOFT_DIRTY`].
        const SOFT_DIRTY = 1 << 9;
        /// The soft-dirty bits were cleared through `clear_refs`, and the page was not written to
        /// since.
        const CLEANED = 1 << 10;
        /// The page was write-protected through userfaultfd.
        const WRITE_PROTECTED = 1 << 11;
        /// The write protection through userfaultfd was removed, usually by a write.
        const WRITE_ALLOWED = 1 << 12;
        /// The mapping's read, write or execute permission changed.
        const PROTECTION = 1 << 13;
        /// The page moved to another NUMA node.
        const NODE = 1 << 14;
        /// The page's memory broke, or broken memory was replaced.
        const BAD = 1 << 15;
        /// The number of mappings that contain the page changed. Other processes can cause that
        /// alone.
        const SHARES = 1 << 16;
    }
}

/// Sizes of changed pages by change, in bytes. A page with several changes counts for each. A size
/// is `None` if the change could not be noticed for some pages, because one of the working sets
/// lacks the attribute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct TransitionTotals {
    /// See [`PageTransitions::BECAME_PRIVATE`].
    pub became_private: Option<u64>,
    /// See [`PageTransitions::BECAME_FILE`].
    pub became_file: u64,
    /// See [`PageTransitions::BECAME_ZERO`].
    pub became_zero: Option<u64>,
    /// See [`PageTransitions::SWAPPED_OUT`].
    pub swapped_out: u64,
    /// See [`PageTransitions::SWAPPED_IN`].
    pub swapped_in: u64,
    /// See [`PageTransitions::BECAME_HUGE`].
    pub became_huge: Option<u64>,
    /// See [`PageTransitions::SPLIT`].
    pub split: Option<u64>,
    /// See [`PageTransitions::LOCKED`].
    pub locked: u64,
    /// See [`PageTransitions::UNLOCKED`].
    pub unlocked: u64,
    /// See [`PageTransitions::SOFT_DIRTY`].
    pub soft_dirty: Option<u64>,
    /// See [`PageTransitions::CLEANED`].
    pub cleaned: Option<u64>,
    /// See [`PageTransitions::WRITE_PROTECTED`].
    pub write_protected: Option<u64>,
    /// See [`PageTransitions::WRITE_ALLOWED`].
    pub write_allowed: Option<u64>,
    /// See [`PageTransitions::PROTECTION`].
    pub protection: u64,
    /// See [`PageTransitions::NODE`].
    pub node: Option<u64>,
    /// See [`PageTransitions::BAD`].
    pub bad: Option<u64>,
    /// See [`PageTransitions::SHARES`].
    pub shares: Option<u64>,
}

impl TransitionTotals {
    /// Returns empty totals of working sets that both know the attributes `known`.
    pub(super) fn none(known: PageAttributes) -> Self {
        let zero_if_known = |attribute| known.contains(attribute).then_some(0);
        TransitionTotals {
            // An unknown zero page counts as private.
            became_private: zero_if_known(PageAttributes::ZERO),
            became_zero: zero_if_known(PageAttributes::ZERO),
            became_huge: zero_if_known(PageAttributes::HUGE),
            split: zero_if_known(PageAttributes::HUGE),
            soft_dirty: zero_if_known(PageAttributes::SOFT_DIRTY),
            cleaned: zero_if_known(PageAttributes::SOFT_DIRTY),
            write_protected: zero_if_known(PageAttributes::WRITE_PROTECTED),
            write_allowed: zero_if_known(PageAttributes::WRITE_PROTECTED),
            node: Some(0),
            bad: zero_if_known(PageAttributes::BAD),
            shares: Some(0),
            ..TransitionTotals::default()
        }
    }

    /// Adds pages with the same changes.
    pub(super) fn add(&mut self, transitions: PageTransitions, size: u64) {
        for (change, field) in [
            (PageTransitions::BECAME_FILE, &mut self.became_file),
            (PageTransitions::SWAPPED_OUT, &mut self.swapped_out),
            (PageTransitions::SWAPPED_IN, &mut self.swapped_in),
            (PageTransitions::LOCKED, &mut self.locked),
            (PageTransitions::UNLOCKED, &mut self.unlocked),
            (PageTransitions::PROTECTION, &mut self.protection),
        ] {
            if transitions.contains(change) {
                *field += size;
            }
        }
        for (change, field) in [
            (PageTransitions::BECAME_PRIVATE, &mut self.became_private),
            (PageTransitions::BECAME_ZERO, &mut self.became_zero),
            (PageTransitions::BECAME_HUGE, &mut self.became_huge),
            (PageTransitions::SPLIT, &mut self.split),
            (PageTransitions::SOFT_DIRTY, &mut self.soft_dirty),
            (PageTransitions::CLEANED, &mut self.cleaned),
            (PageTransitions::WRITE_PROTECTED, &mut self.write_protected),
            (PageTransitions::WRITE_ALLOWED, &mut self.write_allowed),
            (PageTransitions::NODE, &mut self.node),
            (PageTransitions::BAD, &mut self.bad),
            (PageTransitions::SHARES, &mut self.shares),
        ] {
            if let Some(bytes) = field.as_mut().filter(|_| transitions.contains(change)) {
                *bytes += size;
            }
        }
    }

    /// Notes what the comparison of two runs could not notice.
    pub(super) fn note_unknown(&mut self, before: &PageRun<'_>, after: &PageRun<'_>) {
        // Device pages and zero pages have neither a node nor a share count.
        let has_frame = |run: &PageRun<'_>| {
            let other = PageAttributes::SPECIAL | PageAttributes::ZERO;
            run.attributes.contains(PageAttributes::RESIDENT) && !run.attributes.intersects(other)
        };
        if !has_frame(before) || !has_frame(after) {
            return;
        }
        if before.node.is_none() || after.node.is_none() {
            self.node = None;
        }
        if may_differ_unnoticed(before.shares, after.shares) {
            self.shares = None;
        }
    }
}

/// The owner of a page's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PageOwner {
    /// The process.
    Process,
    /// A file, shared memory or a device.
    File,
    /// No one: the zero page.
    Zero,
}

impl PageOwner {
    fn of(attributes: PageAttributes) -> Self {
        if attributes.contains(PageAttributes::ZERO) {
            PageOwner::Zero
        } else if attributes.intersects(PageAttributes::FILE | PageAttributes::SPECIAL) {
            PageOwner::File
        } else {
            PageOwner::Process
        }
    }
}

impl PageTransitions {
    /// Compares two runs of the same pages by the attributes that are known in both.
    pub(super) fn between(
        before: &PageRun<'_>,
        after: &PageRun<'_>,
        known: PageAttributes,
    ) -> Self {
        let (was, is) = (before.attributes & known, after.attributes & known);
        let mut transitions = PageTransitions::empty();
        match (PageOwner::of(was), PageOwner::of(is)) {
            (was, is) if was == is => {}
            (_, PageOwner::Process) => transitions |= PageTransitions::BECAME_PRIVATE,
            (_, PageOwner::File) => transitions |= PageTransitions::BECAME_FILE,
            (_, PageOwner::Zero) => transitions |= PageTransitions::BECAME_ZERO,
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
        // The kernel reports the other attributes only for pages in memory.
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
            let differ = before
                .shares
                .zip(after.shares)
                .is_some_and(definitely_differ);
            transitions.set(PageTransitions::SHARES, differ);
        }
        transitions.set(PageTransitions::PROTECTION, access(before) != access(after));
        transitions
    }
}

/// Returns true if two counts might differ although [`definitely_differ`] returns false.
fn may_differ_unnoticed(before: Option<ShareCount>, after: Option<ShareCount>) -> bool {
    match (before, after) {
        (Some(ShareCount::Exactly(_)), Some(ShareCount::Exactly(_))) => false,
        (Some(before), Some(after)) => !definitely_differ((before, after)),
        _ => true,
    }
}

/// Returns true if two counts differ whatever number a lower bound stands for.
fn definitely_differ((before, after): (ShareCount, ShareCount)) -> bool {
    let range = |count| match count {
        ShareCount::Exactly(count) => (count, count),
        ShareCount::MoreThanOne => (2, u32::MAX),
        ShareCount::SevenOrMore => (7, u32::MAX),
    };
    let (before, after) = (range(before), range(after));
    before.1 < after.0 || after.1 < before.0
}
