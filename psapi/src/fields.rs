//! The fields of a process that can be read, and the cost of each.

bitflags::bitflags! {
    /// A set of fields of a process to read.
    ///
    /// Every field belongs to a cost tier, and no tier is read unless it was requested. The costs
    /// are CPU time per process on Linux, measured on one machine. Use them to compare tiers.
    ///
    /// On Windows, one call returns the *cheap* tier and the memory of all processes. The user, the
    /// image and the arguments require a handle of each process.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    #[cfg_attr(feature = "serde", derive(serde::Serialize))]
    pub struct Fields: u16 {
        /// The *cheap* tier, which is always read: name, parent, state, start, threads, CPU time,
        /// faults. Source: `stat`; about 6 µs. On Windows `SystemProcessInformation`.
        const STAT = 1;
        /// [`ProcessStatus::memory`](crate::ProcessStatus::memory), the *status* tier. Source:
        /// `status`; about 6 µs. On Windows `SystemProcessInformation`.
        const MEMORY = 1 << 1;
        /// [`ProcessStatus::user`](crate::ProcessStatus::user), the *status* tier. It comes from
        /// the same read as [`Fields::MEMORY`]. On Windows `TokenUser` of the process's token.
        const USER = 1 << 2;
        /// [`ProcessStatus::image`](crate::ProcessStatus::image), the *image* tier. Source: one
        /// `readlink` call on `exe`; about 3 µs. On Windows `ProcessImageFileName` and
        /// `ProcessImageFileNameWin32`.
        const IMAGE = 1 << 3;
        /// [`ProcessStatus::command_line`](crate::ProcessStatus::command_line). Source: `cmdline`;
        /// about 6 µs. On Windows `ProcessCommandLineInformation`, or the `PEB` before Windows 8.1.
        ///
        /// On Linux, the arguments are in the process's own memory, which the process can replace with a
        /// mapping of a file. If that file is on a network file system that does not respond, the
        /// whole capture blocks.
        const COMMAND_LINE = 1 << 4;
        /// [`ProcessStatus::cgroup`](crate::ProcessStatus::cgroup). Source: `cgroup`; about 4 µs.
        /// Linux only; ignored on Windows.
        const CGROUP = 1 << 5;
        /// [`ProcessStatus::exact`](crate::ProcessStatus::exact), the *exact* tier. Source:
        /// `smaps_rollup`. Linux only; ignored on Windows.
        ///
        /// The kernel walks the page tables of the process, and holds the lock of its address space
        /// during the walk. This takes 20 µs for a small process, and about 2 ms per GiB of small
        /// pages.
        const EXACT = 1 << 6;
    }
}
