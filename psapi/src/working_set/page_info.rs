//! One page of a working set.

use super::run::{PageRun, Protection};
use crate::page::{PageAttributes, ShareCount};

/// Information about one page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
#[doc(alias = "PSAPI_WORKING_SET_EX_BLOCK")]
pub struct PageInfo {
    /// The address that was queried, which can lie within the page. In the results of
    /// [`WorkingSet::pages`](crate::WorkingSet::pages), the page's first address.
    pub address: u64,
    /// The page's attributes; empty if the page is absent.
    pub attributes: PageAttributes,
    /// The number of mappings that contain the page; see [`PageRun::shares`].
    pub shares: Option<ShareCount>,
    /// The page's NUMA node; see [`PageRun::node`].
    pub node: Option<u16>,
    /// The access that the mapping permits; `None` if nothing is mapped at the address.
    pub protection: Option<Protection>,
}

impl PageInfo {
    /// Describes an address at which nothing is mapped.
    pub(crate) fn unmapped(address: u64) -> Self {
        PageInfo {
            address,
            attributes: PageAttributes::empty(),
            shares: None,
            node: None,
            protection: None,
        }
    }

    /// Describes the page at an address in a run.
    pub(crate) fn in_run(address: u64, run: &PageRun<'_>) -> Self {
        PageInfo {
            address,
            attributes: run.attributes,
            shares: run.shares,
            node: run.node,
            protection: Some(run.protection()),
        }
    }

    /// Returns true if the page is in memory and an access would succeed.
    ///
    /// In a mapping that permits no access, a page can be in memory, but is not valid.
    pub fn is_valid(&self) -> bool {
        let is_accessible = self
            .protection
            .is_some_and(|protection| protection != Protection::NoAccess);
        self.attributes.contains(PageAttributes::RESIDENT) && is_accessible
    }

    /// Returns true if other processes can map the page: it belongs to a file or to shared memory.
    pub fn is_shareable(&self) -> bool {
        self.attributes.contains(PageAttributes::FILE)
    }
}
