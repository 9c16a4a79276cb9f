//! Kinds of pages that a picture of an address space distinguishes.

/// The kind of a page: its state in a working set, or its change between two working sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageKind {
    Private,
    PrivateHuge,
    /// Private, but still shared with a forked process: neither has written to the page since.
    Forked,
    /// Backed by a file or shared memory, and mapped once.
    File,
    /// Backed by a file or shared memory, and mapped more than once.
    Shared,
    Hugetlb,
    Device,
    Zero,
    Swapped,
    Guard,
    Added,
    Removed,
    /// Removed and added: something else is mapped at the address.
    Replaced,
    Changed,
    /// Changed only in the number of mappings that contain the page.
    SharesChanged,
    Unchanged,
}

impl PageKind {
    pub const ALL: [PageKind; 16] = [
        PageKind::Private,
        PageKind::PrivateHuge,
        PageKind::Forked,
        PageKind::File,
        PageKind::Shared,
        PageKind::Hugetlb,
        PageKind::Device,
        PageKind::Zero,
        PageKind::Swapped,
        PageKind::Guard,
        PageKind::Added,
        PageKind::Removed,
        PageKind::Replaced,
        PageKind::Changed,
        PageKind::SharesChanged,
        PageKind::Unchanged,
    ];

    /// Returns the text for legends.
    pub const fn label(self) -> &'static str {
        match self {
            PageKind::Private => "private",
            PageKind::PrivateHuge => "private, huge pages",
            PageKind::Forked => "private, shared with a fork",
            PageKind::File => "files, shared memory: mapped once",
            PageKind::Shared => "files, shared memory: mapped repeatedly",
            PageKind::Hugetlb => "hugetlb pages",
            PageKind::Device => "device memory",
            PageKind::Zero => "zero pages",
            PageKind::Swapped => "in a page file",
            PageKind::Guard => "guards",
            PageKind::Added => "added",
            PageKind::Removed => "removed",
            PageKind::Replaced => "replaced: removed, and others added",
            PageKind::Changed => "changed",
            PageKind::SharesChanged => "only their share count changed",
            PageKind::Unchanged => "unchanged",
        }
    }

    /// Returns true if the kernel counts the page as resident (RSS).
    pub const fn is_resident(self) -> bool {
        matches!(
            self,
            PageKind::Private
                | PageKind::PrivateHuge
                | PageKind::Forked
                | PageKind::File
                | PageKind::Shared
        )
    }
}
