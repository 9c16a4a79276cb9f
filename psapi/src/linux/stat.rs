//! `PROC/PID/stat`: one line, the cheapest file that describes a process.

use super::file::Directory;
use super::text::{decimal, signed_decimal};
use crate::error::{Cause, Refusal};

/// Set in `flags` of a kernel thread (`PF_KTHREAD` of the kernel's `sched.h`).
const PF_KTHREAD: u64 = 0x0020_0000;

/// Set in `flags` of a thread on its way out (`PF_EXITING`).
const PF_EXITING: u64 = 0x0000_0004;

/// Set in `flags` of a process that was forked and has not executed anything (`PF_FORKNOEXEC`).
const PF_FORKNOEXEC: u64 = 0x0000_0040;

/// What this project uses of the line, in the kernel's order and the kernel's units.
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
    /// Clock ticks after boot.
    pub(crate) starttime: u64,
}

impl Stat<'_> {
    pub(crate) fn is_kernel_thread(&self) -> bool {
        self.flags & PF_KTHREAD != 0
    }

    /// Whether its address space has been its own since it executed a program.
    pub(crate) fn has_executed(&self) -> bool {
        self.flags & PF_FORKNOEXEC == 0
    }

    /// Whether it has ended, or is about to: its last thread is on its way out.
    pub(crate) fn is_ending(&self) -> bool {
        self.num_threads <= 1 && self.is_leaving()
    }

    /// Whether the first thread is dead or on its way out, whatever the others do. It has lost its
    /// memory, or is to lose it next; if it was the last to have it, it takes a while to take it
    /// down, and is not dead until then.
    pub(crate) fn is_leaving(&self) -> bool {
        self.is_dead() || self.flags & PF_EXITING != 0
    }

    /// Whether the first thread is dead, whatever the others do.
    pub(crate) fn is_dead(&self) -> bool {
        is_dead(self.state)
    }

    /// Dead but not yet reaped, or on its way out: its memory is gone. A process whose first thread
    /// has ended before the others has not.
    pub(crate) fn has_ended(&self) -> bool {
        self.is_dead() && self.num_threads <= 1
    }
}

fn is_dead(state: u8) -> bool {
    matches!(state, b'Z' | b'X' | b'x')
}

/// Whether a line is of a process that goes on without its first thread. Most lines are told by
/// a look at one letter.
pub(crate) fn has_lost_its_first_thread(line: &[u8]) -> bool {
    let state = memchr::memrchr(b')', line).and_then(|close| line.get(close + 2));
    state.is_some_and(|&state| is_dead(state)) && parse(line).is_ok_and(|stat| !stat.has_ended())
}

/// Whether a line is of a process that has a user address space, or is just losing it.
pub(crate) fn may_have_memory(line: &[u8]) -> bool {
    parse(line).is_ok_and(|stat| !stat.is_kernel_thread() && !stat.is_dead())
}

/// Parses the line. `comm` is raw: it may hold spaces, parentheses and newlines, and so ends at
/// the *last* `)`.
pub(crate) fn parse(line: &[u8]) -> Result<Stat<'_>, &'static str> {
    let line = line.strip_suffix(b"\n").ok_or("the line is cut off")?;
    let open = memchr::memchr(b'(', line).ok_or("no name in parentheses")?;
    let close = memchr::memrchr(b')', line).filter(|&close| close > open);
    let close = close.ok_or("no name in parentheses")?;
    let pid = line[..open].strip_suffix(b" ").and_then(decimal);

    let rest = line[close + 1..]
        .strip_prefix(b" ")
        .ok_or("no fields after the name")?;
    let mut fields = Fields(rest);
    let state = match fields.next() {
        Some(&[state]) => state,
        _ => return Err("the state is not one letter"),
    };
    let mut number = |skip: usize| {
        for _ in 0..skip {
            fields.next()?;
        }
        fields.next()
    };
    // The numbers in the comments are those of proc_pid_stat(5), for what is skipped.
    let mut parse = || {
        Some(Stat {
            pid: pid?.try_into().ok()?,
            comm: &line[open + 1..close],
            state,
            // A parent in another pid namespace is 0; so is that of the first process.
            ppid: decimal(number(0)?)?.try_into().ok()?,
            // A process whose group or session is led from outside its pid namespace: -1 or 0.
            pgrp: non_negative(number(0)?)?,
            session: non_negative(number(0)?)?,
            tty_nr: signed_decimal(number(0)?)?.try_into().ok()?,
            flags: decimal(number(1)?)?,   // after (8) tpgid
            min_flt: decimal(number(0)?)?, // (10)
            maj_flt: decimal(number(1)?)?, // after (11) cminflt
            utime: decimal(number(1)?)?,   // after (13) cmajflt
            stime: decimal(number(0)?)?,
            nice: signed_decimal(number(3)?)?.try_into().ok()?, // after (16) … (18)
            num_threads: decimal(number(0)?)?.try_into().ok()?,
            starttime: decimal(number(1)?)?, // after (21) itrealvalue
        })
    };
    parse().ok_or("a field is missing or no number")
}

/// Reads the line of a pinned process.
pub(crate) fn read<'a>(process: &Directory, text: &'a mut Vec<u8>) -> Result<Stat<'a>, Refusal> {
    process.read_record(b"stat", text)?;
    parse(text).map_err(|what| Refusal::new(process.path_of(b"stat"), Cause::Malformed(what)))
}

/// What the kernel puts in the place of an address that the reader may not know.
pub(crate) const NOT_TOLD: u64 = 1;

/// Where the code of the program starts, of a pinned process: 0 where the kernel has not put it
/// there yet, [`NOT_TOLD`] for who may not trace the process. `None`: the line does not say.
pub(crate) fn read_start_code(process: &Directory) -> Result<Option<u64>, Refusal> {
    let mut text = Vec::new();
    process.read_record(b"stat", &mut text)?;
    Ok(start_code(&text))
}

/// (26) of proc_pid_stat(5), which only few want of the line.
fn start_code(line: &[u8]) -> Option<u64> {
    let close = memchr::memrchr(b')', line)?;
    let mut fields = Fields(line[close + 1..].strip_prefix(b" ")?);
    // (3) is the first after the name.
    decimal(fields.nth(26 - 3)?)
}

fn non_negative(field: &[u8]) -> Option<u32> {
    signed_decimal(field)?.max(0).try_into().ok()
}

/// Fields separated by single spaces.
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
    fn every_field_is_where_the_kernel_puts_it() {
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
    fn the_name_ends_at_the_last_parenthesis() {
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
    fn the_code_starts_where_the_kernel_says() {
        let line =
            b"7 (a) b) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 4194304 24\n";
        assert_eq!(start_code(line), Some(4_194_304));
        assert_eq!(start_code(b"7 (a) S 1 2"), None);
        assert_eq!(start_code(b"7"), None);
    }

    #[test]
    fn every_cut_of_the_line_is_refused() {
        let line = line(b"bash");
        for end in 0..line.len() {
            assert!(parse(&line[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn huge_numbers_are_kept_or_refused_but_never_wrapped() {
        let text = String::from_utf8(line(b"a")).unwrap();
        let huge = text.replace(" 12345 ", " 18446744073709551615 ");
        assert_eq!(parse(huge.as_bytes()).unwrap().min_flt, u64::MAX);
        let too_huge = text.replace(" 12345 ", " 18446744073709551616 ");
        assert!(parse(too_huge.as_bytes()).is_err());
    }

    #[test]
    fn a_process_has_ended_with_its_last_thread() {
        let text = String::from_utf8(line(b"a) Z (")).unwrap();
        let dead = text.replace(") S ", ") Z ");
        let reaped = dead.replace(" -5 3 ", " -5 1 ");
        for (line, dead, ended) in [
            (&text, false, false),
            (&dead, true, false),
            (&reaped, true, true),
        ] {
            let stat = parse(line.as_bytes()).unwrap();
            assert_eq!((stat.is_dead(), stat.has_ended()), (dead, ended), "{line}");
            assert_eq!(
                has_lost_its_first_thread(line.as_bytes()),
                dead && !ended,
                "{line}"
            );
        }
        assert!(!has_lost_its_first_thread(b""));
        assert!(!has_lost_its_first_thread(b"1 (a)"));
    }

    #[test]
    fn kernel_threads_are_told_by_their_flag() {
        let text = String::from_utf8(line(b"kthreadd")).unwrap();
        assert!(!parse(text.as_bytes()).unwrap().is_kernel_thread());
        let text = text.replace(" 4194304 ", " 2129984 ");
        assert!(parse(text.as_bytes()).unwrap().is_kernel_thread());
    }
}
