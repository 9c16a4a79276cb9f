//! `process_madvise` (Linux 5.10) and `madvise` with `MADV_PAGEOUT`: evict pages to page files and
//! to the files that back them.

use std::io;
use std::ops::Range;
use std::os::fd::{AsRawFd as _, OwnedFd};

use rustix::io::Errno;

use crate::error::{ErrorCause, SourceError};
use crate::process_id::ProcessId;
use crate::sys::linux::calls::pidfd;
use crate::sys::linux::dir::Dir;
use crate::sys::linux::proc::stat;

/// The maximum number of ranges per call, `UIO_MAXIOV`.
const MAX_RANGES: usize = 1024;

/// The maximum number of bytes per call. The kernel ignores bytes beyond 2 GiB.
const MAX_BYTES: usize = 1 << 30;

/// The process whose pages are evicted.
#[derive(Debug)]
pub(crate) enum MadviseTarget {
    /// The caller, through `madvise`, which requires no privilege. `process_madvise` requires one
    /// before Linux 6.13, even for the caller.
    Caller,
    /// Another process, by its pidfd.
    Other(OwnedFd),
}

impl MadviseTarget {
    /// Selects a pinned process by its id in the caller's pid namespace.
    pub(crate) fn new(process: &Dir, id: ProcessId) -> Result<Self, SourceError> {
        if id.get() == std::process::id() {
            return Ok(MadviseTarget::Caller);
        }
        let pidfd = pidfd::open(process, id)?;
        let mut text = Vec::new();
        let stat = stat::read(process, &mut text)?;
        if stat.leader_dead() && !stat.has_ended() {
            let reason = "the call reaches memory only through the group leader, which has ended";
            return Err(SourceError::new(SOURCE, ErrorCause::Unsupported(reason)));
        }
        Ok(MadviseTarget::Other(pidfd))
    }

    fn advise(&self, batch: &[libc::iovec]) -> Result<usize, Errno> {
        match self {
            MadviseTarget::Caller => advise_caller(batch),
            MadviseTarget::Other(pidfd) => advise_other(pidfd, batch),
        }
    }
}

/// Evicts as many pages of mappings as the kernel permits. Each range is one mapping.
///
/// Calls `on_refused` with the index of each mapping that the kernel refuses. Such a mapping is
/// locked in memory, consists of hugetlb pages, or belongs to the kernel. A mapping that was
/// unmapped is skipped.
pub(crate) fn page_out(
    target: &MadviseTarget,
    ranges: &[Range<u64>],
    on_refused: impl FnMut(usize),
) -> Result<(), SourceError> {
    if ranges
        .iter()
        .any(|range| usize::try_from(range.end).is_err())
    {
        let reason = "a 32-bit program cannot pass addresses of a 64-bit process";
        return Err(SourceError::new(SOURCE, ErrorCause::Unsupported(reason)));
    }
    advise_all(ranges, |batch| target.advise(batch), on_refused).map_err(|errno| match errno {
        Errno::NOSYS => {
            let cause = ErrorCause::Unsupported("the system call requires Linux 5.10");
            SourceError::new(SOURCE, cause)
        }
        errno => SourceError::new(SOURCE, ErrorCause::from(errno)),
    })
}

/// Tests whether the caller has the privilege, by a call without ranges.
pub(crate) fn check_privilege(process: &Dir, id: ProcessId) -> Result<(), SourceError> {
    match MadviseTarget::new(process, id)? {
        MadviseTarget::Caller => Ok(()),
        MadviseTarget::Other(pidfd) => advise_other(&pidfd, &[])
            .map(drop)
            .map_err(|errno| SourceError::new(SOURCE, ErrorCause::from(errno))),
    }
}

/// The name of the system call, for error messages.
const SOURCE: &str = "process_madvise";

/// Evicts ranges, many per call.
///
/// A call that reaches a range it cannot process returns the number of bytes before that range.
/// Only the next call, which starts with the range, returns the error.
fn advise_all(
    ranges: &[Range<u64>],
    mut advise: impl FnMut(&[libc::iovec]) -> Result<usize, Errno>,
    mut on_refused: impl FnMut(usize),
) -> Result<(), Errno> {
    let mut batch = Vec::new();
    // The index of the next range, and the number of its bytes that are done.
    let (mut next, mut done) = (0, 0);
    while next < ranges.len() {
        fill_batch(&ranges[next..], done, &mut batch);
        let advised = match advise(&batch) {
            // A call that makes no progress would repeat forever.
            Ok(0) => return Err(Errno::IO),
            Ok(advised) => advised,
            Err(Errno::INTR) => continue,
            Err(Errno::INVAL) => {
                on_refused(next);
                batch[0].iov_len
            }
            // A part of the range was unmapped. The kernel has processed the rest.
            Err(Errno::NOMEM) => batch[0].iov_len,
            Err(errno) => return Err(errno),
        };
        done += advised as u64;
        while let Some(range) = ranges.get(next)
            && done >= range.end - range.start
        {
            done -= range.end - range.start;
            next += 1;
        }
    }
    Ok(())
}

/// Fills the batch for one call. `done` bytes of the first range are already done.
fn fill_batch(ranges: &[Range<u64>], done: u64, batch: &mut Vec<libc::iovec>) {
    batch.clear();
    let mut remaining = MAX_BYTES;
    let mut done = done;
    for range in ranges.iter().take(MAX_RANGES) {
        let start = range.start + std::mem::take(&mut done);
        let length = (range.end - start).min(remaining as u64) as usize;
        if length == 0 {
            break;
        }
        remaining -= length;
        batch.push(libc::iovec {
            iov_base: start as usize as *mut libc::c_void,
            iov_len: length,
        });
    }
}

fn advise_other(pidfd: &OwnedFd, batch: &[libc::iovec]) -> Result<usize, Errno> {
    // SAFETY: the pointer and the length belong to one live slice, and the kernel does not write to
    // this process. The addresses in the slice refer to the other process and are checked by the
    // kernel. MADV_PAGEOUT moves pages without changing their content.
    let advised = unsafe {
        libc::syscall(
            libc::SYS_process_madvise,
            pidfd.as_raw_fd(),
            batch.as_ptr(),
            batch.len(),
            libc::MADV_PAGEOUT,
            0u32,
        )
    };
    usize::try_from(advised).map_err(|_| last_error())
}

/// Evicts pages of the caller, one range at a time. Returns the same as `process_madvise`.
fn advise_caller(batch: &[libc::iovec]) -> Result<usize, Errno> {
    let mut advised = 0;
    for range in batch {
        // SAFETY: MADV_PAGEOUT moves pages without changing their content, so that every reference
        // to them stays valid. The kernel rejects unmapped addresses.
        match unsafe { libc::madvise(range.iov_base, range.iov_len, libc::MADV_PAGEOUT) } {
            0 => advised += range.iov_len,
            _ if advised > 0 => break,
            _ => return Err(last_error()),
        }
    }
    Ok(advised)
}

fn last_error() -> Errno {
    Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: u64 = 4096;

    /// Simulates a kernel with a process that has pages 0 to 9 and all pages from 20. The kernel
    /// refuses the pages in `refused`.
    fn kernel(
        refused: Range<u64>,
        evicted: &mut Vec<Range<u64>>,
    ) -> impl FnMut(&[libc::iovec]) -> Result<usize, Errno> {
        move |batch| {
            assert!(!batch.is_empty() && batch.len() <= MAX_RANGES);
            assert!(batch.iter().map(|range| range.iov_len).sum::<usize>() <= MAX_BYTES);
            let mut done = 0;
            for range in batch {
                let start = range.iov_base as u64 / PAGE;
                let end = start + range.iov_len as u64 / PAGE;
                let error = match () {
                    () if start < refused.end && end > refused.start => Errno::INVAL,
                    () if start < 20 && end > 10 => Errno::NOMEM,
                    () => {
                        evicted.push(start..end);
                        done += range.iov_len;
                        continue;
                    }
                };
                return if done > 0 { Ok(done) } else { Err(error) };
            }
            Ok(done)
        }
    }

    fn pages(pages: impl IntoIterator<Item = Range<u64>>) -> Vec<Range<u64>> {
        pages
            .into_iter()
            .map(|pages| pages.start * PAGE..pages.end * PAGE)
            .collect()
    }

    /// Returns the pages that were evicted, and the indices of the refused ranges.
    fn evict(ranges: &[Range<u64>], refused: Range<u64>) -> (Vec<Range<u64>>, Vec<usize>) {
        let (mut evicted, mut indices) = (Vec::new(), Vec::new());
        advise_all(ranges, kernel(refused, &mut evicted), |index| {
            indices.push(index);
        })
        .unwrap();
        (evicted, indices)
    }

    #[test]
    fn refused_and_unmapped_ranges_are_skipped() {
        let ranges = pages([0..2, 2..4, 4..6, 8..12, 14..16, 20..22, 30..40]);
        let (evicted, refused) = evict(&ranges, 2..3);
        assert_eq!(evicted, [0..2, 4..6, 20..22, 30..40]);
        assert_eq!(refused, [1]);
        assert_eq!(evict(&ranges, 0..100).1, [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(evict(&[], 0..0).0, []);
    }

    #[test]
    fn many_ranges_take_several_calls() {
        let ranges = pages((0..5000).map(|index| 100 + 2 * index..101 + 2 * index));
        let (evicted, refused) = evict(&ranges, 1101..1105);
        assert_eq!(evicted.len(), 4998);
        assert_eq!(refused, [501, 502]);
    }

    #[test]
    fn large_range_is_split() {
        let call = MAX_BYTES as u64 / PAGE;
        let ranges = pages([100..101, 200..200 + 2 * call]);
        let (evicted, refused) = evict(&ranges, 0..0);
        let expected = [
            100..101,
            200..199 + call,
            199 + call..199 + 2 * call,
            199 + 2 * call..200 + 2 * call,
        ];
        assert_eq!((evicted, refused), (expected.to_vec(), vec![]));
        let (evicted, refused) = evict(&ranges, 300..301);
        assert_eq!(
            evicted,
            [100..101, 200 + call..200 + 2 * call],
            "only the refused part is left out"
        );
        assert_eq!(refused, [1]);
    }

    #[test]
    fn errors_about_the_process_abort() {
        for errno in [Errno::PERM, Errno::SRCH, Errno::NOSYS] {
            let result = advise_all(
                &pages([0..1, 2..3]),
                |_| Err(errno),
                |_| panic!("no range was refused"),
            );
            assert_eq!(result, Err(errno));
        }
        assert_eq!(
            advise_all(&pages([0..1, 2..3]), |_| Ok(0), |_| {}),
            Err(Errno::IO),
            "no progress"
        );
    }
}
