//! `PROC/PID/smaps`: what is in memory of each mapping, at the price of a walk through the page
//! tables of the process.

use rustix::io::Errno;

use super::file::Directory;
use super::maps::{self, Vma};
use super::text::{key_value, kibibytes, whole_lines};
use crate::error::{Cause, Refusal};

/// What this project uses of a mapping's lines; sizes in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Smaps {
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// The size of its pages.
    pub(crate) page_size: u64,
    /// Hugetlb pages are not in it.
    pub(crate) rss: u64,
    /// Of that, pages that are mapped more than once.
    pub(crate) shared: u64,
    /// Of that, pages that are of no file.
    pub(crate) anonymous: u64,
    pub(crate) swap: u64,
    /// Mapped as huge pages, of whatever kind but hugetlb.
    pub(crate) huge: u64,
    /// Whether it may not leave memory: `lo` of `VmFlags`.
    pub(crate) locked: bool,
    /// Whether it is of hugetlb pages: `ht`.
    pub(crate) hugetlb: bool,
    /// Whether it is of a device's memory, or of the kernel's: `pf`, `io`.
    pub(crate) device: bool,
}

/// Parses the file. A mapping that is cut off is left out.
pub(crate) fn parse(text: &[u8]) -> Result<Vec<Smaps>, &'static str> {
    let mut mappings: Vec<Smaps> = Vec::new();
    let mut open: Option<Smaps> = None;
    for line in whole_lines(text) {
        if let Some((Vma { start, end, .. }, _)) = maps::parse_line(line) {
            let reached = mappings.last().map_or(0, |last| last.end);
            // The list may change while it is read; what does not ascend is left out.
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
        let bytes = || kibibytes(value).ok_or("a line is no number of kB");
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
                // The last of its lines.
                mappings.extend(open.take());
            }
            _ => {}
        }
    }
    Ok(mappings)
}

/// Reads the file of a pinned process. One without an address space is refused as "no such
/// process".
pub(crate) fn read(process: &Directory) -> Result<Vec<Smaps>, Refusal> {
    const FILE: &[u8] = b"smaps";
    let mut text = Vec::new();
    process.read(FILE, &mut text)?;
    if text.is_empty() {
        return Err(process.refusal(FILE, Errno::SRCH));
    }
    parse(&text).map_err(|what| Refusal::new(process.path_of(FILE), Cause::Malformed(what)))
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
    fn each_mapping_has_its_own_figures() {
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
    fn what_is_cut_off_or_out_of_order_is_left_out() {
        assert_eq!(parse(b""), Ok(vec![]));
        assert_eq!(parse(&TWO[..TWO.len() - 1]).unwrap().len(), 1);
        assert_eq!(parse(&TWO[90..]).unwrap().len(), 1);
        let twice = [TWO, TWO].concat();
        assert_eq!(parse(&twice).unwrap().len(), 2);
        assert!(parse(b"1000-2000 rw-p 0 00:00 0 \nRss: many kB\n").is_err());
    }
}
