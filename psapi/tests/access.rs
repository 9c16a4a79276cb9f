//! Checks of the caller's access to a process, as root, as `nobody` and with single capabilities.

#[cfg(target_os = "linux")]
use std::process::Command;

use psapi::{Access, ProcessId, System};
#[cfg(target_os = "linux")]
use rustix::thread::CapabilitySet;

#[cfg(target_os = "linux")]
use testing::privilege::{is_root, unprivileged, with_capabilities};
use testing::{Program, programs};
#[cfg(target_os = "linux")]
use testing::{TestProcess, skip};

fn access(id: impl Into<ProcessId>) -> Access {
    System::new().process(id).unwrap().access().unwrap()
}

#[test]
fn own_process_grants_all_access() {
    assert_eq!(access(std::process::id()), Access::all());
}

#[test]
fn access_outlives_the_process() {
    let mut child = Program::compile(programs::WAITS, &[]).start();
    let process = System::new().process(child.id()).unwrap();
    let before = process.access().unwrap();
    // The caller owns the child.
    assert!(before.contains(Access::READ | Access::TERMINATE));
    child.kill();
    // The kernel no longer denies what it cannot do, such as emptying.
    assert!(process.access().unwrap().contains(before));
}

#[cfg(target_os = "linux")]
#[test]
fn access_follows_capabilities() {
    if !is_root() {
        skip("needs root to choose capabilities");
        return;
    }
    let child = TestProcess::start(Command::new("sh").args(["-c", "echo; exec cat"]));
    let id = child.id();
    assert_eq!(access(id), Access::all());
    assert_eq!(unprivileged(|| access(id)), Access::empty());
    let traces = CapabilitySet::SYS_PTRACE;
    assert_eq!(with_capabilities(traces, || access(id)), Access::READ);
    let both = traces | CapabilitySet::SYS_NICE;
    let without_kill = Access::READ | Access::EMPTY;
    assert_eq!(with_capabilities(both, || access(id)), without_kill);
    let kills = CapabilitySet::KILL;
    assert_eq!(with_capabilities(kills, || access(id)), Access::TERMINATE);
    let all = both | kills;
    assert_eq!(with_capabilities(all, || access(id)), Access::all());
}

/// A zombie and a kernel thread have no memory, but the same rights are checked.
#[cfg(target_os = "linux")]
#[test]
fn access_without_memory_follows_privileges() {
    if !is_root() {
        skip("needs root to change the user");
        return;
    }
    let mut child = Command::new("true").spawn().unwrap();
    let ended = System::new().process(child.id()).unwrap();
    while !ended.has_ended().unwrap() {
        std::thread::yield_now();
    }
    let kernels = System::new().process(2).ok().filter(|process| {
        let status = process.status(psapi::Fields::STAT).unwrap();
        status.kernel_thread == Some(true)
    });
    if kernels.is_none() {
        skip("no kernel threads in this pid namespace");
    }
    for process in [Some(&ended), kernels.as_ref()].into_iter().flatten() {
        assert_eq!(process.access().unwrap(), Access::all());
        assert_eq!(unprivileged(|| process.access().unwrap()), Access::empty());
    }
    child.wait().unwrap();
}
