//! The mappings of a process.

use crate::error::Result;
use crate::mapping::{MappedFile, Mapping};
use crate::process::Process;
use crate::sys;

impl Process {
    /// Lists the mappings of the process by ascending address.
    ///
    /// Source on Windows: `NtQueryVirtualMemory`, with `MemoryBasicInformation` for each region and
    /// `MemoryMappedFilenameInformation` for each view of a section. A region that is reserved but
    /// not committed is a mapping without access. Cost: a few microseconds per region. Privileges:
    /// the right `PROCESS_QUERY_INFORMATION`, which `SeDebugPrivilege` gives for every process that
    /// is not protected. A 32-bit program cannot list the mappings of a 64-bit process.
    ///
    /// Source on Linux: `PROC/PID/maps`. Cost: about half a microsecond per mapping. Privileges:
    /// the process's own user or `CAP_SYS_PTRACE`. Newer kernels, such as 6.18, also accept
    /// `CAP_PERFMON`.
    ///
    /// The kernel appends ` (deleted)` to the path of a deleted file, but a file can have such a
    /// name. If the whole path leads to the mapped file, the suffix is part of the name. This takes
    /// a few more system calls for each such mapping, and search permission for the directory.
    /// Without the permission, the file counts as deleted.
    ///
    /// The kernel does not produce the list atomically. Mappings that change during the call can be
    /// missing, but the result never contains overlapping mappings.
    ///
    /// ```
    /// let me = psapi::System::new().current_process()?;
    /// let here = &me as *const _ as u64;
    /// let mappings = me.mappings()?;
    /// assert!(mappings.iter().any(|mapping| (mapping.start..mapping.end).contains(&here)));
    /// # Ok::<(), psapi::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::AccessDenied`](crate::ErrorKind::AccessDenied) without the privilege.
    /// - [`ErrorKind::NoAddressSpace`](crate::ErrorKind::NoAddressSpace) for a kernel thread.
    /// - [`ErrorKind::Ended`](crate::ErrorKind::Ended) after the process has ended.
    pub fn mappings(&self) -> Result<Vec<Mapping>> {
        let mut mappings = Vec::new();
        self.mappings_into(&mut mappings)?;
        Ok(mappings)
    }

    /// Replaces the content of `mappings` with the mappings of the process.
    ///
    /// Reuses the memory of the vector and of the paths in it, for callers that list the mappings
    /// repeatedly. Otherwise like [`mappings`](Self::mappings).
    ///
    /// # Errors
    ///
    /// The same as for [`mappings`](Self::mappings). The vector then contains either the previous
    /// mappings, or a list that changed while it was read.
    pub fn mappings_into(&self, mappings: &mut Vec<Mapping>) -> Result<()> {
        sys::mappings(self.inner(), mappings).map_err(|source| self.error("mappings", source))
    }

    /// Lists at most `limit` mappings that end after an address, by ascending address.
    ///
    /// The first mapping contains the address, or is the next one. The vsyscall page belongs to the
    /// kernel and is left out.
    ///
    /// Source on Windows: that of [`mappings`](Self::mappings), from this address on.
    ///
    /// Source on Linux: `PROCMAP_QUERY` (Linux 6.11) on `PROC/PID/maps`. Cost: about ten
    /// microseconds, plus one for each mapping. On older kernels, the cost of
    /// [`mappings`](Self::mappings). Privileges: those of [`mappings`](Self::mappings).
    ///
    /// # Errors
    ///
    /// The same as for [`mappings`](Self::mappings).
    #[doc(alias = "VirtualQueryEx")]
    pub fn mappings_from(&self, address: u64, limit: usize) -> Result<Vec<Mapping>> {
        sys::mappings_from(self.inner(), address, limit)
            .map_err(|source| self.error("mappings", source))
    }

    /// Returns the file that is mapped at an address; `None` if nothing is mapped there, or only
    /// private memory without a file.
    ///
    /// Source on Windows: `NtQueryVirtualMemory` with `MemoryMappedFilenameInformation`. The name
    /// of a device becomes a drive letter through the links in `\??`. No drive is opened, so a
    /// network drive that does not respond delays nothing. Privileges: those of
    /// [`mappings`](Self::mappings).
    ///
    /// Source on Linux: `PROCMAP_QUERY` (Linux 6.11) on `PROC/PID/maps`, which stays open after the
    /// first call. Cost: about a microsecond. Older kernels read the text of `maps`, which costs
    /// about half a microsecond for each mapping of the process.
    ///
    /// Privileges, for the first call: the process's own user or `CAP_SYS_PTRACE`. Newer kernels,
    /// such as 6.18, also accept `CAP_PERFMON`.
    ///
    /// ```
    /// let me = psapi::System::new().current_process()?;
    /// let code = str::len as fn(&str) -> usize as u64;
    /// let file = me.mapped_file(code)?.expect("code is mapped from a file");
    /// println!("{} at {:#x?}", file.path.display(), file.offset);
    /// # Ok::<(), psapi::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::AccessDenied`](crate::ErrorKind::AccessDenied) without the privilege.
    /// - [`ErrorKind::NoAddressSpace`](crate::ErrorKind::NoAddressSpace) for a kernel thread.
    /// - [`ErrorKind::Ended`](crate::ErrorKind::Ended) after the process has ended.
    #[doc(alias = "GetMappedFileName")]
    pub fn mapped_file(&self, address: u64) -> Result<Option<MappedFile>> {
        sys::mapped_file(self.inner(), address).map_err(|source| self.error("mapped file", source))
    }
}
