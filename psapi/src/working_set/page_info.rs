use super::run::{PageAttributes, PageRun, Protection, ShareCount};

/// What a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
#[doc(alias = "PSAPI_WORKING_SET_EX_BLOCK")]
pub struct PageInfo {
    /// The address that was asked for, which may be within the page; from
    /// [`WorkingSet::pages`](crate::WorkingSet::pages), the page's first.
    pub address: u64,
    /// What it is; nothing if it is not in memory.
    pub attributes: PageAttributes,
    /// Of how many mappings it is part; see [`PageRun::shares`].
    pub shares: Option<ShareCount>,
    /// The NUMA node that it is on; see [`PageRun::node`].
    pub node: Option<u16>,
    /// What may be done with it. `None`: nothing is mapped there.
    pub protection: Option<Protection>,
}

impl PageInfo {
    /// Of an address where nothing is mapped.
    pub(super) fn unmapped(address: u64) -> Self {
        PageInfo {
            address,
            attributes: PageAttributes::empty(),
            shares: None,
            node: None,
            protection: None,
        }
    }

    pub(super) fn in_run(address: u64, run: &PageRun<'_>) -> Self {
        PageInfo {
            address,
            attributes: run.attributes,
            shares: run.shares,
            node: run.node,
            protection: Some(run.protection()),
        }
    }

    /// Whether it is in memory, and an access would find it there. A page in a mapping without any
    /// access is in memory all the same, but not valid.
    pub fn is_valid(&self) -> bool {
        let may_be_accessed = self
            .protection
            .is_some_and(|protection| protection != Protection::NoAccess);
        self.attributes.contains(PageAttributes::RESIDENT) && may_be_accessed
    }

    /// Whether others may map it, too: a page of a file or of shared memory.
    pub fn is_shareable(&self) -> bool {
        self.attributes.contains(PageAttributes::FILE)
    }
}
