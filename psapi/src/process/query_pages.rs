//! Queries of single pages.

use crate::error::{Operation, Result};
use crate::process::Process;
use crate::sys;
use crate::working_set::page_info::PageInfo;

impl Process {
    /// Returns information about the pages at addresses, whether or not they are in memory.
    ///
    /// The addresses can have any order and can repeat. The result has one item for each address,
    /// in the same order.
    ///
    /// Source and privileges: as for [`working_set`](Self::working_set).
    ///
    /// Cost on Windows: a query for each region that contains an address, and one for each 4,096
    /// addresses.
    ///
    /// Cost on Linux: some tens of microseconds, about 0.5 µs for each mapping of the process, and
    /// a few microseconds for each address. Neighboring pages cost no more than in
    /// [`working_set`](Self::working_set). With few addresses, Linux 6.11 and later avoid the cost
    /// of the mappings. A process with locked memory also costs a read of `smaps`, which walks all
    /// its page tables. Before Linux 6.7, every process costs that, and the mappings that contain
    /// the addresses are read completely.
    ///
    /// ```
    /// let me = psapi::System::new().current_process()?;
    /// let here = [1u8; 1];
    /// let pages = me.query_pages(&[here.as_ptr() as u64, 0])?;
    /// assert!(pages[0].is_valid());
    /// assert!(!pages[1].is_valid());
    /// # Ok::<(), psapi::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The errors of [`working_set`](Self::working_set). An address at which nothing is mapped is
    /// not an error.
    #[doc(alias = "QueryWorkingSetEx")]
    pub fn query_pages(&self, addresses: &[u64]) -> Result<Vec<PageInfo>> {
        sys::query_pages(self.inner(), addresses)
            .map_err(|source| self.error(Operation::READ_PAGES, source))
    }
}
