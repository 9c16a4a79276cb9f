//! `PROC/meminfo`: the machine's memory by use, one `Key: value kB` line for each figure.
//!
//! A file that lacks a required line is an error: a truncated file must not look like a machine
//! that uses less memory. The newest required line, `MemAvailable`, appeared in Linux 3.14.
//! `Percpu` appeared in 4.19 and `Hugetlb` in 4.16. The lines about hugetlb pages are either all
//! there or, on a kernel without hugetlbfs, all absent.

use crate::error::{ErrorCause, SourceError};
use crate::sys::linux::dir::Dir;
use crate::sys::linux::proc_root;
use crate::sys::linux::text::{decimal, key_value, kibibytes, whole_lines};

/// The lines that this crate uses. Sizes are in bytes.
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
    /// `None` before Linux 4.19.
    pub(crate) percpu: Option<u64>,
    /// `None` on a kernel that does not isolate faulty memory (`CONFIG_MEMORY_FAILURE`).
    pub(crate) hardware_corrupted: Option<u64>,
    /// `None` on a kernel without hugetlbfs.
    pub(crate) huge_pages: Option<HugePages>,
}

/// Hugetlb pages. Counts are numbers of pages of the default size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct HugePages {
    pub(crate) total: u64,
    pub(crate) free: u64,
    pub(crate) reserved: u64,
    pub(crate) surplus: u64,
    /// The default page size in bytes.
    pub(crate) size: u64,
    /// Bytes in hugetlb pages of all sizes; `None` before Linux 4.16.
    pub(crate) all_sizes: Option<u64>,
}

/// One bit for each required line.
const ALL_LINES: u16 = (1 << 14) - 1;
/// One bit for each line about hugetlb pages, except `Hugetlb`.
const ALL_HUGE_LINES: u8 = (1 << 5) - 1;

/// Parses the file.
pub(crate) fn parse(text: &[u8]) -> Result<Meminfo, &'static str> {
    if !text.ends_with(b"\n") {
        return Err("the file is truncated");
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
                meminfo.percpu =
                    Some(kibibytes(value).ok_or("the value of Percpu is not a number of kB")?);
                continue;
            }
            b"HardwareCorrupted" => {
                let bytes = kibibytes(value)
                    .ok_or("the value of HardwareCorrupted is not a number of kB")?;
                meminfo.hardware_corrupted = Some(bytes);
                continue;
            }
            _ => {
                seen_huge |= huge.parse_line(key, value)?;
                continue;
            }
        };
        *field = kibibytes(value).ok_or("a value is not a number of kB")?;
        seen |= 1 << bit;
    }
    if seen != ALL_LINES {
        return Err("a required line is missing");
    }
    meminfo.huge_pages = match seen_huge {
        0 => None,
        ALL_HUGE_LINES => Some(huge),
        _ => return Err("a line about huge pages is missing"),
    };
    Ok(meminfo)
}

impl HugePages {
    /// Parses a line about hugetlb pages and returns its bit in [`ALL_HUGE_LINES`]. Returns 0 for
    /// `Hugetlb`, which older kernels lack, and for all other lines.
    fn parse_line(&mut self, key: &[u8], value: &[u8]) -> Result<u8, &'static str> {
        let (bit, field, number) = match key {
            b"HugePages_Total" => (1, &mut self.total, decimal(value)),
            b"HugePages_Free" => (2, &mut self.free, decimal(value)),
            b"HugePages_Rsvd" => (4, &mut self.reserved, decimal(value)),
            b"HugePages_Surp" => (8, &mut self.surplus, decimal(value)),
            b"Hugepagesize" => (16, &mut self.size, kibibytes(value)),
            b"Hugetlb" => (0, self.all_sizes.insert(0), kibibytes(value)),
            _ => return Ok(0),
        };
        *field = number.ok_or("a value about huge pages is not a number")?;
        Ok(bit)
    }
}

/// Reads the file.
pub(crate) fn read(proc: &Dir, text: &mut Vec<u8>) -> Result<Meminfo, SourceError> {
    const FILE: &[u8] = b"meminfo";
    proc_root::read(proc, FILE, text)?;
    parse(text).map_err(|what| SourceError::new(proc.path_of(FILE), ErrorCause::Malformed(what)))
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
    fn parse_fills_every_field() {
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
                    all_sizes: Some(kib(1_062_912)),
                }),
            }
        );
    }

    #[test]
    fn absent_optional_lines_are_none() {
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
    fn truncated_file_lacks_only_optional_lines() {
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
    fn malformed_values_are_rejected() {
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
