//! `PROC/PID/status`: ids and memory counters of a process, one `Key: value` line each.
//!
//! Captures read this file for every process, so the parser skips most lines after one byte, and
//! stops at `Threads`. The `Rss…` lines appeared in Linux 4.5 and `HugetlbPages` in 4.4. The memory
//! lines are either all there or, for a process without a user address space, all absent.

use crate::error::{ErrorCause, SourceError};
use crate::sys::linux::dir::Dir;

/// The lines that this crate uses. Sizes are in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) tgid: u32,
    pub(crate) uids: Option<Ids>,
    pub(crate) gids: Option<Ids>,
    /// `None` if the process has no user address space: it is a kernel thread or a zombie.
    pub(crate) memory: Option<Memory>,
}

/// The user or group ids of a process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Ids {
    pub(crate) real: u32,
    pub(crate) effective: u32,
    pub(crate) saved: u32,
    pub(crate) file_system: u32,
}

impl Ids {
    /// Returns `None` if a number is not an id.
    fn new(ids: [u64; 4]) -> Option<Self> {
        let [real, effective, saved, file_system] = ids.map(|id| id.try_into().ok());
        Some(Ids {
            real: real?,
            effective: effective?,
            saved: saved?,
            file_system: file_system?,
        })
    }
}

/// The `Vm…` and `Rss…` lines, which the kernel computes together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) vm_peak: u64,
    pub(crate) vm_size: u64,
    pub(crate) vm_lck: u64,
    pub(crate) vm_pin: u64,
    pub(crate) vm_hwm: u64,
    pub(crate) vm_rss: u64,
    pub(crate) rss_anon: u64,
    pub(crate) rss_file: u64,
    pub(crate) rss_shmem: u64,
    pub(crate) vm_data: u64,
    pub(crate) vm_stk: u64,
    pub(crate) vm_pte: u64,
    pub(crate) vm_swap: u64,
    /// `None` on a kernel without hugetlbfs.
    pub(crate) hugetlb_pages: Option<u64>,
}

/// One bit for each required line of [`Memory`].
const ALL_LINES: u16 = (1 << 13) - 1;

/// Parses the file up to the line `Threads`.
pub(crate) fn parse(text: &[u8]) -> Result<Status, &'static str> {
    let mut status = Status::default();
    let mut memory = Memory::default();
    let mut seen = 0u16;
    let mut lines = Lines(text);
    loop {
        // The first byte rules out most unneeded lines, which is cheaper than comparing keys.
        let key = match lines.0 {
            [b'V' | b'R' | b'U' | b'G' | b'T' | b'H', ..] => lines.key(),
            _ => None,
        };
        let (bit, field) = match key.unwrap_or_default() {
            b"VmPeak" => (0, &mut memory.vm_peak),
            b"VmSize" => (1, &mut memory.vm_size),
            b"VmLck" => (2, &mut memory.vm_lck),
            b"VmPin" => (3, &mut memory.vm_pin),
            b"VmHWM" => (4, &mut memory.vm_hwm),
            b"VmRSS" => (5, &mut memory.vm_rss),
            b"RssAnon" => (6, &mut memory.rss_anon),
            b"RssFile" => (7, &mut memory.rss_file),
            b"RssShmem" => (8, &mut memory.rss_shmem),
            b"VmData" => (9, &mut memory.vm_data),
            b"VmStk" => (10, &mut memory.vm_stk),
            b"VmPTE" => (11, &mut memory.vm_pte),
            b"VmSwap" => (12, &mut memory.vm_swap),
            b"HugetlbPages" => (13, memory.hugetlb_pages.insert(0)),
            b"Tgid" => {
                let id = lines.values(b"").and_then(|[id]| id.try_into().ok());
                status.tgid = id.ok_or("the value of Tgid is not a process id")?;
                continue;
            }
            b"Uid" => {
                let ids = lines.values(b"").and_then(Ids::new);
                status.uids = Some(ids.ok_or("the line Uid does not have four ids")?);
                continue;
            }
            b"Gid" => {
                let ids = lines.values(b"").and_then(Ids::new);
                status.gids = Some(ids.ok_or("the line Gid does not have four ids")?);
                continue;
            }
            // On every kernel so far, this line follows all lines that are needed.
            b"Threads" => break,
            _ => {
                lines.skip().ok_or("the file is truncated")?;
                continue;
            }
        };
        let kibibytes = lines
            .values(b" kB")
            .and_then(|[kibibytes]| kibibytes.checked_mul(1024));
        *field = kibibytes.ok_or("the value of a memory line is not a number of kB")?;
        seen |= 1 << bit;
    }
    if status.tgid == 0 {
        return Err("the line Tgid is missing");
    }
    match seen & ALL_LINES {
        0 => Ok(status),
        ALL_LINES => Ok(Status {
            memory: Some(memory),
            ..status
        }),
        _ => Err("a memory line is missing"),
    }
}

/// The part of the text that is not parsed yet.
///
/// Parsing these few dozen lines is most of the work of a capture. Each value is therefore read in
/// one pass, and only the ends of unneeded lines are searched for.
struct Lines<'a>(&'a [u8]);

impl<'a> Lines<'a> {
    /// Consumes the key of the line and its colon; `None` if the line has no colon.
    fn key(&mut self) -> Option<&'a [u8]> {
        let is_end = |&byte: &u8| matches!(byte, b':' | b'\n');
        let colon = self.0.iter().position(is_end)?;
        if self.0[colon] == b'\n' {
            return None;
        }
        let key = &self.0[..colon];
        self.0 = &self.0[colon + 1..];
        Some(key)
    }

    /// Consumes the rest of the line: a fixed number of values, the unit and the newline.
    fn values<const N: usize>(&mut self, unit: &[u8]) -> Option<[u64; N]> {
        let mut values = [0u64; N];
        for value in &mut values {
            let mut text = self.0;
            while let [b' ' | b'\t', after @ ..] = text {
                text = after;
            }
            let digits = text;
            while let [digit @ b'0'..=b'9', after @ ..] = text {
                *value = value.checked_mul(10)?.checked_add((digit - b'0').into())?;
                text = after;
            }
            if text.len() == digits.len() {
                return None;
            }
            self.0 = text;
        }
        self.0 = self.0.strip_prefix(unit)?.strip_prefix(b"\n")?;
        Some(values)
    }

    /// Consumes the rest of the line. Returns `None` if the line is not complete.
    fn skip(&mut self) -> Option<()> {
        let end = memchr::memchr(b'\n', self.0)?;
        self.0 = &self.0[end + 1..];
        Some(())
    }
}

/// Reads and parses the file of a pinned process.
pub(crate) fn read(process: &Dir, text: &mut Vec<u8>) -> Result<Status, SourceError> {
    process.read_record(b"status", text)?;
    parse(text)
        .map_err(|what| SourceError::new(process.path_of(b"status"), ErrorCause::Malformed(what)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASH: &[u8] = b"Name:\tba\\nsh\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t1033\n\
Ngid:\t0\nPid:\t1033\nPPid:\t1\nTracerPid:\t0\nUid:\t1000\t1001\t1002\t1003\n\
Gid:\t10\t11\t12\t13\nFDSize:\t256\nGroups:\t4 24 27 \nNStgid:\t1033\nNSpid:\t1033\n\
NSpgid:\t1033\nNSsid:\t1033\nKthread:\t0\nVmPeak:\t    5024 kB\nVmSize:\t    5004 kB\n\
VmLck:\t       1 kB\nVmPin:\t       2 kB\nVmHWM:\t    4000 kB\nVmRSS:\t    3992 kB\n\
RssAnon:\t    1184 kB\nRssFile:\t    2800 kB\nRssShmem:\t       8 kB\nVmData:\t    1228 kB\n\
VmStk:\t     132 kB\nVmExe:\t     900 kB\nVmLib:\t    1600 kB\nVmPTE:\t      52 kB\n\
VmSwap:\t       3 kB\nHugetlbPages:\t    2048 kB\nCoreDumping:\t0\nTHP_enabled:\t1\n\
Threads:\t1\nSigQ:\t0/96365\n";

    #[test]
    fn parse_fills_every_field() {
        let status = parse(BASH).unwrap();
        assert_eq!(status.tgid, 1033);
        let uids = Ids {
            real: 1000,
            effective: 1001,
            saved: 1002,
            file_system: 1003,
        };
        assert_eq!(status.uids, Some(uids));
        let gids = Ids {
            real: 10,
            effective: 11,
            saved: 12,
            file_system: 13,
        };
        assert_eq!(status.gids, Some(gids));
        let kib = |kib: u64| kib * 1024;
        assert_eq!(
            status.memory,
            Some(Memory {
                vm_peak: kib(5024),
                vm_size: kib(5004),
                vm_lck: kib(1),
                vm_pin: kib(2),
                vm_hwm: kib(4000),
                vm_rss: kib(3992),
                rss_anon: kib(1184),
                rss_file: kib(2800),
                rss_shmem: kib(8),
                vm_data: kib(1228),
                vm_stk: kib(132),
                vm_pte: kib(52),
                vm_swap: kib(3),
                hugetlb_pages: Some(kib(2048)),
            })
        );
    }

    #[test]
    fn kernel_thread_has_no_memory() {
        let status = parse(b"Name:\tkthreadd\nTgid:\t2\nUid:\t0\t0\t0\t0\nThreads:\t1\n").unwrap();
        assert_eq!((status.tgid, status.memory), (2, None));
    }

    #[test]
    fn missing_hugetlb_line_is_none() {
        let text = String::from_utf8(BASH.to_vec()).unwrap();
        let text = text.replace("HugetlbPages:\t    2048 kB\n", "");
        assert_eq!(
            parse(text.as_bytes())
                .unwrap()
                .memory
                .unwrap()
                .hugetlb_pages,
            None
        );
    }

    #[test]
    fn truncated_file_gives_no_partial_result() {
        let whole = parse(BASH).unwrap();
        for end in 0..BASH.len() {
            if let Ok(status) = parse(&BASH[..end]) {
                assert_eq!(status, whole, "cut at {end}");
            }
        }
    }

    #[test]
    fn lines_do_not_continue() {
        let text = String::from_utf8(BASH.to_vec()).unwrap();
        let whole = parse(BASH).unwrap();
        let without_colon = text.replace("VmSwap:", "VmNone\nVmSwap:");
        assert_eq!(parse(without_colon.as_bytes()), Ok(whole));
        let on_next_line = text.replace("VmSwap:", "VmSwap:\n");
        assert!(parse(on_next_line.as_bytes()).is_err());
    }

    #[test]
    fn malformed_values_are_rejected() {
        for (good, bad) in [
            ("3992 kB", "many kB"),
            ("3992 kB", "3992 MB"),
            ("1033\nNgid", "x\nNgid"),
            ("\t13\n", "\n"),
        ] {
            let text = String::from_utf8(BASH.to_vec()).unwrap().replace(good, bad);
            assert!(parse(text.as_bytes()).is_err(), "{bad:?}");
        }
    }
}
