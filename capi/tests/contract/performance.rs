//! `GetPerformanceInfo`.

use std::ptr::null_mut;

use crate::api::*;

fn meminfo(key: &str) -> u64 {
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap();
    let line = meminfo.lines().find(|line| line.starts_with(key)).unwrap();
    1024 * line
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
}

#[test]
fn get_performance_info_tells_the_machine_in_pages() {
    let mut words = [u64::MAX; 13];
    done(|api| (api.GetPerformanceInfo)(words.as_mut_ptr(), 104));
    assert_eq!(words[0] as u32, 104);
    let page = words[10];
    assert_eq!(page, rustix::param::page_size() as u64);
    assert_eq!(words[4], meminfo("MemTotal:") / page);
    assert_eq!(words[2], meminfo("CommitLimit:") / page);
    // These go up and down meanwhile.
    let near = |pages: u64, bytes: u64| pages.abs_diff(bytes / page) < (512 << 20) / page;
    assert!(near(words[1], meminfo("Committed_AS:")));
    assert!(near(words[5], meminfo("MemAvailable:")));
    let cache = meminfo("Buffers:") + meminfo("Cached:") + meminfo("SReclaimable:");
    assert!(near(words[6], cache));
    assert_eq!(words[7], words[8] + words[9], "the kernel's memory");
    assert!(near(words[8], meminfo("SReclaimable:")));
    let (handles, processes) = (words[11] as u32, words[11] >> 32);
    assert!(handles > 0);
    assert!((2..100_000).contains(&processes));
    assert!(words[12] as u32 as u64 >= processes, "threads");
}

#[test]
fn commit_peak_is_the_highest_that_this_process_has_seen() {
    let commit = || {
        let mut words = [0; 13];
        done(|api| (api.GetPerformanceInfo)(words.as_mut_ptr(), 104));
        (words[1], words[3])
    };
    let size = 256 << 20;
    let memory = vec![1u8; size];
    let (high, peak) = commit();
    assert!(peak >= high);
    drop(memory);
    let (low, later) = commit();
    assert!(later >= high.max(low));
}

#[test]
fn get_performance_info_bad_length_for_a_short_buffer() {
    let mut words = [u64::MAX; 13];
    for cb in [0, 4, 103] {
        for to in [words.as_mut_ptr(), null_mut()] {
            let code = failed(|api| (api.GetPerformanceInfo)(to, cb));
            assert_eq!(code, BAD_LENGTH);
        }
    }
    assert_eq!(words, [u64::MAX; 13]);
}

#[test]
fn get_performance_info_noaccess() {
    for to in [null_mut(), nowhere(), read_only()] {
        assert_eq!(failed(|api| (api.GetPerformanceInfo)(to, 104)), NOACCESS);
    }
}
