//! `GetProcessMemoryInfo`.

use std::ptr::null_mut;

use crate::api::*;

#[cfg(target_os = "linux")]
use testing::rollup::lag;
use testing::{Program, programs, skip};

/// Returns a buffer of fields after a call that can write the first `count` of them.
#[cfg(target_os = "linux")]
fn information(handle: Handle, count: usize) -> Vec<usize> {
    let mut buffer = vec![usize::MAX; 16];
    succeed(|api| (api.GetProcessMemoryInfo)(handle, buffer.as_mut_ptr(), (8 * count) as u32));
    buffer
}

/// Returns a field of `/proc/PID/status` in bytes.
#[cfg(target_os = "linux")]
fn status(id: impl std::fmt::Display, key: &str) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(key)).unwrap();
    1024 * line
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<usize>()
        .unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn counters_match_proc_status() {
    let program = Program::compile(programs::HOLDS_MEMORY, &[]);
    let process = program.start();
    process.wait_for_sleep();
    let id = process.id();
    let open = OpenHandle::new(LIMITED, id.get());
    let fields = information(open.0, 12);
    let lag = lag() as usize;
    assert_eq!(fields[0] as u32, 96);
    assert_eq!(fields[2], status(id, "VmRSS:"));
    assert!(fields[2] + lag >= 40 << 20);
    assert!(fields[1] >= fields[2], "the peak is below the current size");
    assert_eq!(fields[4], 0, "Linux has no paged kernel memory");
    let stacks = fields[6] - status(id, "VmPTE:");
    assert!((8 << 10..=64 << 10).contains(&stacks), "{stacks}");
    let commit = status(id, "VmData:") + status(id, "VmStk:");
    assert_eq!(
        fields[7..10],
        [commit; 3],
        "the commit charge, its peak, and the private usage"
    );
    assert!(commit >= 64 << 20);
    assert_eq!(fields[10], status(id, "RssAnon:"));
    assert!(((32 << 20) - lag..34 << 20).contains(&fields[10]));
    assert_eq!(fields[11], status(id, "RssShmem:"));
    assert!(((8 << 20) - lag..=8 << 20).contains(&fields[11]));
    let faults = (fields[0] >> 32) as u32;
    // At least one fault for each private 4 KiB page.
    assert!(faults > 32 << 8, "{faults}");
}

/// The kernel keeps no peak. The library reports the highest value that it has read, even if no
/// handle was open in between.
#[cfg(target_os = "linux")]
#[test]
fn peak_commit_does_not_decrease() {
    let program = Program::compile(programs::MEMORY_STEPS, &[]);
    let mut process = program.start();
    let id = process.id();
    let read = || {
        let fields = information(OpenHandle::new(LIMITED, id.get()).0, 9);
        let commit = status(id, "VmData:") + status(id, "VmStk:");
        assert_eq!(fields[7], commit);
        (commit, fields[8], fields[5])
    };
    assert_eq!(process.line, "start");
    let mut highest = read();
    while process.line != "released" {
        process.resume();
        let (commit, peak, nonpaged) = read();
        assert_eq!(peak, highest.1.max(commit), "{}", process.line);
        assert!(nonpaged >= highest.2, "{}", process.line);
        highest = (commit, peak, nonpaged);
    }
    // The program has freed 64 MiB.
    assert!(highest.1 >= highest.0 + (64 << 20), "{highest:?}");
}

/// The sizes of `PROCESS_MEMORY_COUNTERS`, `_EX` and `_EX2`.
const SIZES: [u32; 3] = if WORD == 8 {
    [72, 80, 96]
} else {
    [40, 44, 56]
};

#[test]
fn fills_largest_fitting_structure() {
    let open = OpenHandle::new(LIMITED, std::process::id());
    let [small, ex, ex2] = SIZES;
    let sizes = [
        (small, small),
        (small + 1, small),
        (ex, ex),
        (ex2 - 1, ex),
        (ex2, ex2),
        (ex2 + 8, ex2),
    ];
    for (cb, filled) in sizes {
        let mut buffer = [usize::MAX; 16];
        succeed(|api| (api.GetProcessMemoryInfo)(open.0, buffer.as_mut_ptr(), cb));
        if buffer[0] as u32 == ex && filled == ex2 && cfg!(windows) {
            skip("this version of Windows lacks PROCESS_MEMORY_COUNTERS_EX2");
            continue;
        }
        assert_eq!(buffer[0] as u32, filled);
        let filled = filled as usize / WORD;
        assert!(
            buffer[filled..].iter().all(|&field| field == usize::MAX),
            "{cb}"
        );
        assert!(
            buffer[..filled].iter().all(|&field| field != usize::MAX),
            "{cb}"
        );
    }
}

#[test]
fn rejects_short_buffer() {
    let open = OpenHandle::new(LIMITED, std::process::id());
    let mut buffer = [usize::MAX; 16];
    for cb in [0, 4, SIZES[0] - 1] {
        for pointer in [buffer.as_mut_ptr(), null_mut()] {
            let code = fail(|api| (api.GetProcessMemoryInfo)(open.0, pointer, cb));
            assert_eq!(code, INSUFFICIENT_BUFFER);
        }
    }
    assert_eq!(buffer, [usize::MAX; 16]);
}

#[test]
fn rejects_unwritable_memory() {
    let open = OpenHandle::new(LIMITED, std::process::id());
    for pointer in [null_mut(), unmapped(), read_only()] {
        let code = fail(|api| (api.GetProcessMemoryInfo)(open.0, pointer, SIZES[0]));
        assert_eq!(code, NOACCESS);
    }
}

#[test]
fn requires_limited_right() {
    let open = OpenHandle::new(VM_READ | SET_QUOTA, std::process::id());
    let code = fail(|api| (api.GetProcessMemoryInfo)(open.0, null_mut(), 0));
    assert_eq!(code, ACCESS_DENIED);
    let code = fail(|api| (api.GetProcessMemoryInfo)(null_mut(), null_mut(), 0));
    assert_eq!(code, INVALID_HANDLE);
}

#[test]
fn exited_process_is_gen_failure() {
    let program = Program::compile(programs::WAITS, &[]);
    let mut process = program.start();
    let open = OpenHandle::new(LIMITED, process.id().get());
    process.kill();
    for reaped in [false, true] {
        if reaped {
            process.reap();
        }
        let code = fail(|api| (api.GetProcessMemoryInfo)(open.0, [0; 12].as_mut_ptr(), SIZES[0]));
        assert_eq!(code, GEN_FAILURE, "reaped: {reaped}");
    }
}
