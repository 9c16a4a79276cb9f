//! The memory of an asynchronous I/O context, from `io_setup`.

use rustix::io::Errno;

/// An asynchronous I/O context of the calling process. It is destroyed on drop.
#[derive(Debug)]
pub(crate) struct AioContext(libc::c_ulong);

impl AioContext {
    /// Creates a context for one operation.
    pub(crate) fn new() -> Result<Self, Errno> {
        let mut context: libc::c_ulong = 0;
        // SAFETY: the kernel writes one `aio_context_t`, an unsigned long, to `context`.
        let result = unsafe { libc::syscall(libc::SYS_io_setup, 1, &raw mut context) };
        match result {
            0 => Ok(AioContext(context)),
            _ => Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)),
        }
    }

    /// Returns the address where the kernel mapped the context.
    #[allow(
        clippy::useless_conversion,
        reason = "the type has 32 bits on some architectures"
    )]
    pub(crate) fn address(&self) -> u64 {
        self.0.into()
    }
}

impl Drop for AioContext {
    fn drop(&mut self) {
        // SAFETY: the context was created by `new`, and nothing else knows it. The kernel unmaps
        // the memory that it mapped for it, to which no reference exists.
        unsafe { libc::syscall(libc::SYS_io_destroy, self.0) };
    }
}
