//! Options for reading a working set, and its progress.

/// The pages whose share counts are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShareScope {
    /// No pages.
    None,
    /// Pages of files and shared memory.
    Shareable,
    /// All pages, including private ones.
    All,
}

/// Options for [`Process::working_set_with`](crate::Process::working_set_with).
#[derive(Debug, Clone)]
pub struct WorkingSetOptions {
    pub(crate) shares: ShareScope,
}

impl Default for WorkingSetOptions {
    fn default() -> Self {
        WorkingSetOptions {
            shares: ShareScope::Shareable,
        }
    }
}

impl WorkingSetOptions {
    /// Returns the options of [`Process::working_set`](crate::Process::working_set): share counts
    /// for pages of files and shared memory.
    pub fn new() -> Self {
        WorkingSetOptions::default()
    }

    /// Leaves out share counts. This saves about 20 ns for each shareable page, and another 60 ns
    /// for each of these that is mapped more than once.
    pub fn without_share_counts(mut self) -> Self {
        self.shares = ShareScope::None;
        self
    }

    /// Adds share counts of private pages. Forked processes share the private pages that none of
    /// them has written to since the fork. A private page costs as much as a shareable one.
    pub fn with_private_share_counts(mut self) -> Self {
        self.shares = ShareScope::All;
        self
    }
}

/// The progress of reading a working set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The size of the pages found so far, in bytes.
    pub found: u64,
    /// The size that the counters of the process report, in bytes. The final size can differ: the
    /// process continues to run, and its counters leave out some kinds of pages.
    pub expected: u64,
}
