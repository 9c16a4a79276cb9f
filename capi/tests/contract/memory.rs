//! `GetProcessMemoryInfo`.

use std::ptr::null_mut;

use crate::api::*;
use crate::support::child::Program;
use crate::support::rollup::lag;

/// Has what it says: 64 MiB of private memory, half of it touched, 8 MiB of shared memory.
const HOLDS: &str = r#"
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
int main(void) {
    char *p = mmap(0, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *s = mmap(0, 8 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    madvise(p, 64 << 20, MADV_NOHUGEPAGE);
    memset(p, 1, 32 << 20);
    memset(s, 1, 8 << 20);
    puts("."); fflush(stdout); getchar();
}"#;

/// The structure, word by word.
fn information(handle: Handle, words: usize) -> Vec<u64> {
    let mut room = vec![u64::MAX; 16];
    done(|api| (api.GetProcessMemoryInfo)(handle, room.as_mut_ptr(), (8 * words) as u32));
    room
}

fn status(id: impl std::fmt::Display, key: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(key)).unwrap();
    1024 * line
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
}

#[test]
fn get_process_memory_info_tells_what_the_process_has() {
    let program = Program::compile(HOLDS, &[]);
    let subject = program.start();
    subject.settle();
    let id = subject.id();
    let open = Opened::new(LIMITED, id.get());
    let words = information(open.0, 12);
    assert_eq!(words[0] as u32, 96);
    assert_eq!(words[2], status(id, "VmRSS:"));
    assert!(words[2] + lag() >= 40 << 20);
    assert!(words[1] >= words[2], "the peak");
    assert_eq!(words[4], 0, "Linux pages no kernel memory");
    let stacks = words[6] - status(id, "VmPTE:");
    assert!((8 << 10..=64 << 10).contains(&stacks), "{stacks}");
    let commit = status(id, "VmData:") + status(id, "VmStk:");
    assert_eq!(words[7..10], [commit; 3], "commit, its peak, and again");
    assert!(commit >= 64 << 20);
    assert_eq!(words[10], status(id, "RssAnon:"));
    assert!(((32 << 20) - lag()..34 << 20).contains(&words[10]));
    assert_eq!(words[11], status(id, "RssShmem:"));
    assert!(((8 << 20) - lag()..=8 << 20).contains(&words[11]));
    let faults = (words[0] >> 32) as u32;
    // 4 KiB pages of private memory, at least.
    assert!(faults > 32 << 8, "{faults}");
}

#[test]
fn get_process_memory_info_fills_the_largest_structure_that_fits() {
    let open = Opened::new(LIMITED, std::process::id());
    for (cb, filled) in [(72, 72), (76, 72), (80, 80), (95, 80), (96, 96), (104, 96)] {
        let mut room = [u64::MAX; 16];
        done(|api| (api.GetProcessMemoryInfo)(open.0, room.as_mut_ptr(), cb));
        assert_eq!(room[0] as u32, filled);
        let filled = filled as usize / 8;
        assert!(room[filled..].iter().all(|&word| word == u64::MAX), "{cb}");
        assert!(room[..filled].iter().all(|&word| word != u64::MAX), "{cb}");
    }
}

#[test]
fn get_process_memory_info_insufficient_buffer_below_the_first_structure() {
    let open = Opened::new(LIMITED, std::process::id());
    let mut room = [u64::MAX; 16];
    for cb in [0, 4, 71] {
        for to in [room.as_mut_ptr(), null_mut()] {
            let code = failed(|api| (api.GetProcessMemoryInfo)(open.0, to, cb));
            assert_eq!(code, INSUFFICIENT_BUFFER);
        }
    }
    assert_eq!(room, [u64::MAX; 16]);
}

#[test]
fn get_process_memory_info_noaccess() {
    let open = Opened::new(LIMITED, std::process::id());
    for to in [null_mut(), nowhere(), read_only()] {
        let code = failed(|api| (api.GetProcessMemoryInfo)(open.0, to, 72));
        assert_eq!(code, NOACCESS);
    }
}

#[test]
fn get_process_memory_info_needs_the_limited_right() {
    let open = Opened::new(VM_READ | SET_QUOTA, std::process::id());
    let code = failed(|api| (api.GetProcessMemoryInfo)(open.0, null_mut(), 0));
    assert_eq!(code, ACCESS_DENIED);
    let code = failed(|api| (api.GetProcessMemoryInfo)(null_mut(), null_mut(), 0));
    assert_eq!(code, INVALID_HANDLE);
}

#[test]
fn a_process_that_has_ended_gen_failure_for_its_counters() {
    let program = Program::compile(HOLDS, &[]);
    let mut subject = program.start();
    let open = Opened::new(LIMITED, subject.id().get());
    subject.kill();
    for reaped in [false, true] {
        if reaped {
            subject.reap();
        }
        let code = failed(|api| (api.GetProcessMemoryInfo)(open.0, [0; 12].as_mut_ptr(), 72));
        assert_eq!(code, GEN_FAILURE, "reaped: {reaped}");
    }
}
