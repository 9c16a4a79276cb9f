//! Facts about threads and processes that are known by id alone.

use std::sync::mpsc;
use std::thread;

#[cfg(target_os = "linux")]
use psapi::ErrorKind;
use psapi::System;
use testing::{Program, programs};

/// Returns the id of the calling thread.
fn thread_id() -> u32 {
    #[cfg(target_os = "linux")]
    return rustix::thread::gettid()
        .as_raw_nonzero()
        .get()
        .unsigned_abs();
    #[cfg(windows)]
    // SAFETY: the call has no preconditions.
    return unsafe { windows_sys::Win32::System::Threading::GetCurrentThreadId() };
}

#[test]
fn thread_name_ends_with_thread() {
    let (send_id, receive_id) = mpsc::channel();
    let (exit, wait_for_exit) = mpsc::channel::<()>();
    let body = move || {
        send_id.send(thread_id()).unwrap();
        let _ = wait_for_exit.recv();
    };
    let named = thread::Builder::new()
        .name("with blank".into())
        .spawn(body)
        .unwrap();
    let id = receive_id.recv().unwrap();
    let system = System::new();
    let name = || system.thread_name(std::process::id(), id).unwrap();
    assert_eq!(name().unwrap(), "with blank");

    drop(exit);
    named.join().unwrap();
    // The thread disappears a moment after `join` returns.
    testing::wait_until(|| name().is_none());
}

#[test]
fn lists_threads_until_they_end() {
    let child = Program::compile(programs::WAITS, &[]).start();
    let system = System::new();
    let ids = system.thread_ids(child.id()).unwrap();
    // On Linux, a program without threads has one, whose id is that of the process.
    #[cfg(target_os = "linux")]
    assert_eq!(ids, Some(vec![child.id().get()]));
    #[cfg(windows)]
    assert!(ids.is_some_and(|ids| !ids.is_empty()));

    let (send_id, receive_id) = mpsc::channel();
    let (exit, wait_for_exit) = mpsc::channel::<()>();
    let thread = thread::spawn(move || {
        send_id.send(thread_id()).unwrap();
        let _ = wait_for_exit.recv();
    });
    let id = receive_id.recv().unwrap();
    let own = || system.thread_ids(std::process::id()).unwrap().unwrap();
    let ids = own();
    assert!(ids.contains(&id));
    #[cfg(target_os = "linux")]
    assert!(ids.contains(&std::process::id()));
    assert!(ids.is_sorted(), "{ids:?}");
    drop(exit);
    thread.join().unwrap();
    testing::wait_until(|| !own().contains(&id));
}

#[test]
fn absent_process_has_no_threads() {
    let mut child = Program::compile(programs::WAITS, &[]).start();
    let id = child.id();
    child.reap();
    let system = System::new();
    assert_eq!(system.thread_name(id, id.get()).unwrap(), None);
    assert_eq!(system.thread_ids(id).unwrap(), None);
}

#[cfg(target_os = "linux")]
#[test]
fn absent_proc_root_is_an_error() {
    let system = System::builder().proc_root("/proc/none").build();
    let error = system.thread_name(1, 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Os, "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn untraced_thread_is_not_changed() {
    let child = Program::compile(programs::WAITS, &[]).start();
    let system = System::new();
    for (result, operation) in [
        (system.continue_traced_thread(child.id(), 0), "continue"),
        (
            system.keep_traced_thread_stopped(child.id()),
            "keep stopped",
        ),
    ] {
        let error = result.unwrap_err();
        let expected = Some(rustix::io::Errno::SRCH.raw_os_error());
        assert_eq!(error.raw_os_error(), expected, "{error}");
        let message = format!("cannot {operation} traced thread: ptrace");
        assert!(error.to_string().starts_with(&message), "{error}");
    }
}
