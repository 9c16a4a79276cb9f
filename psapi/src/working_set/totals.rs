use super::run::{PageAttributes, PageRun};

/// How much of what kind is in memory, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PageTotals {
    /// Pages in memory, those of zeros left out:
    /// [`MemoryCounters::working_set`](crate::MemoryCounters::working_set) and
    /// [`MemoryCounters::hugetlb`](crate::MemoryCounters::hugetlb) together.
    pub resident: u64,
    /// Of these, private pages.
    pub private: u64,
    /// Of these, pages of files and of shared memory.
    pub file: u64,
    /// Of these, pages that are part of a huge page, hugetlb ones among them.
    pub huge: u64,
    /// Pages of zeros, which all processes share and no working set counts.
    pub zero: u64,
    /// Private pages in a page file.
    pub swapped: u64,
}

impl PageTotals {
    pub(crate) fn add(&mut self, run: &PageRun<'_>) {
        let has = |attribute| run.attributes.contains(attribute);
        let size = run.size();
        if has(PageAttributes::SWAPPED) {
            self.swapped += size;
        } else if has(PageAttributes::ZERO) {
            self.zero += size;
        } else if has(PageAttributes::RESIDENT) {
            self.resident += size;
            match has(PageAttributes::FILE) {
                true => self.file += size,
                false => self.private += size,
            }
            if has(PageAttributes::HUGE) {
                self.huge += size;
            }
        }
    }
}
