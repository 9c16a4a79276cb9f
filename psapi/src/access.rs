use rustix::io::Errno;

use crate::error::{ErrorKind, Result};
use crate::linux::maps;
use crate::linux::process_madvise;
use crate::process::Process;

bitflags::bitflags! {
    /// What the kernel lets the caller do with a process, beyond what it lets everybody.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub struct Access: u8 {
        /// Ask for what is in its memory: modules, mappings, working set, exact memory figures. The
        /// image file is told to who may this.
        const READ = 1;
        /// [`Process::empty_working_set`].
        const EMPTY = 1 << 1;
    }
}

impl Process {
    /// What the kernel lets the caller do with the process, as things are now: for who wants to
    /// know before the answer is needed. Of a process that has no memory to ask about, as a kernel
    /// thread or one that has ended, it is what the kernel would say if it had.
    ///
    /// Source: whether `PROC/PID/maps` can be opened or, where there is no memory, `PROC/PID/exe` is
    /// denied; and `process_madvise` on nothing at all. Cost: *cheap*, a few system calls. Privileges:
    /// none.
    ///
    /// ```
    /// let me = psapi::System::new().current_process()?;
    /// assert_eq!(me.access()?, psapi::Access::all());
    /// # Ok::<(), psapi::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Os`](crate::ErrorKind::Os) for want of descriptors.
    #[doc(alias = "OpenProcess")]
    pub fn access(&self) -> Result<Access> {
        let maps = self.ask("access", |directory| directory.file(maps::FILE).map(drop));
        let read = match maps {
            Err(error) if !matches!(error.kind(), ErrorKind::NoAddressSpace | ErrorKind::Ended) => {
                Err(error)
            }
            // The kernel looks whether it may be traced before it finds that there is nothing to trace.
            _ if self.with_memory().is_none() => {
                match self.directory().try_read_link(b"exe", &mut Vec::new()) {
                    Err(Errno::ACCESS | Errno::PERM) => return Ok(Access::empty()),
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        };
        let empty = match self.id_for_system_calls() {
            Some(id) => process_madvise::try_on_nothing(self.directory(), id)
                .map_err(|refusal| self.error("access", refusal)),
            None => Ok(()),
        };
        let mut access = Access::empty();
        for (answer, what) in [(read, Access::READ), (empty, Access::EMPTY)] {
            match answer.map_err(|error| (error.kind(), error)) {
                Err((ErrorKind::AccessDenied, _)) => {}
                Err((ErrorKind::Os | ErrorKind::Malformed, error)) => return Err(error),
                // What else it may answer is not for want of a privilege.
                Ok(()) | Err(_) => access |= what,
            }
        }
        Ok(access)
    }
}
