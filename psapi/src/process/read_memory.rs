//! The contents of a process's memory.

use crate::error::Result;
use crate::process::Process;
use crate::sys;

impl Process {
    /// Reads memory of the process at an address, and returns the number of bytes read.
    ///
    /// Reading stops before the first byte that the process itself could not read. The result is 0
    /// if nothing is mapped at the address.
    ///
    /// Source: `process_vm_readv`, or the file `mem` where that call is not available. The file
    /// also shows memory that the process cannot read. On Windows `NtReadVirtualMemory`. Cost: a few microseconds, and the copy.
    /// Pages that are read become part of the process's working set.
    ///
    /// Privileges on Windows: `PROCESS_VM_READ`, which the process's own user has, and
    /// `SeDebugPrivilege` grants. Privileges on Linux: the process's own user or `CAP_SYS_PTRACE`.
    /// With `kernel.yama.ptrace_scope` = 1,
    /// the process must also be a descendant of the caller, unless the caller has
    /// `CAP_SYS_PTRACE`.
    ///
    /// ```
    /// let text = *b"psapi";
    /// let mut copy = [0; 5];
    /// let me = psapi::System::new().current_process()?;
    /// assert_eq!(me.read_memory(text.as_ptr() as u64, &mut copy)?, 5);
    /// assert_eq!(copy, text);
    /// # Ok::<(), psapi::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::AccessDenied`](crate::ErrorKind::AccessDenied) without the privilege.
    /// - [`ErrorKind::NoAddressSpace`](crate::ErrorKind::NoAddressSpace) for a kernel thread.
    /// - [`ErrorKind::Ended`](crate::ErrorKind::Ended) after the process has ended.
    #[doc(alias = "ReadProcessMemory")]
    pub fn read_memory(&self, address: u64, into: &mut [u8]) -> Result<usize> {
        sys::read_memory(self.inner(), address, into).map_err(|source| self.error("memory", source))
    }
}
