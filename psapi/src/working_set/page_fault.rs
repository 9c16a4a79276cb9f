//! Page faults as data, and the options for recording them.

use crate::process_id::ProcessId;

/// A page fault: the process accessed a page that was not mapped, and the kernel provided it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
#[doc(alias = "PSAPI_WS_WATCH_INFORMATION_EX")]
pub struct PageFault {
    /// The time of the fault, in nanoseconds of `CLOCK_MONOTONIC`.
    ///
    /// Since Linux 6.2, the kernel takes one timestamp for all observers of a fault. If another
    /// observer records the same fault with another clock, the time can come from that clock.
    ///
    /// Linux only.
    #[cfg(not(windows))]
    pub time: u64,
    /// The address of the instruction that accessed the page. During a system call, an instruction
    /// in the kernel.
    pub program_counter: u64,
    /// The address that was accessed.
    pub address: u64,
    /// The process: the watched process, or a child if children are watched.
    pub process: ProcessId,
    /// The id of the thread.
    pub thread: u32,
    /// The CPU on which the thread ran. Linux only.
    #[cfg(not(windows))]
    pub cpu: u32,
    /// Whether the fault was major: the page had to be read from a file or from a page file. Linux
    /// only.
    #[cfg(not(windows))]
    pub major: bool,
}

/// The page faults since the previous call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PageChanges {
    /// The faults, by ascending time. The times also ascend from call to call. On Windows, in the
    /// order in which the kernel recorded them.
    pub faults: Vec<PageFault>,
    /// The number of faults that were not recorded because a buffer was full. Before Linux 5.13,
    /// this includes faults of child processes.
    pub lost: u64,
}

/// The page faults that the system has recorded, or why they were not taken. Windows only.
///
/// Returned by [`Process::recorded_faults`](crate::Process::recorded_faults).
#[cfg(windows)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordedFaults {
    /// All recorded faults. The record is empty now.
    Taken(PageChanges),
    /// There are more faults than fit: this number, if the system reports it. The record is
    /// unchanged.
    TooMany(Option<u64>),
}

/// Options for [`Process::watch_working_set_with`](crate::Process::watch_working_set_with).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(windows, derive(Default))]
pub struct WatchOptions {
    #[cfg(not(windows))]
    pub(crate) buffer_size: usize,
    #[cfg(not(windows))]
    pub(crate) children: bool,
    #[cfg(not(windows))]
    pub(crate) legacy_perf: bool,
}

#[cfg(not(windows))]
impl Default for WatchOptions {
    fn default() -> Self {
        WatchOptions {
            buffer_size: 2 << 20,
            children: false,
            legacy_perf: false,
        }
    }
}

impl WatchOptions {
    /// Returns the options of [`Process::watch_working_set`](crate::Process::watch_working_set).
    pub fn new() -> Self {
        WatchOptions::default()
    }

    /// Sets the size in bytes of each CPU's ring buffer, which holds faults until they are fetched.
    /// The default is 2 MiB. Linux only.
    ///
    /// A fault takes 48 bytes. The size is rounded up to a power of two of at least one page. It is
    /// reduced if the caller cannot lock that much memory;
    /// [`WorkingSetWatch::buffer_size`](crate::WorkingSetWatch::buffer_size) returns the actual
    /// size.
    #[cfg(not(windows))]
    pub fn buffer_size(mut self, bytes: usize) -> Self {
        self.buffer_size = bytes;
        self
    }

    /// Sets whether to include processes that the process starts during the watch, and their
    /// descendants. The default is false. Linux only.
    #[cfg(not(windows))]
    pub fn children(mut self, children: bool) -> Self {
        self.children = children;
        self
    }

    /// Disables the kernel features of Linux 5.13 and 6.0 that the watch uses. Lets tests exercise
    /// the fallbacks.
    #[doc(hidden)]
    #[cfg(not(windows))]
    pub fn legacy_perf(mut self) -> Self {
        self.legacy_perf = true;
        self
    }
}
