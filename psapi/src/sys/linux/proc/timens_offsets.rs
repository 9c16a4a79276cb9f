//! `PROC/self/timens_offsets` (Linux 5.6): the offsets of the clocks of a time namespace.
//!
//! `clock_gettime` adds the offset of the caller's namespace. Records of `perf_event_open` have
//! times without it, and so has `PROC/PID/stat` before Linux 5.11.

use std::os::fd::AsFd as _;

use rustix::io::Errno;

use crate::error::{ErrorCause, SourceError};
use crate::sys::linux::dir::{Dir, read_whole};
use crate::sys::linux::text::signed_decimal;

const FILE: &[u8] = b"self/timens_offsets";

/// A clock with an offset.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Clock {
    Monotonic,
    Boottime,
}

/// Parses the line of a clock: its name, seconds and nanoseconds. Returns the offset in
/// nanoseconds.
fn parse(text: &[u8], clock: Clock) -> Option<i64> {
    let name: &[u8] = match clock {
        Clock::Monotonic => b"monotonic",
        Clock::Boottime => b"boottime",
    };
    let mut lines = text.split(|&byte| byte == b'\n');
    lines.find_map(|line| {
        let mut fields = line
            .split(u8::is_ascii_whitespace)
            .filter(|field| !field.is_empty());
        fields.next().filter(|&field| field == name)?;
        let seconds = signed_decimal(fields.next()?)?;
        let nanoseconds = signed_decimal(fields.next()?)?;
        seconds.checked_mul(1_000_000_000)?.checked_add(nanoseconds)
    })
}

/// Returns the offset of a clock of the caller in nanoseconds. It is 0 on a kernel without time
/// namespaces. `text` is a buffer.
///
/// The file describes the namespace that the caller's children are created in. A caller that has
/// created a new one for its children, but has not left its own, is taken to be in the initial one.
pub(crate) fn offset(proc: &Dir, clock: Clock, text: &mut Vec<u8>) -> Result<i64, SourceError> {
    let read = proc
        .try_file(FILE)
        .and_then(|file| read_whole(file.as_fd(), text));
    match read {
        Ok(()) => {}
        Err(Errno::NOENT) => return Ok(0),
        Err(errno) => return Err(proc.error_at(FILE, errno)),
    }
    let namespace = |name: &[u8]| proc.try_attributes(name).ok().map(|found| found.st_ino);
    if namespace(b"self/ns/time") != namespace(b"self/ns/time_for_children") {
        return Ok(0);
    }
    parse(text, clock).ok_or_else(|| {
        let cause = ErrorCause::Malformed("the line of the clock has no offset");
        SourceError::new(proc.path_of(FILE), cause)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_of_clocks_are_parsed() {
        let parse_monotonic = |text: &[u8]| parse(text, Clock::Monotonic);
        let text = b"monotonic        -101 500000000\nboottime            7         0\n";
        assert_eq!(parse_monotonic(text), Some(-100_500_000_000));
        assert_eq!(parse(text, Clock::Boottime), Some(7_000_000_000));
        assert_eq!(parse_monotonic(b"monotonic 0 0\n"), Some(0));
        assert_eq!(parse_monotonic(b"boottime 7 0\n"), None);
        assert_eq!(parse_monotonic(b"monotonic 7\n"), None);
        assert_eq!(parse_monotonic(b"monotonic 9223372036854775807 0\n"), None);
    }
}
