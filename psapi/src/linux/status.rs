//! `PROC/PID/status`: memory counters and ids of a process, a line each.

use super::file::Directory;
use super::text::{decimal, key_value, kibibytes, whole_lines};
use crate::error::{Cause, Refusal};

/// What this project uses of the file; sizes in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) tgid: u32,
    pub(crate) uids: Option<Ids>,
    pub(crate) gids: Option<Ids>,
    /// `None` where the process has no user address space: a kernel thread, a zombie.
    pub(crate) memory: Option<Memory>,
}

/// Real, effective, saved and file system id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Ids {
    pub(crate) real: u32,
    pub(crate) effective: u32,
    pub(crate) saved: u32,
    pub(crate) file_system: u32,
}

/// The `Vm…` and `Rss…` lines, which the kernel takes in one go.
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
    /// `None` on a kernel without hugetlb pages.
    pub(crate) hugetlb_pages: Option<u64>,
}

/// Which of the required lines of [`Memory`] were seen, a bit each.
const ALL_LINES: u16 = (1 << 13) - 1;

/// Parses the file as far as it matters.
pub(crate) fn parse(text: &[u8]) -> Result<Status, &'static str> {
    let mut status = Status::default();
    let mut memory = Memory::default();
    let mut seen = 0u16;
    let mut complete = false;
    for line in whole_lines(text) {
        // Two bytes tell nearly every line that does not matter, at a fraction of a comparison.
        if !matches!(line, [b'V' | b'R' | b'U' | b'G' | b'T' | b'H', ..]) {
            continue;
        }
        let Some((key, value)) = key_value(line) else {
            continue;
        };
        let (bit, field) = match key {
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
            b"HugetlbPages" => {
                let bytes = kibibytes(value).ok_or("HugetlbPages is no number of kB")?;
                memory.hugetlb_pages = Some(bytes);
                continue;
            }
            b"Tgid" => {
                let id = decimal(value).and_then(|id| id.try_into().ok());
                status.tgid = id.ok_or("Tgid is no id")?;
                continue;
            }
            b"Uid" => {
                status.uids = Some(parse_ids(value).ok_or("Uid is not four ids")?);
                continue;
            }
            b"Gid" => {
                status.gids = Some(parse_ids(value).ok_or("Gid is not four ids")?);
                continue;
            }
            // The signal part begins here, below all that matters, on every kernel so far.
            b"Threads" => {
                complete = true;
                break;
            }
            _ => continue,
        };
        *field = kibibytes(value).ok_or("a memory line is no number of kB")?;
        seen |= 1 << bit;
    }
    if !complete || status.tgid == 0 {
        return Err("the file is cut off");
    }
    match seen {
        0 => Ok(status),
        ALL_LINES => Ok(Status {
            memory: Some(memory),
            ..status
        }),
        _ => Err("some of the memory lines are missing"),
    }
}

/// Reads the file of a pinned process.
pub(crate) fn read(process: &Directory, text: &mut Vec<u8>) -> Result<Status, Refusal> {
    process.read_record(b"status", text)?;
    parse(text).map_err(|what| Refusal::new(process.path_of(b"status"), Cause::Malformed(what)))
}

fn parse_ids(value: &[u8]) -> Option<Ids> {
    let mut ids = value
        .split(u8::is_ascii_whitespace)
        .filter(|id| !id.is_empty())
        .map(|id| decimal(id)?.try_into().ok());
    let mut next = || ids.next().flatten();
    Some(Ids {
        real: next()?,
        effective: next()?,
        saved: next()?,
        file_system: next()?,
    })
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
    fn every_line_lands_in_its_field() {
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
    fn a_kernel_thread_has_no_memory() {
        let status = parse(b"Name:\tkthreadd\nTgid:\t2\nUid:\t0\t0\t0\t0\nThreads:\t1\n").unwrap();
        assert_eq!((status.tgid, status.memory), (2, None));
    }

    #[test]
    fn a_kernel_without_hugetlb_leaves_that_unknown() {
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
    fn a_file_cut_anywhere_gives_whole_figures_or_none() {
        let whole = parse(BASH).unwrap();
        for end in 0..BASH.len() {
            if let Ok(status) = parse(&BASH[..end]) {
                assert_eq!(status, whole, "cut at {end}");
            }
        }
    }

    #[test]
    fn lines_that_are_no_numbers_are_refused() {
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
