//! Copies between the library's memory and the caller's, by `process_vm_writev` and
//! `process_vm_readv` on the own process.

use std::io;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt as _;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::linux::cached_pid;
use crate::win32_error::{Result, Win32Error};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    ToCaller,
    FromCaller,
}

/// Copies memory of this library at `own`, which must be valid for `length` bytes, to unchecked
/// memory of the caller.
pub fn to_caller(own: usize, callers: usize, length: usize) -> Result<()> {
    copy(Direction::ToCaller, own, callers, length)
}

/// Copies unchecked memory of the caller to memory of this library at `own`, which must be writable
/// for `length` bytes.
pub fn from_caller(own: usize, callers: usize, length: usize) -> Result<()> {
    copy(Direction::FromCaller, own, callers, length)
}

fn copy(direction: Direction, own: usize, callers: usize, length: usize) -> Result<()> {
    let mut done = 0;
    while done < length {
        let (own, callers) = (own + done, callers.wrapping_add(done));
        match copy_directly(direction, own, callers, length - done) {
            Ok(0) => return Err(Win32Error::NOACCESS),
            Ok(count) => done += count,
            Err(libc::EFAULT) => return Err(Win32Error::NOACCESS),
            // EPERM: a seccomp filter, for example in a container. ENOSYS: the kernel lacks the
            // call. ESRCH: the group leader of this process has exited, so that its id no longer
            // leads to the memory.
            Err(libc::EPERM | libc::ENOSYS | libc::ESRCH) => {
                return copy_by_pipe(direction, own, callers, length - done);
            }
            Err(libc::ENOMEM) => return Err(Win32Error::NOT_ENOUGH_MEMORY),
            Err(_) => return Err(Win32Error::NOACCESS),
        }
    }
    Ok(())
}

/// Whether this process runs under valgrind.
///
/// Valgrind assumes that `process_vm_writev` writes to another process, and would treat everything
/// that the library returns as uninitialized. But valgrind tracks data through a pipe.
static UNDER_VALGRIND: AtomicBool = AtomicBool::new(false);

/// Detects valgrind. Called once, when the library is loaded.
pub fn init() {
    let preloaded = std::env::var_os("LD_PRELOAD").unwrap_or_default();
    let mut paths = preloaded
        .as_bytes()
        .split(|&byte| byte == b':' || byte == b' ');
    let is_valgrind = |path: &[u8]| {
        let name = path.rsplit(|&byte| byte == b'/').next();
        name.is_some_and(|name| name.starts_with(b"vgpreload_"))
    };
    UNDER_VALGRIND.store(paths.any(is_valgrind), Ordering::Relaxed);
}

/// Copies with `process_vm_writev` or `process_vm_readv`. Returns the number of bytes copied, or
/// the error number.
fn copy_directly(
    direction: Direction,
    own: usize,
    callers: usize,
    length: usize,
) -> Result<usize, i32> {
    if UNDER_VALGRIND.load(Ordering::Relaxed) {
        return Err(libc::ENOSYS);
    }
    let iovec = |address: usize| libc::iovec {
        iov_base: address as *mut libc::c_void,
        iov_len: length,
    };
    let (own, callers) = (iovec(own), iovec(callers));
    let id = cached_pid::get() as libc::pid_t;
    // SAFETY: the callers of `copy` guarantee that `own` is valid for `length` bytes, and writable for
    // `FromCaller`. The kernel checks `callers`, which the caller passed to be read or written.
    let count = unsafe {
        match direction {
            Direction::ToCaller => libc::process_vm_writev(id, &own, 1, &callers, 1, 0),
            Direction::FromCaller => libc::process_vm_readv(id, &own, 1, &callers, 1, 0),
        }
    };
    usize::try_from(count).map_err(|_| last_errno())
}

/// A number of bytes that an empty pipe accepts without blocking.
const PIPE_CAPACITY: usize = 4096;

/// Copies through a pipe: `write` and `read` report inaccessible memory on either side.
fn copy_by_pipe(direction: Direction, own: usize, callers: usize, length: usize) -> Result<()> {
    let (reader, writer) = pipe()?;
    let (from, to) = match direction {
        Direction::ToCaller => (own, callers),
        Direction::FromCaller => (callers, own),
    };
    let mut done = 0;
    while done < length {
        let step = (length - done).min(PIPE_CAPACITY);
        // SAFETY: the kernel checks this address and only reads from it. It points to valid memory
        // of this library, or the caller passed it to be read.
        retry_on_eintr(|| unsafe {
            libc::write(
                writer.as_raw_fd(),
                (from.wrapping_add(done)) as *const _,
                step,
            )
        })
        .filter(|&written| written == step)
        .ok_or(Win32Error::NOACCESS)?;
        // SAFETY: the kernel checks this address before writing. It points to writable memory of
        // this library, or the caller passed it to be written.
        retry_on_eintr(|| unsafe {
            libc::read(reader.as_raw_fd(), (to.wrapping_add(done)) as *mut _, step)
        })
        .filter(|&read| read == step)
        .ok_or(Win32Error::NOACCESS)?;
        done += step;
    }
    Ok(())
}

fn pipe() -> Result<(OwnedFd, OwnedFd)> {
    let mut ends: [RawFd; 2] = [-1; 2];
    // SAFETY: `ends` has room for the two descriptors that `pipe2` writes.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return Err(Win32Error::NOT_ENOUGH_MEMORY);
    }
    // SAFETY: `pipe2` has just opened both descriptors, and nothing else owns them.
    Ok(unsafe { (OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])) })
}

/// Repeats a system call while signals interrupt it. Returns `None` if it fails.
fn retry_on_eintr(mut call: impl FnMut() -> isize) -> Option<usize> {
    loop {
        let result = call();
        if result >= 0 || last_errno() != libc::EINTR {
            return usize::try_from(result).ok();
        }
    }
}

fn last_errno() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or(0)
}
