//! `PROC/PID/stat`: one line of space-separated fields, the cheapest file that describes a process.
//!
//! Captures read it for every process, so the parser reads only the fields that are needed and
//! skips the rest. Fields are numbered as in proc_pid_stat(5). All of them exist on every supported
//! kernel.

use std::sync::OnceLock;

use crate::error::{ErrorCause, SourceError};
use crate::start_time::StartTime;
use crate::sys::linux::dir::Dir;
use crate::sys::linux::text::{decimal, signed_decimal};

/// Bit of `flags` that marks a kernel thread. The kernel defines these bits in `sched.h`.
const PF_KTHREAD: u64 = 0x0020_0000;

/// Bit of `flags` that marks an exiting thread.
const PF_EXITING: u64 = 0x0000_0004;

/// Bit of `flags` that marks a process that has not called `execve` since it was forked.
const PF_FORKNOEXEC: u64 = 0x0000_0040;

/// Returns the number of clock ticks in a second. A capture converts several times of each process,
/// so the answer of `sysconf` is kept.
pub(crate) fn ticks_per_second() -> u64 {
    static TICKS: OnceLock<u64> = OnceLock::new();
    *TICKS.get_or_init(|| rustix::param::clock_ticks_per_second().max(1))
}

/// The fields that this crate uses, in the kernel's order and units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat<'a> {
    pub(crate) pid: u32,
    pub(crate) comm: &'a [u8],
    pub(crate) state: u8,
    pub(crate) ppid: u32,
    pub(crate) pgrp: u32,
    pub(crate) session: u32,
    pub(crate) tty_nr: i32,
    pub(crate) flags: u64,
    pub(crate) min_flt: u64,
    pub(crate) maj_flt: u64,
    /// Clock ticks.
    pub(crate) utime: u64,
    /// Clock ticks.
    pub(crate) stime: u64,
    pub(crate) nice: i32,
    pub(crate) num_threads: u32,
    /// Clock ticks after boot, of nanoseconds without a sign; see [`Stat::start`].
    pub(crate) starttime: u64,
}

impl Stat<'_> {
    /// Returns the start time. `offset` is added, in nanoseconds; see `System::start_offset`.
    ///
    /// The kernel adds the offset of the reader's time namespace in 64 bits without a sign, and
    /// then converts the nanoseconds to ticks. A negative sum has become a large one.
    pub(crate) fn start(&self, offset: i64) -> StartTime {
        const NANOS_PER_SECOND: i128 = 1_000_000_000;
        let per_second = ticks_per_second();
        // The usual case, without the slow division of 128 bits.
        let (secs, rest) = (self.starttime / per_second, self.starttime % per_second);
        if let (0, Ok(secs @ 0..0x1_0000_0000)) = (offset, i64::try_from(secs)) {
            let nanos = rest * (NANOS_PER_SECOND as u64) / per_second;
            return StartTime::new(secs, nanos as u32);
        }
        let per_second = i128::from(per_second);
        let mut nanos = i128::from(self.starttime) * NANOS_PER_SECOND / per_second;
        if nanos > i128::from(i64::MAX) {
            nanos -= 1 << u64::BITS;
        }
        nanos += i128::from(offset);
        // In range: fewer than 2^64 ticks of at most a second.
        let (secs, nanos) = (
            nanos.div_euclid(NANOS_PER_SECOND) as i64,
            nanos.rem_euclid(NANOS_PER_SECOND) as u32,
        );
        StartTime::new(secs, nanos)
    }

    /// Returns true for a kernel thread.
    pub(crate) fn is_kernel_thread(&self) -> bool {
        self.flags & PF_KTHREAD != 0
    }

    /// Returns true if the process has called `execve` since it was forked. Its address space is
    /// then not a copy of its parent's.
    pub(crate) fn has_executed(&self) -> bool {
        self.flags & PF_FORKNOEXEC == 0
    }

    /// Returns true if the process has ended or is about to: its last thread is exiting.
    pub(crate) fn is_ending(&self) -> bool {
        self.num_threads <= 1 && self.leader_exiting()
    }

    /// Returns true if the group leader is dead or exiting, even if other threads run.
    ///
    /// An exiting leader has lost its address space or is about to. If no other thread uses the
    /// address space, the kernel frees it before the leader becomes a zombie, which can take a
    /// while.
    pub(crate) fn leader_exiting(&self) -> bool {
        self.leader_dead() || self.flags & PF_EXITING != 0
    }

    /// Returns true if the group leader is dead, even if other threads run.
    pub(crate) fn leader_dead(&self) -> bool {
        is_dead(self.state)
    }

    /// Returns true if all threads are dead, so the process has no memory. The process can be an
    /// unreaped zombie. Returns false if only the group leader is dead.
    pub(crate) fn has_ended(&self) -> bool {
        self.leader_dead() && self.num_threads <= 1
    }
}

/// Returns true for the states zombie (`Z`) and dead (`X`, or `x` in Linux 2.6.33 to 3.13).
fn is_dead(state: u8) -> bool {
    matches!(state, b'Z' | b'X' | b'x')
}

/// Returns true if the line describes a process that runs without its group leader. For most lines
/// the state letter is enough to return false, so the line is not parsed.
pub(crate) fn has_lost_leader(line: &[u8]) -> bool {
    let state = memchr::memrchr(b')', line).and_then(|close| line.get(close + 2));
    state.is_some_and(|&state| is_dead(state)) && parse(line).is_ok_and(|stat| !stat.has_ended())
}

/// Returns true if the line describes a process that has a user address space or is just losing it.
pub(crate) fn may_have_memory(line: &[u8]) -> bool {
    parse(line).is_ok_and(|stat| !stat.is_kernel_thread() && !stat.leader_dead())
}

/// Parses the line. `comm` is not escaped and can contain spaces, parentheses and newlines. It
/// therefore ends at the *last* `)`.
pub(crate) fn parse(line: &[u8]) -> Result<Stat<'_>, &'static str> {
    let line = line.strip_suffix(b"\n").ok_or("the line is truncated")?;
    let open = memchr::memchr(b'(', line).ok_or("the line has no name in parentheses")?;
    let close = memchr::memrchr(b')', line).filter(|&close| close > open);
    let close = close.ok_or("the line has no name in parentheses")?;
    let pid = line[..open].strip_suffix(b" ").and_then(decimal);

    let rest = line[close + 1..]
        .strip_prefix(b" ")
        .ok_or("the line has no fields after the name")?;
    let mut fields = Fields(rest);
    let state = match fields.next() {
        Some(&[state]) => state,
        _ => return Err("the state is not a single letter"),
    };
    // Returns the field after `skip` others.
    let mut next_after = |skip: usize| {
        for _ in 0..skip {
            fields.next()?;
        }
        fields.next()
    };
    // The comments give field numbers.
    let mut parse = || {
        Some(Stat {
            pid: pid?.try_into().ok()?,
            comm: &line[open + 1..close],
            state,
            // 0 for the first process, and if the parent is outside the pid namespace.
            ppid: decimal(next_after(0)?)?.try_into().ok()?,
            // -1 or 0 if the leader of the group or session is outside the pid namespace.
            pgrp: non_negative(next_after(0)?)?,
            session: non_negative(next_after(0)?)?,
            tty_nr: signed_decimal(next_after(0)?)?.try_into().ok()?,
            flags: decimal(next_after(1)?)?,   // after (8) tpgid
            min_flt: decimal(next_after(0)?)?, // (10)
            maj_flt: decimal(next_after(1)?)?, // after (11) cminflt
            utime: decimal(next_after(1)?)?,   // after (13) cmajflt
            stime: decimal(next_after(0)?)?,
            nice: signed_decimal(next_after(3)?)?.try_into().ok()?, // after (16) … (18)
            num_threads: decimal(next_after(0)?)?.try_into().ok()?,
            starttime: decimal(next_after(1)?)?, // after (21) itrealvalue
        })
    };
    parse().ok_or("a field is missing or not a number")
}

/// Reads and parses the line of a pinned process.
pub(crate) fn read<'a>(process: &Dir, text: &'a mut Vec<u8>) -> Result<Stat<'a>, SourceError> {
    process.read_record(b"stat", text)?;
    parse(text)
        .map_err(|what| SourceError::new(process.path_of(b"stat"), ErrorCause::Malformed(what)))
}

/// The value that the kernel writes instead of an address for readers without permission to trace.
pub(crate) const HIDDEN_ADDRESS: u64 = 1;

/// Reads the address where a pinned process's code starts.
///
/// The address is 0 while `execve` has not mapped the program yet, and [`HIDDEN_ADDRESS`] if the
/// caller lacks permission to trace the process. Returns `None` if the line lacks the field.
pub(crate) fn read_start_code(process: &Dir) -> Result<Option<u64>, SourceError> {
    let mut text = Vec::new();
    process.read_record(b"stat", &mut text)?;
    Ok(start_code(&text))
}

/// Parses field 26, `startcode`. [`parse`] leaves it out because few callers need it.
fn start_code(line: &[u8]) -> Option<u64> {
    let close = memchr::memrchr(b')', line)?;
    let mut fields = Fields(line[close + 1..].strip_prefix(b" ")?);
    // The first field after the name has number 3.
    decimal(fields.nth(26 - 3)?)
}

/// Reads the exit status of a zombie, as `waitpid` returns it.
///
/// The kernel writes 0 for readers without permission to trace. Returns `None` if the line lacks
/// the field.
pub(crate) fn read_exit_code(process: &Dir) -> Result<Option<u32>, SourceError> {
    let mut text = Vec::new();
    process.read_record(b"stat", &mut text)?;
    Ok(exit_code(&text))
}

/// Parses field 52, `exit_code` (Linux 3.5). [`parse`] leaves it out because few callers need it.
fn exit_code(line: &[u8]) -> Option<u32> {
    let line = line.strip_suffix(b"\n")?;
    let close = memchr::memrchr(b')', line)?;
    let mut fields = Fields(line[close + 1..].strip_prefix(b" ")?);
    decimal(fields.nth(52 - 3)?)?.try_into().ok()
}

/// Parses a signed number and replaces negative values with 0.
fn non_negative(field: &[u8]) -> Option<u32> {
    signed_decimal(field)?.max(0).try_into().ok()
}

/// An iterator over fields that are separated by single spaces.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.0.is_empty() {
            return None;
        }
        let end = self
            .0
            .iter()
            .position(|&byte| byte == b' ')
            .unwrap_or(self.0.len());
        let (field, rest) = self.0.split_at(end);
        self.0 = rest.get(1..).unwrap_or_default();
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(comm: &[u8]) -> Vec<u8> {
        [
            b"4242 (",
            comm,
            b") S 1 4242 4000 34816 4242 4194304 12345 67 89 10 150 50 7 8 20 -5 3 0 987654 \
              229376000 2500 18446744073709551615 94022170693632 94022171594413 140731 0 0 0 65536 \
              3686404 1266761467 1 0 0 17 1 0 0 0 0 0 94022171 94022172 94022 140 140 140 140 0\n",
        ]
        .concat()
    }

    #[test]
    fn parse_fills_every_field() {
        let line = line(b"bash");
        assert_eq!(
            parse(&line).unwrap(),
            Stat {
                pid: 4242,
                comm: b"bash",
                state: b'S',
                ppid: 1,
                pgrp: 4242,
                session: 4000,
                tty_nr: 34816,
                flags: 4194304,
                min_flt: 12345,
                maj_flt: 89,
                utime: 150,
                stime: 50,
                nice: -5,
                num_threads: 3,
                starttime: 987654,
            }
        );
    }

    #[test]
    fn start_before_clock_is_negative() {
        let text = String::from_utf8(line(b"a")).unwrap();
        let start = |ticks: &str| {
            let text = text.replace(" 987654 ", &format!(" {ticks} "));
            parse(text.as_bytes()).unwrap().start(0)
        };
        assert_eq!(start("987654"), StartTime::new(9876, 540_000_000));
        assert_eq!(start("0"), StartTime::new(0, 0));
        // 2^64 ns are 1,844,674,407,370.955 ticks, so this is 99.955 ticks before zero.
        assert_eq!(start("1844674407271"), StartTime::new(-1, 448_384));
    }

    #[test]
    fn name_ends_at_last_parenthesis() {
        for comm in [
            &b") ("[..],
            b")",
            b"(",
            b"",
            b"a b",
            b"x) R 1 (",
            b"new\nline",
            b"\xff\xfe",
        ] {
            let line = line(comm);
            let stat = parse(&line).unwrap();
            assert_eq!(
                (stat.comm, stat.ppid, stat.starttime),
                (comm, 1, 987654),
                "{comm:?}"
            );
        }
    }

    #[test]
    fn start_code_is_field_26() {
        let line =
            b"7 (a) b) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 4194304 24\n";
        assert_eq!(start_code(line), Some(4_194_304));
        assert_eq!(start_code(b"7 (a) S 1 2"), None);
        assert_eq!(start_code(b"7"), None);
    }

    #[test]
    fn exit_code_is_field_52() {
        let text = String::from_utf8(line(b"a) Z (")).unwrap();
        let killed = text.replace(" 140 0\n", " 140 9\n");
        assert_eq!(exit_code(killed.as_bytes()), Some(9));
        for end in 0..killed.len() {
            assert_eq!(exit_code(&killed.as_bytes()[..end]), None, "cut at {end}");
        }
    }

    #[test]
    fn truncated_line_is_rejected() {
        let line = line(b"bash");
        for end in 0..line.len() {
            assert!(parse(&line[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn numbers_never_overflow() {
        let text = String::from_utf8(line(b"a")).unwrap();
        let huge = text.replace(" 12345 ", " 18446744073709551615 ");
        assert_eq!(parse(huge.as_bytes()).unwrap().min_flt, u64::MAX);
        let too_huge = text.replace(" 12345 ", " 18446744073709551616 ");
        assert!(parse(too_huge.as_bytes()).is_err());
    }

    #[test]
    fn process_ends_with_its_last_thread() {
        let text = String::from_utf8(line(b"a) Z (")).unwrap();
        let leader_dead = text.replace(") S ", ") Z ");
        let zombie = leader_dead.replace(" -5 3 ", " -5 1 ");
        for (line, dead, ended) in [
            (&text, false, false),
            (&leader_dead, true, false),
            (&zombie, true, true),
        ] {
            let stat = parse(line.as_bytes()).unwrap();
            assert_eq!(
                (stat.leader_dead(), stat.has_ended()),
                (dead, ended),
                "{line}"
            );
            assert_eq!(has_lost_leader(line.as_bytes()), dead && !ended, "{line}");
        }
        assert!(!has_lost_leader(b""));
        assert!(!has_lost_leader(b"1 (a)"));
    }

    #[test]
    fn kernel_threads_have_a_flag() {
        let text = String::from_utf8(line(b"kthreadd")).unwrap();
        assert!(!parse(text.as_bytes()).unwrap().is_kernel_thread());
        let text = text.replace(" 4194304 ", " 2129984 ");
        assert!(parse(text.as_bytes()).unwrap().is_kernel_thread());
    }
}
