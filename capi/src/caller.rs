//! The memory of the caller, read and written by the kernel: an address that leads nowhere, or may
//! not be written to, is an error and no crash.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt as _;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::boundary::Answer;
use crate::code::Code;
use crate::own_id;
use crate::types::PSAPI_WORKING_SET_EX_INFORMATION;

/// Values that any bytes make a valid one of.
///
/// # Safety
///
/// The type must be such a type.
pub unsafe trait Plain: Copy {}

// SAFETY: any bytes are an integer.
unsafe impl Plain for u8 {}
// SAFETY: as above.
unsafe impl Plain for i8 {}
// SAFETY: as above.
unsafe impl Plain for u16 {}
// SAFETY: as above.
unsafe impl Plain for u32 {}
// SAFETY: as above; an address is one, too.
unsafe impl Plain for PSAPI_WORKING_SET_EX_INFORMATION {}

/// Writes a value for the caller.
pub fn write<T: Copy>(to: *mut T, value: &T) -> Answer<()> {
    write_all(to, std::slice::from_ref(value))
}

/// Writes the first bytes of a value.
pub fn write_beginning<T: Copy>(to: *mut T, value: &T, length: usize) -> Answer<()> {
    let own = std::ptr::from_ref(value).addr();
    copy(Way::ToCaller, own, to.addr(), length.min(size_of::<T>()))
}

/// Writes values one after the other. Where an address in between leads nowhere, those before it
/// have been written.
pub fn write_all<T: Copy>(to: *mut T, values: &[T]) -> Answer<()> {
    copy(
        Way::ToCaller,
        values.as_ptr().addr(),
        to.addr(),
        size_of_val(values),
    )
}

/// Fills an array of so many bytes with as many values as fit, which are whole ones.
pub fn fill<T: Copy>(
    to: *mut T,
    cb: u32,
    values: impl ExactSizeIterator<Item = T>,
) -> Answer<usize> {
    if cb > 0 && to.is_null() {
        return Err(Code::NOACCESS);
    }
    let fit = values.len().min(cb as usize / size_of::<T>());
    let values: Vec<T> = values.take(fit).collect();
    write_all(to, &values)?;
    Ok(fit)
}

/// Reads a value of the caller's.
pub fn read<T: Plain>(from: *const T) -> Answer<T> {
    let mut value = MaybeUninit::<T>::uninit();
    let own = value.as_mut_ptr().addr();
    copy(Way::FromCaller, own, from.addr(), size_of::<T>())?;
    // SAFETY: all its bytes were written, and any bytes are a value, by `Plain`.
    Ok(unsafe { value.assume_init() })
}

/// Adds values of the caller's to a list.
pub fn read_all<T: Plain>(from: *const T, count: usize, into: &mut Vec<T>) -> Answer<()> {
    into.try_reserve_exact(count)
        .map_err(|_| Code::NOT_ENOUGH_MEMORY)?;
    let room = &mut into.spare_capacity_mut()[..count];
    copy(
        Way::FromCaller,
        room.as_mut_ptr().addr(),
        from.addr(),
        size_of_val(room),
    )?;
    let length = into.len() + count;
    // SAFETY: so many more were written, and any bytes are a value, by `Plain`.
    unsafe { into.set_len(length) };
    Ok(())
}

/// Reads what comes before the first value that is zero, or the first `most` values. What lies
/// behind that is not touched but for the rest of its page: a string may end where its mapping does.
pub fn read_until_zero<T: Plain + Default + PartialEq>(
    from: *const T,
    most: usize,
) -> Answer<Vec<T>> {
    // Of all pages that there may be, this is the smallest.
    const PAGE: usize = 4096;
    let mut values = Vec::new();
    while values.len() < most {
        let next = from.wrapping_add(values.len());
        let on_page = PAGE - next.addr() % PAGE;
        // One that lies across two pages is read alone.
        let count = (on_page / size_of::<T>()).max(1).min(most - values.len());
        let read_before = values.len();
        read_all(next, count, &mut values)?;
        let zero = values[read_before..]
            .iter()
            .position(|it| *it == T::default());
        if let Some(zero) = zero {
            values.truncate(read_before + zero);
            break;
        }
    }
    Ok(values)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    ToCaller,
    FromCaller,
}

/// Copies between own memory, which is there and of that size, and the caller's.
fn copy(way: Way, own: usize, callers: usize, length: usize) -> Answer<()> {
    let mut done = 0;
    while done < length {
        let (own, callers) = (own + done, callers.wrapping_add(done));
        match copy_directly(way, own, callers, length - done) {
            Ok(0) => return Err(Code::NOACCESS),
            Ok(more) => done += more,
            Err(libc::EFAULT) => return Err(Code::NOACCESS),
            // A seccomp filter, as of a container, or a kernel without it; or the first thread of this
            // process has ended before the others, and its id no longer leads to the memory.
            Err(libc::EPERM | libc::ENOSYS | libc::ESRCH) => {
                return copy_by_pipe(way, own, callers, length - done);
            }
            Err(libc::ENOMEM) => return Err(Code::NOT_ENOUGH_MEMORY),
            Err(_) => return Err(Code::NOACCESS),
        }
    }
    Ok(())
}

/// Whether this process runs under valgrind, to which `process_vm_writev` is about some other
/// process, so that it would take all that is answered for uninitialised. A pipe it understands.
static IS_WATCHED: AtomicBool = AtomicBool::new(false);

/// To be called when the library is loaded.
pub fn prepare() {
    let preloaded = std::env::var_os("LD_PRELOAD").unwrap_or_default();
    let mut parts = preloaded
        .as_bytes()
        .split(|&byte| byte == b':' || byte == b' ');
    let is_valgrinds = |part: &[u8]| {
        let name = part.rsplit(|&byte| byte == b'/').next();
        name.is_some_and(|name| name.starts_with(b"vgpreload_"))
    };
    IS_WATCHED.store(parts.any(is_valgrinds), Ordering::Relaxed);
}

/// Lets the kernel copy as from one process to another. Tells how many bytes it did.
fn copy_directly(way: Way, own: usize, callers: usize, length: usize) -> Result<usize, i32> {
    if IS_WATCHED.load(Ordering::Relaxed) {
        return Err(libc::ENOSYS);
    }
    let place = |address: usize| libc::iovec {
        iov_base: address as *mut libc::c_void,
        iov_len: length,
    };
    let (own, callers) = (place(own), place(callers));
    let id = own_id::of_own_memory() as libc::pid_t;
    // SAFETY: what is at `own` is there, by the contract of `copy`, and on the way from the caller
    // is meant to be written; the kernel itself checks the caller's memory, which the caller gave
    // to be read or written.
    let done = unsafe {
        match way {
            Way::ToCaller => libc::process_vm_writev(id, &own, 1, &callers, 1, 0),
            Way::FromCaller => libc::process_vm_readv(id, &own, 1, &callers, 1, 0),
        }
    };
    usize::try_from(done).map_err(|_| last_errno())
}

/// As much as a pipe always takes at once.
const PIPE: usize = 4096;

/// Copies in two steps, of which each tells of memory that is not there.
fn copy_by_pipe(way: Way, own: usize, callers: usize, length: usize) -> Answer<()> {
    let (reader, writer) = pipe()?;
    let (from, to) = match way {
        Way::ToCaller => (own, callers),
        Way::FromCaller => (callers, own),
    };
    let mut done = 0;
    while done < length {
        let step = (length - done).min(PIPE);
        // SAFETY: the kernel reads what is at this address, if anything is: it is of one of the
        // two memories that `copy_directly` hands to the kernel in the same way.
        pass(|| unsafe {
            libc::write(
                writer.as_raw_fd(),
                (from.wrapping_add(done)) as *const _,
                step,
            )
        })
        .filter(|&written| written == step)
        .ok_or(Code::NOACCESS)?;
        // SAFETY: as above; the kernel writes there if it can.
        pass(|| unsafe { libc::read(reader.as_raw_fd(), (to.wrapping_add(done)) as *mut _, step) })
            .filter(|&read| read == step)
            .ok_or(Code::NOACCESS)?;
        done += step;
    }
    Ok(())
}

fn pipe() -> Answer<(OwnedFd, OwnedFd)> {
    let mut ends: [RawFd; 2] = [-1; 2];
    // SAFETY: there is room for two descriptors.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return Err(Code::NOT_ENOUGH_MEMORY);
    }
    // SAFETY: both were just opened, and nobody else knows them.
    Ok(unsafe { (OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])) })
}

/// Repeats a call that a signal broke off.
fn pass(mut call: impl FnMut() -> isize) -> Option<usize> {
    loop {
        let done = call();
        if done >= 0 || last_errno() != libc::EINTR {
            return usize::try_from(done).ok();
        }
    }
}

fn last_errno() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::windows::tests::Pages;

    #[test]
    fn a_string_may_end_where_its_mapping_does() {
        let pages = Pages::new(2);
        for (at, text) in [
            (4096 * 2 - 4, &b"abc\0"[..]),
            (4096 - 2, b"abc\0"),
            (0, b"\0"),
        ] {
            pages.put(at, text);
            let read = read_until_zero::<u8>(pages.at(at).cast(), 100).unwrap();
            assert_eq!(read, &text[..text.len() - 1]);
        }
        // Without a NUL it goes on where nothing is.
        pages.put(4096 * 2 - 4, b"abcd");
        let read = read_until_zero::<u8>(pages.at(4096 * 2 - 4).cast(), 100);
        assert_eq!(read, Err(Code::NOACCESS));
        let read = read_until_zero::<u8>(pages.at(4096 * 2 - 4).cast(), 3);
        assert_eq!(read.as_deref(), Ok(&b"abc"[..]));
    }

    #[test]
    fn units_may_lie_across_pages() {
        let pages = Pages::new(2);
        let text: Vec<u8> = "wide".encode_utf16().flat_map(u16::to_ne_bytes).collect();
        for at in 4096 - 9..=4096 {
            pages.put(at, &text);
            pages.put(at + text.len(), &[0, 0]);
            let read = read_until_zero::<u16>(pages.at(at).cast(), 100).unwrap();
            assert_eq!(String::from_utf16(&read).unwrap(), "wide");
        }
    }

    #[test]
    fn where_nothing_is_there_is_no_string() {
        assert_eq!(
            read_until_zero::<u8>(std::ptr::null(), 100),
            Err(Code::NOACCESS)
        );
        let gone = Pages::new(1).at(0);
        assert_eq!(read_until_zero::<u8>(gone.cast(), 100), Err(Code::NOACCESS));
    }
}
