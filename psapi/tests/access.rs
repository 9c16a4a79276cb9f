//! What the caller may do with a process, against who it is.

mod support;

use std::process::Command;

use psapi::{Access, ProcessId, System};
use rustix::thread::CapabilitySet;
use support::child::Subject;
use support::privilege::{as_nobody, as_nobody_with, is_root, skip};

fn access(id: impl Into<ProcessId>) -> Access {
    System::new().process(id).unwrap().access().unwrap()
}

#[test]
fn the_caller_itself_may_all() {
    assert_eq!(access(std::process::id()), Access::all());
}

#[test]
fn what_may_be_done_takes_the_privileges_that_it_will_take() {
    if !is_root() {
        skip("needs root to be somebody with some capabilities");
        return;
    }
    let child = Subject::start(Command::new("sh").args(["-c", "echo; exec cat"]));
    let id = child.id();
    assert_eq!(access(id), Access::all());
    assert_eq!(as_nobody(|| access(id)), Access::empty());
    let traces = CapabilitySet::SYS_PTRACE;
    assert_eq!(as_nobody_with(traces, || access(id)), Access::READ);
    let both = traces | CapabilitySet::SYS_NICE;
    assert_eq!(as_nobody_with(both, || access(id)), Access::all());
}

#[test]
fn who_has_no_memory_is_asked_about_by_the_same_who_could_if_there_were_some() {
    if !is_root() {
        skip("needs root to become somebody else");
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
        skip("there is no kernel thread to ask");
    }
    for process in [Some(&ended), kernels.as_ref()].into_iter().flatten() {
        assert_eq!(process.access().unwrap(), Access::all());
        assert_eq!(as_nobody(|| process.access().unwrap()), Access::empty());
    }
    child.wait().unwrap();
}
