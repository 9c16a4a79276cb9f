//! `PROC/meminfo`: what the machine's memory is used for, a line each.

use super::file::Directory;
use super::text::{decimal, key_value, kibibytes, whole_lines};
use super::whole_proc;
use crate::error::{Cause, Refusal};

/// What this project uses of the file; sizes in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Meminfo {
    pub(crate) mem_total: u64,
    pub(crate) mem_free: u64,
    pub(crate) mem_available: u64,
    pub(crate) buffers: u64,
    pub(crate) cached: u64,
    pub(crate) swap_total: u64,
    pub(crate) swap_free: u64,
    pub(crate) shmem: u64,
    pub(crate) s_reclaimable: u64,
    pub(crate) s_unreclaim: u64,
    pub(crate) kernel_stack: u64,
    pub(crate) page_tables: u64,
    pub(crate) commit_limit: u64,
    pub(crate) committed_as: u64,
    /// Since Linux 4.19.
    pub(crate) percpu: Option<u64>,
    /// `None` on a kernel that takes no broken memory out of use.
    pub(crate) hardware_corrupted: Option<u64>,
    /// `None` on a kernel without hugetlb pages.
    pub(crate) huge_pages: Option<HugePages>,
}

/// Hugetlb pages of the default size, in pages of that size, but for the sizes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct HugePages {
    pub(crate) total: u64,
    pub(crate) free: u64,
    pub(crate) reserved: u64,
    pub(crate) surplus: u64,
    /// Bytes a page.
    pub(crate) size: u64,
    /// Bytes of all hugetlb pages of all sizes; since Linux 4.16.
    pub(crate) all: Option<u64>,
}

const ALL_LINES: u16 = (1 << 14) - 1;
const ALL_HUGE_LINES: u8 = (1 << 5) - 1;

/// Parses the file.
pub(crate) fn parse(text: &[u8]) -> Result<Meminfo, &'static str> {
    if !text.ends_with(b"\n") {
        return Err("the file is cut off");
    }
    let mut meminfo = Meminfo::default();
    let mut huge = HugePages::default();
    let (mut seen, mut seen_huge) = (0u16, 0u8);
    for (key, value) in whole_lines(text).filter_map(key_value) {
        let (bit, field) = match key {
            b"MemTotal" => (0, &mut meminfo.mem_total),
            b"MemFree" => (1, &mut meminfo.mem_free),
            b"MemAvailable" => (2, &mut meminfo.mem_available),
            b"Buffers" => (3, &mut meminfo.buffers),
            b"Cached" => (4, &mut meminfo.cached),
            b"SwapTotal" => (5, &mut meminfo.swap_total),
            b"SwapFree" => (6, &mut meminfo.swap_free),
            b"Shmem" => (7, &mut meminfo.shmem),
            b"SReclaimable" => (8, &mut meminfo.s_reclaimable),
            b"SUnreclaim" => (9, &mut meminfo.s_unreclaim),
            b"KernelStack" => (10, &mut meminfo.kernel_stack),
            b"PageTables" => (11, &mut meminfo.page_tables),
            b"CommitLimit" => (12, &mut meminfo.commit_limit),
            b"Committed_AS" => (13, &mut meminfo.committed_as),
            b"Percpu" => {
                meminfo.percpu = Some(kibibytes(value).ok_or("Percpu is no number of kB")?);
                continue;
            }
            b"HardwareCorrupted" => {
                let bytes = kibibytes(value).ok_or("HardwareCorrupted is no number of kB")?;
                meminfo.hardware_corrupted = Some(bytes);
                continue;
            }
            _ => {
                seen_huge |= huge.line(key, value)?;
                continue;
            }
        };
        *field = kibibytes(value).ok_or("a line is no number of kB")?;
        seen |= 1 << bit;
    }
    if seen != ALL_LINES {
        return Err("some of the lines are missing");
    }
    meminfo.huge_pages = match seen_huge {
        0 => None,
        ALL_HUGE_LINES => Some(huge),
        _ => return Err("some of the lines of huge pages are missing"),
    };
    Ok(meminfo)
}

impl HugePages {
    /// Takes a line in, if it is about huge pages; returns its bit if it must be there.
    fn line(&mut self, key: &[u8], value: &[u8]) -> Result<u8, &'static str> {
        let (bit, field, number) = match key {
            b"HugePages_Total" => (1, &mut self.total, decimal(value)),
            b"HugePages_Free" => (2, &mut self.free, decimal(value)),
            b"HugePages_Rsvd" => (4, &mut self.reserved, decimal(value)),
            b"HugePages_Surp" => (8, &mut self.surplus, decimal(value)),
            b"Hugepagesize" => (16, &mut self.size, kibibytes(value)),
            b"Hugetlb" => (0, self.all.insert(0), kibibytes(value)),
            _ => return Ok(0),
        };
        *field = number.ok_or("a line of huge pages is no number")?;
        Ok(bit)
    }
}

/// Reads the file.
pub(crate) fn read(proc: &Directory, text: &mut Vec<u8>) -> Result<Meminfo, Refusal> {
    const FILE: &[u8] = b"meminfo";
    whole_proc::read(proc, FILE, text)?;
    parse(text).map_err(|what| Refusal::new(proc.path_of(FILE), Cause::Malformed(what)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "MemTotal:       24684084 kB\nMemFree:        24174360 kB\n\
MemAvailable:   24338476 kB\nBuffers:            2556 kB\nCached:           334308 kB\n\
SwapCached:            1 kB\nSwapTotal:             4 kB\nSwapFree:              3 kB\n\
Shmem:              8872 kB\nKReclaimable:      86497 kB\nSlab:             109740 kB\n\
SReclaimable:      86496 kB\nSUnreclaim:        23244 kB\nKernelStack:        1424 kB\n\
PageTables:         1996 kB\nCommitLimit:    12342040 kB\nCommitted_AS:      59532 kB\n\
VmallocTotal:   34359738367 kB\nPercpu:              688 kB\n\
HardwareCorrupted:    12 kB\nHugePages_Total:       7\n\
HugePages_Free:        6\nHugePages_Rsvd:        5\nHugePages_Surp:        2\n\
Hugepagesize:       2048 kB\nHugetlb:         1062912 kB\nDirectMap4k:       28672 kB\n";

    #[test]
    fn every_line_lands_in_its_field() {
        let kib = |kib: u64| kib * 1024;
        assert_eq!(
            parse(TEXT.as_bytes()).unwrap(),
            Meminfo {
                mem_total: kib(24_684_084),
                mem_free: kib(24_174_360),
                mem_available: kib(24_338_476),
                buffers: kib(2556),
                cached: kib(334_308),
                swap_total: kib(4),
                swap_free: kib(3),
                shmem: kib(8872),
                s_reclaimable: kib(86_496),
                s_unreclaim: kib(23_244),
                kernel_stack: kib(1424),
                page_tables: kib(1996),
                commit_limit: kib(12_342_040),
                committed_as: kib(59_532),
                percpu: Some(kib(688)),
                hardware_corrupted: Some(kib(12)),
                huge_pages: Some(HugePages {
                    total: 7,
                    free: 6,
                    reserved: 5,
                    surplus: 2,
                    size: kib(2048),
                    all: Some(kib(1_062_912)),
                }),
            }
        );
    }

    #[test]
    fn what_a_kernel_lacks_is_unknown() {
        let older: String = TEXT
            .lines()
            .filter(|line| !line.starts_with("Huge") && !line.starts_with("Percpu"))
            .map(|line| format!("{line}\n"))
            .collect();
        let meminfo = parse(older.as_bytes()).unwrap();
        assert_eq!((meminfo.percpu, meminfo.huge_pages), (None, None));
        assert_eq!(meminfo.page_tables, 1996 * 1024);
    }

    #[test]
    fn a_file_cut_before_its_last_figure_is_refused() {
        let whole = parse(TEXT.as_bytes()).unwrap();
        let end_of_required = TEXT.find("VmallocTotal").unwrap();
        for end in 0..TEXT.len() {
            match parse(&TEXT.as_bytes()[..end]) {
                Err(_) => {}
                Ok(cut) => {
                    assert!(end >= end_of_required, "cut at {end}");
                    let optional = Meminfo {
                        percpu: whole.percpu,
                        hardware_corrupted: whole.hardware_corrupted,
                        huge_pages: whole.huge_pages,
                        ..cut
                    };
                    assert_eq!(optional, whole, "cut at {end}");
                }
            }
        }
    }

    #[test]
    fn lines_that_are_no_numbers_are_refused() {
        for (good, bad) in [
            ("334308 kB", "many kB"),
            ("334308 kB", "334308"),
            ("334308 kB", "18014398509481984 kB"),
            ("  688 kB", "  688 MB"),
            ("Total:       7", "Total:       7 kB"),
            ("2048 kB", "-1 kB"),
        ] {
            assert!(
                parse(TEXT.replace(good, bad).as_bytes()).is_err(),
                "{bad:?}"
            );
        }
    }
}
