bitflags::bitflags! {
    /// What to read of each process. Every field belongs to a tier, and nothing reads a dearer
    /// tier than it was asked for. Costs are CPU time a process, measured on one machine; they
    /// are there to be compared.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    #[cfg_attr(feature = "serde", derive(serde::Serialize))]
    pub struct Fields: u16 {
        /// The *cheap* tier, always read: name, parent, state, start, threads, CPU time, faults.
        /// Source: `stat`; about 6 µs.
        const STAT = 1;
        /// [`ProcessStatus::memory`]. The *status* tier: `status`; about 6 µs.
        const MEMORY = 1 << 1;
        /// [`ProcessStatus::user`]. The *status* tier, shared with [`Fields::MEMORY`].
        const USER = 1 << 2;
        /// [`ProcessStatus::image`]. The *image* tier: one `readlink` of `exe`; about 3 µs.
        const IMAGE = 1 << 3;
        /// [`ProcessStatus::command_line`]: `cmdline`; about 6 µs. It is in the process's own memory,
        /// which the process may have replaced by a mapping of a file: if that is on a network file
        /// system that hangs, so does this read, and the whole pass with it.
        const COMMAND_LINE = 1 << 4;
        /// [`ProcessStatus::cgroup`]: `cgroup`; about 4 µs.
        const CGROUP = 1 << 5;
        /// [`ProcessStatus::exact`]. The *exact* tier: `smaps_rollup`, a walk through the
        /// process's page tables that holds its lock; 20 µs for a small process, and about 2 ms a GiB of
        /// small pages.
        const EXACT = 1 << 6;
    }
}

impl Fields {
    /// What `status` serves.
    pub(crate) const IN_STATUS: Fields = Fields::MEMORY.union(Fields::USER);
}
