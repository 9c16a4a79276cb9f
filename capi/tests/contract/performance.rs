//! `GetPerformanceInfo`.

use std::ptr::null_mut;

use crate::api::*;

/// The size of `PERFORMANCE_INFORMATION`.
const SIZE: u32 = if WORD == 8 { 104 } else { 56 };

/// Its number of fields as wide as an address. The last ones are three numbers of 32 bits.
const FIELDS: usize = SIZE as usize / WORD;

/// Returns a field of `/proc/meminfo` in bytes.
#[cfg(target_os = "linux")]
fn meminfo(key: &str) -> usize {
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap();
    let line = meminfo.lines().find(|line| line.starts_with(key)).unwrap();
    1024 * line
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<usize>()
        .unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn figures_match_meminfo_in_pages() {
    let mut fields = [usize::MAX; FIELDS];
    succeed(|api| (api.GetPerformanceInfo)(fields.as_mut_ptr(), SIZE));
    assert_eq!(fields[0] as u32, 104);
    let page = fields[10];
    assert_eq!(page, rustix::param::page_size());
    assert_eq!(fields[4], meminfo("MemTotal:") / page);
    // These figures change between the two reads.
    let near = |pages: usize, bytes: usize| pages.abs_diff(bytes / page) < (512 << 20) / page;
    assert!(near(fields[1], meminfo("Committed_AS:")));
    assert!(near(fields[5], meminfo("MemAvailable:")));
    let cache = meminfo("Buffers:") + meminfo("Cached:") + meminfo("SReclaimable:");
    assert!(near(fields[6], cache));
    assert_eq!(
        fields[7],
        fields[8] + fields[9],
        "kernel memory is paged plus nonpaged"
    );
    assert!(near(fields[8], meminfo("SReclaimable:")));
    let (handles, processes) = (fields[11] as u32, fields[11] >> 32);
    assert!(handles > 0);
    assert!((2..100_000).contains(&processes));
    assert!(
        fields[12] as u32 as usize >= processes,
        "each process has a thread"
    );
}

/// Programs compute the size of the page files as the commit limit minus the physical memory.
#[cfg(target_os = "linux")]
#[test]
fn commit_limit_includes_page_files() {
    let mode = std::fs::read_to_string("/proc/sys/vm/overcommit_memory").unwrap_or_default();
    // Other tests add page files, so retry until the two sources agree. A wrong figure never does.
    let mut last = None;
    for _ in 0..500 {
        let mut fields = [0; FIELDS];
        succeed(|api| (api.GetPerformanceInfo)(fields.as_mut_ptr(), SIZE));
        let [_, total, limit, _, physical, .., page, _, _] = fields;
        assert!(limit >= total, "{limit} pages of {total}");
        let expected = match mode.trim() {
            "2" => meminfo("CommitLimit:") / page,
            _ => physical + meminfo("SwapTotal:") / page,
        };
        if limit == expected.max(total) {
            return;
        }
        last = Some((limit, expected));
    }
    panic!("{last:?}");
}

/// The kernel keeps no peak. The library reports the highest commit charge that it has read.
#[test]
fn commit_peak_does_not_decrease() {
    let commit = || {
        let mut fields = [0; FIELDS];
        succeed(|api| (api.GetPerformanceInfo)(fields.as_mut_ptr(), SIZE));
        (fields[1], fields[3])
    };
    let size = 256 << 20;
    let memory = vec![1u8; size];
    let (high, peak) = commit();
    assert!(peak >= high);
    drop(memory);
    let (low, later) = commit();
    // Wine reports no peak.
    let least = if cfg!(windows) { low } else { high };
    assert!(later >= least.max(low));
}

#[test]
fn short_buffer_is_bad_length() {
    let mut fields = [usize::MAX; FIELDS];
    for cb in [0, 4, SIZE - 1] {
        for pointer in [fields.as_mut_ptr(), null_mut()] {
            let code = fail(|api| (api.GetPerformanceInfo)(pointer, cb));
            assert_eq!(code, BAD_LENGTH);
        }
    }
    assert_eq!(fields, [usize::MAX; FIELDS]);
}

#[test]
fn rejects_unwritable_memory() {
    for pointer in [null_mut(), unmapped(), read_only()] {
        assert_eq!(
            fail(|api| (api.GetPerformanceInfo)(pointer, SIZE)),
            NOACCESS
        );
    }
}
