//! `PROC/PID/smaps`: how much of each mapping is in memory. Reading it makes the kernel walk all
//! page tables of the process.

use rustix::io::Errno;

use crate::error::{ErrorCause, SourceError};
use crate::sys::linux::dir::Dir;
use crate::sys::linux::proc::maps::{self, Vma};
use crate::sys::linux::text::{key_value, kibibytes, whole_lines};

/// The figures of one mapping that this crate uses. Sizes are in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Smaps {
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// `KernelPageSize`: the size of the mapping's pages.
    pub(crate) page_size: u64,
    /// `Rss`: pages in memory, without hugetlb pages.
    pub(crate) rss: u64,
    /// The part of `rss` that is mapped more than once.
    pub(crate) shared: u64,
    /// The part of `rss` that no file backs.
    pub(crate) anonymous: u64,
    pub(crate) swap: u64,
    /// Memory mapped as huge pages of any kind except hugetlb.
    pub(crate) huge: u64,
    /// Whether the mapping is locked in memory: `lo` in `VmFlags`.
    pub(crate) locked: bool,
    /// Whether the mapping consists of hugetlb pages: `ht`.
    pub(crate) hugetlb: bool,
    /// Whether the mapping is memory of a device or of the kernel: `pf`, `io`.
    pub(crate) device: bool,
}

/// Parses the file. Leaves out a mapping whose lines are cut off.
pub(crate) fn parse(text: &[u8]) -> Result<Vec<Smaps>, &'static str> {
    let mut mappings: Vec<Smaps> = Vec::new();
    let mut open: Option<Smaps> = None;
    for line in whole_lines(text) {
        if let Some((Vma { start, end, .. }, _)) = maps::parse_line(line) {
            let reached = mappings.last().map_or(0, |last| last.end);
            // The list can change between two reads of the file. Skip mappings out of order.
            open = (start >= reached).then_some(Smaps {
                start,
                end,
                page_size: 0,
                rss: 0,
                shared: 0,
                anonymous: 0,
                swap: 0,
                huge: 0,
                locked: false,
                hugetlb: false,
                device: false,
            });
            continue;
        }
        let (Some(mapping), Some((key, value))) = (&mut open, key_value(line)) else {
            continue;
        };
        let bytes = || kibibytes(value).ok_or("invalid size in kB");
        match key {
            b"KernelPageSize" => mapping.page_size = bytes()?,
            b"Rss" => mapping.rss = bytes()?,
            b"Shared_Clean" | b"Shared_Dirty" => {
                mapping.shared = mapping.shared.saturating_add(bytes()?);
            }
            b"Anonymous" => mapping.anonymous = bytes()?,
            b"Swap" => mapping.swap = bytes()?,
            b"AnonHugePages" | b"ShmemPmdMapped" | b"FilePmdMapped" => {
                mapping.huge = mapping.huge.saturating_add(bytes()?);
            }
            b"VmFlags" => {
                let has = |flag: &[u8]| value.split(|&byte| byte == b' ').any(|it| it == flag);
                mapping.locked = has(b"lo");
                mapping.hugetlb = has(b"ht");
                mapping.device = has(b"pf") || has(b"io");
                // `VmFlags` is the last line of a mapping.
                mappings.extend(open.take());
            }
            _ => {}
        }
    }
    Ok(mappings)
}

/// Reads the file of a pinned process. Fails with `ESRCH` if the process has no address space.
pub(crate) fn read(process: &Dir) -> Result<Vec<Smaps>, SourceError> {
    const FILE: &[u8] = b"smaps";
    let mut text = Vec::new();
    process.read(FILE, &mut text)?;
    if text.is_empty() {
        return Err(process.error_at(FILE, Errno::SRCH));
    }
    parse(&text)
        .map_err(|reason| SourceError::new(process.path_of(FILE), ErrorCause::Malformed(reason)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &[u8] = b"\
55e5e1400000-55e5e1421000 rw-p 00000000 00:00 0                          [heap]\n\
Size:                132 kB\nKernelPageSize:        4 kB\nMMUPageSize:           4 kB\n\
Rss:                  12 kB\nPss:                  12 kB\nShared_Clean:          1 kB\n\
Shared_Dirty:          2 kB\nAnonymous:             4 kB\nAnonHugePages:         0 kB\n\
ShmemPmdMapped:        0 kB\nFilePmdMapped:         0 kB\nSwap:                  8 kB\n\
THPeligible:           0\nVmFlags: rd wr mr mw me ac lo \n\
7f0000000000-7f0000400000 rw-s 00000000 00:0f 5 /a Rss:  9 kB\n\
Size:               4096 kB\nKernelPageSize:     2048 kB\nRss:                4096 kB\n\
AnonHugePages:      2048 kB\nShmemPmdMapped:     2048 kB\nVmFlags: rd wr io ht \n";

    #[test]
    fn parses_figures_of_each_mapping() {
        let heap = Smaps {
            start: 0x55e5e1400000,
            end: 0x55e5e1421000,
            page_size: 4096,
            rss: 12 << 10,
            shared: 3 << 10,
            anonymous: 4 << 10,
            swap: 8 << 10,
            huge: 0,
            locked: true,
            hugetlb: false,
            device: false,
        };
        let shared = Smaps {
            start: 0x7f0000000000,
            end: 0x7f0000400000,
            page_size: 2 << 20,
            rss: 4 << 20,
            shared: 0,
            anonymous: 0,
            swap: 0,
            huge: 4 << 20,
            locked: false,
            hugetlb: true,
            device: true,
        };
        assert_eq!(parse(TWO), Ok(vec![heap, shared]));
    }

    #[test]
    fn skips_truncated_and_unordered_mappings() {
        assert_eq!(parse(b""), Ok(vec![]));
        assert_eq!(parse(&TWO[..TWO.len() - 1]).unwrap().len(), 1);
        assert_eq!(parse(&TWO[90..]).unwrap().len(), 1);
        let twice = [TWO, TWO].concat();
        assert_eq!(parse(&twice).unwrap().len(), 2);
        assert!(parse(b"1000-2000 rw-p 0 00:00 0 \nRss: many kB\n").is_err());
    }
}
