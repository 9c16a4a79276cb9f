//! `PROC/PID/smaps_rollup` (Linux 4.14): the sums of `smaps` over all mappings of a process.
//!
//! The figures are exact, but the kernel walks the page tables of the whole process for each read.
//! The `Pss_TYPE` lines appeared in Linux 5.3, and `FilePmdMapped` in 5.4. All lines that this
//! crate does not require are `Option`. A file that lacks a required line is an error, because it
//! was truncated.

use rustix::io::Errno;

use crate::error::{ErrorCause, SourceError};
use crate::sys::linux::dir::Dir;
use crate::sys::linux::text::{key_value, kibibytes, whole_lines};

/// The figures of the file in bytes. `None` means that the kernel lacks the line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SmapsRollup {
    pub(crate) rss: u64,
    pub(crate) pss: u64,
    pub(crate) pss_anon: Option<u64>,
    pub(crate) pss_file: Option<u64>,
    pub(crate) pss_shmem: Option<u64>,
    pub(crate) shared_clean: u64,
    pub(crate) shared_dirty: u64,
    pub(crate) private_clean: u64,
    pub(crate) private_dirty: u64,
    pub(crate) referenced: u64,
    pub(crate) anonymous: u64,
    pub(crate) lazy_free: Option<u64>,
    pub(crate) anon_huge_pages: u64,
    pub(crate) shmem_pmd_mapped: Option<u64>,
    pub(crate) file_pmd_mapped: Option<u64>,
    pub(crate) shared_hugetlb: Option<u64>,
    pub(crate) private_hugetlb: Option<u64>,
    pub(crate) swap: u64,
    pub(crate) swap_pss: u64,
    pub(crate) locked: u64,
}

/// Parses the file. Returns `None` for an empty file: the process has no user address space.
pub(crate) fn parse(text: &[u8]) -> Result<Option<SmapsRollup>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    let mut rollup = SmapsRollup::default();
    let mut seen = 0u16;
    // The first line is the address range, marked [rollup].
    for (key, value) in whole_lines(text).skip(1).filter_map(key_value) {
        let bytes = kibibytes(value).ok_or("a value is not a number of kB");
        let (bit, field) = match key {
            b"Rss" => (0, &mut rollup.rss),
            b"Pss" => (1, &mut rollup.pss),
            b"Shared_Clean" => (2, &mut rollup.shared_clean),
            b"Shared_Dirty" => (3, &mut rollup.shared_dirty),
            b"Private_Clean" => (4, &mut rollup.private_clean),
            b"Private_Dirty" => (5, &mut rollup.private_dirty),
            b"Referenced" => (6, &mut rollup.referenced),
            b"Anonymous" => (7, &mut rollup.anonymous),
            b"AnonHugePages" => (8, &mut rollup.anon_huge_pages),
            b"Swap" => (9, &mut rollup.swap),
            b"SwapPss" => (10, &mut rollup.swap_pss),
            b"Locked" => (11, &mut rollup.locked),
            optional => {
                let field = match optional {
                    b"Pss_Anon" => &mut rollup.pss_anon,
                    b"Pss_File" => &mut rollup.pss_file,
                    b"Pss_Shmem" => &mut rollup.pss_shmem,
                    b"LazyFree" => &mut rollup.lazy_free,
                    b"ShmemPmdMapped" => &mut rollup.shmem_pmd_mapped,
                    b"FilePmdMapped" => &mut rollup.file_pmd_mapped,
                    b"Shared_Hugetlb" => &mut rollup.shared_hugetlb,
                    b"Private_Hugetlb" => &mut rollup.private_hugetlb,
                    _ => continue,
                };
                *field = Some(bytes?);
                continue;
            }
        };
        *field = bytes?;
        seen |= 1 << bit;
    }
    // Every kernel so far writes `Locked` last, so this also detects a truncated file.
    if seen == (1 << 12) - 1 {
        Ok(Some(rollup))
    } else {
        Err("a required line is missing")
    }
}

/// Reads the file of a pinned process.
pub(crate) fn read(process: &Dir, text: &mut Vec<u8>) -> Result<SmapsRollup, SourceError> {
    const FILE: &[u8] = b"smaps_rollup";
    process.read(FILE, text)?;
    let parsed = parse(text)
        .map_err(|what| SourceError::new(process.path_of(FILE), ErrorCause::Malformed(what)))?;
    parsed.ok_or_else(|| process.error_at(FILE, Errno::SRCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "55d0-7ffe ---p 00000000 00:00 0    [rollup]\nRss: 20 kB\nPss: 11 kB\n\
Pss_Dirty: 5 kB\nPss_Anon: 4 kB\nPss_File: 6 kB\nPss_Shmem: 1 kB\nShared_Clean: 8 kB\n\
Shared_Dirty: 0 kB\nPrivate_Clean: 4 kB\nPrivate_Dirty: 8 kB\nReferenced: 19 kB\n\
Anonymous: 7 kB\nKSM: 0 kB\nLazyFree: 0 kB\nAnonHugePages: 2048 kB\nShmemPmdMapped: 0 kB\n\
FilePmdMapped: 0 kB\nShared_Hugetlb: 4096 kB\nPrivate_Hugetlb: 2048 kB\nSwap: 3 kB\n\
SwapPss: 2 kB\nLocked: 1 kB\n";

    #[test]
    fn parse_fills_the_fields() {
        let rollup = parse(TEXT.as_bytes()).unwrap().unwrap();
        assert_eq!((rollup.rss, rollup.pss), (20 * 1024, 11 * 1024));
        assert_eq!(
            (rollup.private_clean, rollup.private_dirty),
            (4 * 1024, 8 * 1024)
        );
        assert_eq!(rollup.private_hugetlb, Some(2048 * 1024));
        assert_eq!(
            (rollup.swap, rollup.swap_pss, rollup.locked),
            (3 * 1024, 2 * 1024, 1024)
        );
        assert_eq!(rollup.pss_file, Some(6 * 1024));
    }

    #[test]
    fn empty_file_means_no_address_space() {
        assert_eq!(parse(b""), Ok(None));
    }

    #[test]
    fn truncated_file_is_rejected() {
        for end in 1..TEXT.len() {
            assert!(parse(&TEXT.as_bytes()[..end]).is_err(), "cut at {end}");
        }
    }
}
