//! Sums over pages.

use super::run::PageRun;
use crate::page::{PageAttributes, ShareCount};

/// Sizes of the pages in memory by kind, in bytes. A size is `None` if the kernel does not report
/// the attribute for each page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PageTotals {
    /// Pages in memory, as in
    /// [`MemoryCounters::working_set`](crate::MemoryCounters::working_set). Includes zero pages if
    /// they cannot be distinguished.
    pub resident: u64,
    /// The part of `resident` that is private.
    pub private: u64,
    /// The part of `resident` that belongs to files and shared memory.
    pub file: u64,
    /// The part of `resident` that is mapped as huge pages.
    pub huge: Option<u64>,
    /// The part of `resident` that is locked in memory.
    pub locked: u64,
    /// The part of `resident` that was written to; see [`PageAttributes::SOFT_DIRTY`].
    pub soft_dirty: Option<u64>,
    /// The part of `resident` whose memory is broken.
    pub bad: Option<u64>,
    /// `resident` by share count.
    pub shares: ShareTotals,
    /// Zero pages, which all processes share and no working set counts.
    pub zero: Option<u64>,
    /// Hugetlb pages, which no working set counts.
    pub hugetlb: u64,
    /// Device memory, which no working set counts.
    pub special: Option<u64>,
    /// Private pages in a page file.
    pub swapped: Option<u64>,
    /// Guard regions, which take no memory.
    pub guard: Option<u64>,
}

/// Sizes of pages by share count, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ShareTotals {
    /// Pages that are mapped once, twice, and so on. The last item contains all pages that are
    /// mapped seven times or more.
    pub times: [u64; 7],
    /// Pages that are mapped more than once, without an exact count. The documentation of
    /// [`ShareCount::MoreThanOne`](crate::ShareCount::MoreThanOne) names the privileges for an
    /// exact count.
    pub more_than_once: u64,
    /// Resident pages whose share count was not requested or not reported.
    pub uncounted: u64,
}

impl ShareTotals {
    /// Returns the size in bytes of the pages that are mapped exactly once.
    ///
    /// The result is `None` if some pages have no share count.
    pub fn exclusive(&self) -> Option<u64> {
        (self.uncounted == 0).then_some(self.times[0])
    }

    /// Returns the size in bytes of the pages that are mapped more than once.
    ///
    /// The result is `None` if some pages have no share count.
    pub fn shared(&self) -> Option<u64> {
        let counted = self.times[1..].iter().sum::<u64>() + self.more_than_once;
        (self.uncounted == 0).then_some(counted)
    }

    fn add(&mut self, shares: Option<ShareCount>, size: u64) {
        match shares {
            None | Some(ShareCount::Exactly(0)) => self.uncounted += size,
            Some(ShareCount::Exactly(count)) => {
                let index = (count as usize).min(self.times.len()) - 1;
                self.times[index] += size;
            }
            Some(ShareCount::SevenOrMore) => self.times[6] += size,
            Some(ShareCount::MoreThanOne) => self.more_than_once += size,
        }
    }
}

impl PageTotals {
    /// Returns empty totals. An unknown attribute has no total.
    pub(crate) fn none(known: PageAttributes) -> Self {
        let zero_if_known = |attribute| known.contains(attribute).then_some(0);
        PageTotals {
            huge: zero_if_known(PageAttributes::HUGE),
            soft_dirty: zero_if_known(PageAttributes::SOFT_DIRTY),
            bad: zero_if_known(PageAttributes::BAD),
            zero: zero_if_known(PageAttributes::ZERO),
            special: zero_if_known(PageAttributes::SPECIAL),
            swapped: zero_if_known(PageAttributes::SWAPPED),
            guard: zero_if_known(PageAttributes::GUARD),
            ..PageTotals::default()
        }
    }

    /// Returns true if there are no pages in memory or in a page file, as far as the kernel
    /// reports.
    pub fn is_empty(&self) -> bool {
        let uncounted = [self.zero, self.special, self.swapped];
        let is_none = |bytes: Option<u64>| bytes.unwrap_or(0) == 0;
        self.resident == 0 && self.hugetlb == 0 && uncounted.into_iter().all(is_none)
    }

    /// Adds a run of pages.
    pub(crate) fn add(&mut self, run: &PageRun<'_>) {
        let has = |attribute| run.attributes.contains(attribute);
        let size = run.size();
        let add = |field: &mut Option<u64>| {
            if let Some(bytes) = field {
                *bytes += size;
            }
        };
        if has(PageAttributes::GUARD) {
            add(&mut self.guard);
        } else if has(PageAttributes::SWAPPED) {
            add(&mut self.swapped);
        } else if has(PageAttributes::ZERO) {
            add(&mut self.zero);
        } else if has(PageAttributes::HUGETLB) {
            self.hugetlb += size;
        } else if has(PageAttributes::SPECIAL) {
            add(&mut self.special);
        } else if has(PageAttributes::RESIDENT) {
            self.resident += size;
            if has(PageAttributes::FILE) {
                self.file += size;
            } else {
                self.private += size;
            }
            for (attribute, field) in [
                (PageAttributes::HUGE, &mut self.huge),
                (PageAttributes::SOFT_DIRTY, &mut self.soft_dirty),
                (PageAttributes::BAD, &mut self.bad),
            ] {
                if has(attribute) {
                    add(field);
                }
            }
            if has(PageAttributes::LOCKED) {
                self.locked += size;
            }
            self.shares.add(run.shares, size);
        }
    }
}
