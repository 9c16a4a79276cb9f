use crate::linux::pages::SharesOf;

/// What [`Process::working_set_with`](crate::Process::working_set_with) asks for.
#[derive(Debug, Clone)]
pub struct WorkingSetOptions {
    pub(crate) shares: SharesOf,
}

impl Default for WorkingSetOptions {
    fn default() -> Self {
        WorkingSetOptions {
            shares: SharesOf::Shareable,
        }
    }
}

impl WorkingSetOptions {
    /// What [`Process::working_set`](crate::Process::working_set) asks for: share counts of pages
    /// of files and of shared memory.
    pub fn new() -> Self {
        WorkingSetOptions::default()
    }

    /// No share counts. They cost about 20 ns for each page that may be shared and, where it is
    /// mapped more than once, another 60.
    pub fn without_share_counts(mut self) -> Self {
        self.shares = SharesOf::Nothing;
        self
    }

    /// Share counts of private pages, too: processes that were forked share those that none of
    /// them has written to since. They cost as much a page as the others.
    pub fn with_private_share_counts(mut self) -> Self {
        self.shares = SharesOf::All;
        self
    }
}

/// How far the kernel is with a working set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Pages that were found so far, in bytes.
    pub found: u64,
    /// As many as the counters of the process say that there are. The process goes on meanwhile,
    /// and the counters leave some pages out: it may be more or less in the end.
    pub expected: u64,
}
