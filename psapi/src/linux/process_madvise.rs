//! `process_madvise` (Linux 5.10), and `madvise` for the caller itself: pages are moved out of
//! memory, to page files and to the files that they are of.

use std::io;
use std::ops::Range;
use std::os::fd::{AsRawFd as _, OwnedFd};

use rustix::io::Errno;

use super::file::Directory;
use super::{pidfd, stat};
use crate::ProcessId;
use crate::error::{Cause, Refusal};

/// What the kernel takes in one call, `UIO_MAXIOV`.
const MOST_PLACES: usize = 1024;

/// How much is advised on in one call. The kernel cuts off what is above 2 GiB.
const MOST_BYTES: usize = 1 << 30;

/// Whose memory it is.
#[derive(Debug)]
pub(crate) enum Whose {
    /// The caller's own. No privilege is asked for; by way of `process_madvise` one is before
    /// Linux 6.13.
    Own,
    /// Another process's.
    Other(OwnedFd),
}

impl Whose {
    /// That of a pinned process which has the id in the caller's pid namespace.
    pub(crate) fn of(process: &Directory, id: ProcessId) -> Result<Self, Refusal> {
        if id.get() == std::process::id() {
            return Ok(Whose::Own);
        }
        let pidfd = pidfd::open(process, id)?;
        let mut text = Vec::new();
        let stat = stat::read(process, &mut text)?;
        if stat.is_dead() && !stat.has_ended() {
            let why = "its first thread has ended, and no other leads this call to its memory";
            return Err(Refusal::new(CALL, Cause::Unsupported(why)));
        }
        Ok(Whose::Other(pidfd))
    }

    fn advise(&self, places: &[libc::iovec]) -> Result<usize, Errno> {
        match self {
            Whose::Own => advise_self(places),
            Whose::Other(pidfd) => advise_other(pidfd, places),
        }
    }
}

/// Moves out what the kernel lets go of ranges that are each a mapping, and hands over the indexes
/// of those that it refuses to touch, as it does those locked in memory, of hugetlb pages and of
/// its own. What is not mapped any more is none of them.
pub(crate) fn page_out(
    whose: &Whose,
    ranges: &[Range<u64>],
    refused: impl FnMut(usize),
) -> Result<(), Refusal> {
    if ranges
        .iter()
        .any(|range| usize::try_from(range.end).is_err())
    {
        let why = "a 32-bit program can't name the addresses of a 64-bit one";
        return Err(Refusal::new(CALL, Cause::Unsupported(why)));
    }
    walk(ranges, |places| whose.advise(places), refused).map_err(|errno| match errno {
        Errno::NOSYS => {
            let cause = Cause::Unsupported("this system call is not there before Linux 5.10");
            Refusal::new(CALL, cause)
        }
        errno => Refusal::new(CALL, Cause::Os(errno)),
    })
}

/// Asks for the privilege alone.
pub(crate) fn try_on_nothing(process: &Directory, id: ProcessId) -> Result<(), Refusal> {
    match Whose::of(process, id)? {
        Whose::Own => Ok(()),
        Whose::Other(pidfd) => advise_other(&pidfd, &[])
            .map(drop)
            .map_err(|errno| Refusal::new(CALL, Cause::Os(errno))),
    }
}

const CALL: &str = "process_madvise";

/// Advises on ranges, many in a call. A call tells how many bytes it did before the place that it
/// refused, and only the next one, which begins there, why.
fn walk(
    ranges: &[Range<u64>],
    mut advise: impl FnMut(&[libc::iovec]) -> Result<usize, Errno>,
    mut refused: impl FnMut(usize),
) -> Result<(), Errno> {
    let mut places = Vec::new();
    // The range that is next, and how much of it is done.
    let (mut next, mut done) = (0, 0);
    while next < ranges.len() {
        gather(&ranges[next..], done, &mut places);
        let advised = match advise(&places) {
            // It would go on for ever.
            Ok(0) => return Err(Errno::IO),
            Ok(advised) => advised,
            Err(Errno::INTR) => continue,
            Err(Errno::INVAL) => {
                refused(next);
                places[0].iov_len
            }
            // Not all of it is mapped any more; what is has been done.
            Err(Errno::NOMEM) => places[0].iov_len,
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

/// The places of one call, of whose first range some is done.
fn gather(ranges: &[Range<u64>], done: u64, places: &mut Vec<libc::iovec>) {
    places.clear();
    let mut room = MOST_BYTES;
    let mut done = done;
    for range in ranges.iter().take(MOST_PLACES) {
        let start = range.start + std::mem::take(&mut done);
        let length = (range.end - start).min(room as u64) as usize;
        if length == 0 {
            break;
        }
        room -= length;
        places.push(libc::iovec {
            iov_base: start as usize as *mut libc::c_void,
            iov_len: length,
        });
    }
}

fn advise_other(pidfd: &OwnedFd, places: &[libc::iovec]) -> Result<usize, Errno> {
    // SAFETY: the kernel reads as many places as the slice has and writes nothing here. The
    // addresses in them are of the other process, where the kernel checks them, and the advice
    // changes where its pages are, not what they hold.
    let advised = unsafe {
        libc::syscall(
            libc::SYS_process_madvise,
            pidfd.as_raw_fd(),
            places.as_ptr(),
            places.len(),
            libc::MADV_PAGEOUT,
            0u32,
        )
    };
    usize::try_from(advised).map_err(|_| last_error())
}

/// As `process_madvise` does, a place at a time.
fn advise_self(places: &[libc::iovec]) -> Result<usize, Errno> {
    let mut advised = 0;
    for place in places {
        // SAFETY: the advice changes where pages are, not what they hold: a page that is touched
        // comes back as it was. What is not mapped is refused.
        match unsafe { libc::madvise(place.iov_base, place.iov_len, libc::MADV_PAGEOUT) } {
            0 => advised += place.iov_len,
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

    /// A kernel that has pages 0 to 9 and 20 on, and refuses to touch some of them.
    fn kernel(
        unwilling: Range<u64>,
        seen: &mut Vec<Range<u64>>,
    ) -> impl FnMut(&[libc::iovec]) -> Result<usize, Errno> {
        move |places| {
            assert!(!places.is_empty() && places.len() <= MOST_PLACES);
            assert!(places.iter().map(|place| place.iov_len).sum::<usize>() <= MOST_BYTES);
            let mut done = 0;
            for place in places {
                let start = place.iov_base as u64 / PAGE;
                let end = start + place.iov_len as u64 / PAGE;
                let error = match () {
                    () if start < unwilling.end && end > unwilling.start => Errno::INVAL,
                    () if start < 20 && end > 10 => Errno::NOMEM,
                    () => {
                        seen.push(start..end);
                        done += place.iov_len;
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

    fn done(ranges: &[Range<u64>], unwilling: Range<u64>) -> (Vec<Range<u64>>, Vec<usize>) {
        let (mut seen, mut refused) = (Vec::new(), Vec::new());
        walk(ranges, kernel(unwilling, &mut seen), |index| {
            refused.push(index);
        })
        .unwrap();
        (seen, refused)
    }

    #[test]
    fn what_is_refused_or_gone_stops_nothing_else() {
        let ranges = pages([0..2, 2..4, 4..6, 8..12, 14..16, 20..22, 30..40]);
        let (seen, refused) = done(&ranges, 2..3);
        assert_eq!(seen, [0..2, 4..6, 20..22, 30..40]);
        assert_eq!(refused, [1]);
        assert_eq!(done(&ranges, 0..100).1, [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(done(&[], 0..0).0, []);
    }

    #[test]
    fn many_ranges_take_many_calls() {
        let ranges = pages((0..5000).map(|index| 100 + 2 * index..101 + 2 * index));
        let (seen, refused) = done(&ranges, 1101..1105);
        assert_eq!(seen.len(), 4998);
        assert_eq!(refused, [501, 502]);
    }

    #[test]
    fn a_large_range_is_cut() {
        let call = MOST_BYTES as u64 / PAGE;
        let ranges = pages([100..101, 200..200 + 2 * call]);
        let (seen, refused) = done(&ranges, 0..0);
        let expected = [
            100..101,
            200..199 + call,
            199 + call..199 + 2 * call,
            199 + 2 * call..200 + 2 * call,
        ];
        assert_eq!((seen, refused), (expected.to_vec(), vec![]));
        let (seen, refused) = done(&ranges, 300..301);
        assert_eq!(
            seen,
            [100..101, 200 + call..200 + 2 * call],
            "the refused part alone is left out"
        );
        assert_eq!(refused, [1]);
    }

    #[test]
    fn what_concerns_the_process_ends_it() {
        for errno in [Errno::PERM, Errno::SRCH, Errno::NOSYS] {
            let answer = walk(
                &pages([0..1, 2..3]),
                |_| Err(errno),
                |_| panic!("not one range"),
            );
            assert_eq!(answer, Err(errno));
        }
        assert_eq!(
            walk(&pages([0..1, 2..3]), |_| Ok(0), |_| {}),
            Err(Errno::IO),
            "no progress"
        );
    }
}
