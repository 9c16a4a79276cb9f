//! The result of emptying a working set.

use crate::mapping::Mapping;

/// The result of [`Process::empty_working_set`](crate::Process::empty_working_set).
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct EmptiedWorkingSet {
    /// The working set before.
    pub before: WorkingSetSize,
    /// The working set after. The process continues to run during the eviction, and faults pages
    /// back in.
    pub after: WorkingSetSize,
    /// The memory in `after`, by the reason why it was not evicted.
    pub remaining: RemainingMemory,
    /// The mappings that the kernel refused to evict, by ascending address, whether or not they
    /// have pages in memory. Leaves out mappings that were unmapped since.
    pub refused: Vec<RefusedMapping>,
}

impl EmptiedWorkingSet {
    /// Returns the memory that was evicted, by kind. A kind that grew counts as 0.
    pub fn evicted(&self) -> WorkingSetSize {
        WorkingSetSize {
            private: self.before.private.saturating_sub(self.after.private),
            file: self.before.file.saturating_sub(self.after.file),
        }
    }
}

/// The size of a working set by kind, in bytes, without hugetlb pages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct WorkingSetSize {
    /// Private pages.
    pub private: u64,
    /// Pages of files and shared memory.
    pub file: u64,
}

impl WorkingSetSize {
    /// Returns the total size, as in
    /// [`MemoryCounters::working_set`](crate::MemoryCounters::working_set).
    pub fn total(&self) -> u64 {
        self.private.saturating_add(self.file)
    }
}

/// Memory that stayed in a working set, by reason, in bytes.
///
/// Each page counts once, for the first reason in this order that applies. The sum is
/// [`EmptiedWorkingSet::after`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct RemainingMemory {
    /// Locked in memory (`mlock`).
    pub locked: u64,
    /// Owned by the kernel, such as the vDSO.
    pub kernel: u64,
    /// Also mapped elsewhere: by another process, or a second time by this one.
    pub shared: u64,
    /// Private, and no page file has room for it.
    pub no_page_file: u64,
    /// None of these. On Windows, all memory that is not locked. On Linux, for example:
    ///
    /// - The process accessed the page again.
    /// - The page belongs to a file that the caller neither owns nor can write to.
    /// - The page is still in a CPU's private batch and not yet on the lists that the kernel evicts
    ///   from.
    /// - The process's control group has reached its swap limit.
    pub other: u64,
}

/// A mapping that the kernel refused to evict.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct RefusedMapping {
    /// The mapping.
    pub mapping: Mapping,
    /// The reason.
    pub reason: RefusalReason,
}

/// The reason why the kernel refused to evict a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum RefusalReason {
    /// The mapping is locked in memory (`mlock`).
    Locked,
    /// The mapping consists of hugetlb pages, which are never evicted.
    Hugetlb,
    /// The mapping belongs to the kernel, such as `[vvar]`, or to a device.
    Kernel,
    /// The reason no longer applies.
    Unknown,
}
