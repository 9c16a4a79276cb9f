//! Plain types that describe one page: its attributes, its share count and the two packed together.
//!
//! The platform code fills these types in, and the public working set types are made of them. This
//! file imports from neither.

bitflags::bitflags! {
    /// The properties of a page.
    ///
    /// On Windows, they come from `MemoryWorkingSetExInformation`, which reports no swapped, zero,
    /// special, soft-dirty and write-protected pages.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    #[cfg_attr(feature = "serde", derive(serde::Serialize))]
    pub struct PageAttributes: u16 {
        /// The page is in memory. The kernel can be moving it to another frame, for example during
        /// memory compaction; its share count and NUMA node can then be unknown.
        const RESIDENT = 1;
        /// The page is in a page file, or is being moved to or from one. Never set for shared
        /// memory. Empty page table entries can carry a marker, such as userfaultfd write
        /// protection. Without `CAP_SYS_ADMIN`, on a machine that has a page file, these also
        /// appear as swapped, and so can a private page that the kernel moves to another frame for
        /// longer than a millisecond.
        const SWAPPED = 1 << 1;
        /// The page belongs to a file or to shared memory, so other processes can map it. Without
        /// this attribute the page is private, or shared copy-on-write with forked relatives.
        const FILE = 1 << 2;
        /// The page is the zero page, which backs all private memory that was read but never
        /// written. It is resident, but no working set counts it.
        const ZERO = 1 << 3;
        /// The page is part of a huge page that is mapped as one. On Windows, a large page.
        const HUGE = 1 << 4;
        /// The page was written to since it was mapped, or since the soft-dirty bits were last
        /// cleared through `clear_refs`. Requires a kernel with `CONFIG_MEM_SOFT_DIRTY`.
        const SOFT_DIRTY = 1 << 5;
        /// The page is write-protected through userfaultfd, and was not written to since it was
        /// protected. Reported since Linux 5.14.
        const WRITE_PROTECTED = 1 << 6;
        /// The page is part of a guard region (`MADV_GUARD_INSTALL`, Linux 6.13): it is not in
        /// memory, and an access raises `SIGSEGV`. Linux 6.13 and 6.14 report it as swapped. On
        /// Windows, an absent page with `PAGE_GUARD`, whose first access raises an exception.
        const GUARD = 1 << 7;
        /// The page is in a locked mapping (`mlock`), so the kernel cannot evict it. On Windows,
        /// the page itself is locked (`VirtualLock`).
        const LOCKED = 1 << 8;
        /// The page is part of a hugetlb page, or on Windows of a large page. It is resident, but
        /// no working set counts it.
        const HUGETLB = 1 << 9;
        /// The page belongs to a device, or the kernel has no `struct page` for its memory (DAX
        /// files). No working set counts it. Most device mappings show no pages at all.
        const SPECIAL = 1 << 10;
        /// The hardware reported the page's memory as broken (`HWPOISON`).
        const BAD = 1 << 11;
    }
}

/// The number of mappings that contain a page, counted over all processes. On Windows, the number
/// of processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum ShareCount {
    /// The exact number of mappings.
    Exactly(u32),
    /// At least two mappings. The exact number requires `CAP_SYS_ADMIN` and, for users other than
    /// root, `CAP_DAC_READ_SEARCH`.
    MoreThanOne,
    /// At least seven mappings. Windows only, which counts no further.
    SevenOrMore,
}

/// The properties of a page without its address and mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Page {
    pub(crate) attributes: PageAttributes,
    /// The NUMA node, or [`Page::NO_NODE`].
    pub(crate) node: u16,
    pub(crate) shares: Shares,
}

impl Page {
    /// Marks a page whose NUMA node is unknown.
    pub(crate) const NO_NODE: u16 = u16::MAX;

    /// Creates a page without a node and a share count.
    pub(crate) fn new(attributes: PageAttributes) -> Self {
        Page {
            attributes,
            node: Self::NO_NODE,
            shares: Shares::NONE,
        }
    }
}

/// An `Option<ShareCount>` in four bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Shares(u32);

impl Shares {
    pub(crate) const NONE: Self = Shares(0);
    pub(crate) const MORE_THAN_ONE: Self = Shares(u32::MAX);
    pub(crate) const SEVEN_OR_MORE: Self = Shares(u32::MAX - 1);

    /// Packs an exact count. 0 becomes `NONE`: the page was unmapped before it was counted.
    pub(crate) fn exactly(count: u64) -> Self {
        Shares(count.min(u64::from(u32::MAX - 2)) as u32)
    }

    /// Unpacks the count.
    pub(crate) fn count(self) -> Option<ShareCount> {
        match self {
            Self::NONE => None,
            Self::MORE_THAN_ONE => Some(ShareCount::MoreThanOne),
            Self::SEVEN_OR_MORE => Some(ShareCount::SevenOrMore),
            Shares(count) => Some(ShareCount::Exactly(count)),
        }
    }
}
