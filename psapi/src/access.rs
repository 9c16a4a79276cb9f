//! A caller's rights to a process.

bitflags::bitflags! {
    /// The caller's rights to a process, beyond the rights that everyone has.
    ///
    /// On Windows, `READ` stands for `PROCESS_QUERY_INFORMATION` and `PROCESS_VM_READ`, `EMPTY` for
    /// `PROCESS_SET_QUOTA`, and `TERMINATE` for `PROCESS_TERMINATE`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub struct Access: u8 {
        /// Read data about the process's memory: modules, mappings, working set, exact memory
        /// figures. Reading the image file requires the same right.
        const READ = 1;
        /// Call [`Process::empty_working_set`](crate::Process::empty_working_set).
        const EMPTY = 1 << 1;
        /// Call [`Process::terminate`](crate::Process::terminate).
        const TERMINATE = 1 << 2;
    }
}
