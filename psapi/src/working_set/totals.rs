use super::run::{PageAttributes, PageRun, ShareCount};

/// How much of what kind is in memory, in bytes. `None`: the kernel does not tell of each page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PageTotals {
    /// Pages in memory, as the counters have it:
    /// [`MemoryCounters::working_set`](crate::MemoryCounters::working_set). Where pages of zeros
    /// are not told from others, they are in it.
    pub resident: u64,
    /// Of these, private pages.
    pub private: u64,
    /// Of these, pages of files and of shared memory.
    pub file: u64,
    /// Of these, pages that are part of a huge page.
    pub huge: Option<u64>,
    /// Of these, pages that may not leave memory.
    pub locked: u64,
    /// Of these, pages that were written to; see [`PageAttributes::SOFT_DIRTY`].
    pub soft_dirty: Option<u64>,
    /// Of these, pages whose memory is broken.
    pub bad: Option<u64>,
    /// Of these, how many are how often mapped.
    pub shares: ShareTotals,
    /// Pages of zeros, which all processes share and no working set counts.
    pub zero: Option<u64>,
    /// Hugetlb pages, which no working set counts.
    pub hugetlb: u64,
    /// Memory of devices, which no working set counts.
    pub special: u64,
    /// Private pages in a page file.
    pub swapped: u64,
    /// Guard regions, which take no memory.
    pub guard: Option<u64>,
}

/// How much is mapped how often, in bytes. What is not asked for, or not told, is in none of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ShareTotals {
    /// Pages that are mapped once, twice, and so on; the last has those that are mapped seven times
    /// or more.
    pub times: [u64; 7],
    /// Pages that are mapped more than once; [`ShareCount::MoreThanOne`](crate::ShareCount::MoreThanOne)
    /// says what would tell how often.
    pub more_than_once: u64,
}

impl ShareTotals {
    /// Pages that are mapped once: nobody else has them.
    pub fn exclusive(&self) -> u64 {
        self.times[0]
    }

    /// Pages that are mapped more than once, however often.
    pub fn shared(&self) -> u64 {
        self.times[1..].iter().sum::<u64>() + self.more_than_once
    }

    fn add(&mut self, shares: ShareCount, size: u64) {
        match shares {
            ShareCount::Exactly(0) => {}
            ShareCount::Exactly(count) => {
                let place = (count as usize).min(self.times.len()) - 1;
                self.times[place] += size;
            }
            ShareCount::MoreThanOne => self.more_than_once += size,
        }
    }
}

impl PageTotals {
    /// No pages, of which so much is told.
    pub(crate) fn none(known: PageAttributes) -> Self {
        let told = |attribute| known.contains(attribute).then_some(0);
        PageTotals {
            huge: told(PageAttributes::HUGE),
            soft_dirty: told(PageAttributes::SOFT_DIRTY),
            bad: told(PageAttributes::BAD),
            zero: told(PageAttributes::ZERO),
            guard: told(PageAttributes::GUARD),
            ..PageTotals::default()
        }
    }

    /// Whether there is nothing in memory or in a page file, as far as that is told.
    pub fn is_empty(&self) -> bool {
        let uncounted = [self.hugetlb, self.special, self.swapped];
        self.resident == 0 && self.zero.unwrap_or(0) == 0 && uncounted == [0; 3]
    }

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
            self.swapped += size;
        } else if has(PageAttributes::ZERO) {
            add(&mut self.zero);
        } else if has(PageAttributes::HUGETLB) {
            self.hugetlb += size;
        } else if has(PageAttributes::SPECIAL) {
            self.special += size;
        } else if has(PageAttributes::RESIDENT) {
            self.resident += size;
            match has(PageAttributes::FILE) {
                true => self.file += size,
                false => self.private += size,
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
            if let Some(shares) = run.shares {
                self.shares.add(shares, size);
            }
        }
    }
}
