//! The descriptor of a watch, for callers that poll it together with others. Linux only.

use std::os::fd::{AsFd, BorrowedFd};

use crate::working_set::watch::WorkingSetWatch;

/// Returns a descriptor to poll for reading together with others. Linux only.
///
/// The descriptor becomes ready when there are faults to fetch, and permanently once the process
/// has ended. It also becomes ready up to 20 times a second without faults. Fetching the faults
/// resets it.
impl AsFd for WorkingSetWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner().as_fd()
    }
}
