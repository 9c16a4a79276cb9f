//! The library in forked children: handles, the pseudo handle, watches, and locks held by other
//! threads.

use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::api::*;

use testing::privilege::is_root;
use testing::skip;

/// Runs a check in a forked child, which has a single thread.
#[track_caller]
fn in_child(check: impl FnOnce() -> bool) {
    // SAFETY: `in_child_of` runs only the check in the child.
    in_child_of(|| unsafe { libc::fork() }, check);
}

/// Like [`in_child`], with a function that forks.
#[track_caller]
fn in_child_of(fork: impl FnOnce() -> libc::pid_t, check: impl FnOnce() -> bool) {
    // SAFETY: the child runs only the check, whose calls this file tests after `fork`. `_exit`
    // skips exit handlers.
    let status = unsafe {
        match fork() {
            0 => {
                // Turns a deadlock into a failure.
                libc::alarm(20);
                let holds = std::panic::catch_unwind(std::panic::AssertUnwindSafe(check));
                libc::_exit(i32::from(!matches!(holds, Ok(true))))
            }
            child => {
                assert!(child > 0);
                let mut status = -1;
                assert_eq!(libc::waitpid(child, &mut status, 0), child);
                status
            }
        }
    };
    assert_eq!(status, 0, "the child's exit status");
}

/// Returns the size of a process's working set, or `None` if the call fails.
fn working_set(handle: Handle) -> Option<usize> {
    let mut counters = [0; 9];
    let succeeded = (api().GetProcessMemoryInfo)(handle, counters.as_mut_ptr(), 72) != 0;
    succeeded.then_some(counters[2])
}

/// In the child, an inherited handle still refers to the parent.
#[test]
fn fork_changes_only_pseudo_handle() {
    // The child discards its copy, so that the working sets differ by about 64 MiB.
    let memory = vec![1u8; 64 << 20];
    let me = OpenHandle::new(QUERY | VM_READ, std::process::id());
    let pseudo = (api().GetCurrentProcess)();
    working_set(pseudo).unwrap();
    let parent = std::process::id();
    in_child(|| {
        let mut name = [0u8; 4096];
        let of_parent = working_set(me.0).unwrap();
        // SAFETY: the range lies inside the vector, which the child does not read again.
        unsafe {
            let start = memory.as_ptr().addr().next_multiple_of(4096);
            libc::madvise(start as *mut _, 63 << 20, libc::MADV_DONTNEED);
        }
        let own = working_set(pseudo).unwrap();
        let length = (api().GetProcessImageFileNameA)(pseudo, name.as_mut_ptr(), 4096);
        of_parent > own + (32 << 20)
            && length > 0
            && (api().GetCurrentProcessId)() != parent
            // Closing the handle in the child leaves the parent's copy open.
            && (api().CloseHandle)(me.0) != 0
            && working_set(me.0).is_none()
            && (api().EmptyWorkingSet)(pseudo) != 0
    });
    assert!(working_set(me.0).is_some());
    drop(memory);
}

#[test]
fn child_does_not_inherit_watch() {
    let me = OpenHandle::new(QUERY, std::process::id());
    if (api().InitializeProcessForWsWatch)(me.0) == 0 && !is_root() {
        skip("cannot watch page faults without privileges");
        return;
    }
    let mut buffer = vec![WatchInformation { pc: 0, va: 0 }; 100_000];
    let cb = 1_600_000;
    in_child(|| {
        let refused = (api().GetWsChanges)(me.0, buffer.as_mut_ptr(), cb) == 0
            && Code((api().GetLastError)()) == INVALID_PARAMETER;
        // The child can start a watch for itself.
        let pseudo = (api().GetCurrentProcess)();
        refused
            && (api().InitializeProcessForWsWatch)(pseudo) != 0
            && (api().GetWsChanges)(pseudo, buffer.as_mut_ptr(), cb) != 0
            && (api().CloseHandle)(me.0) != 0
    });
    // Under `cargo test`, other tests share this process and can overflow the buffer.
    if (api().GetWsChanges)(me.0, buffer.as_mut_ptr(), cb) == 0 {
        assert_eq!(Code((api().GetLastError)()), INSUFFICIENT_BUFFER);
    }
}

#[test]
fn fork_during_calls_does_not_deadlock() {
    // Load the library first. Otherwise a child can inherit the loader's lock from a thread that
    // does not exist in the child, and wait for it forever.
    api();
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Stops the threads even if an assertion fails.
        let _stop = SetOnDrop(&ended);
        for _ in 0..3 {
            scope.spawn(|| {
                let mut name = [0u8; 4096];
                let inside = name.as_ptr().addr();
                let address = api().OpenProcess as *const () as *mut _;
                while !ended.load(Ordering::Relaxed) {
                    let open = OpenHandle::new(QUERY | VM_READ, std::process::id());
                    let _ = working_set(open.0);
                    let size = name.len() as u32;
                    (api().GetMappedFileNameA)(open.0, address, name.as_mut_ptr(), size);
                    let mut page = [PageInformation {
                        address: inside,
                        attributes: 0,
                    }];
                    (api().QueryWorkingSetEx)(open.0, page.as_mut_ptr(), 16);
                    (api().EnumDeviceDrivers)(null_mut(), 0, [0].as_mut_ptr());
                }
            });
        }
        for _ in 0..100 {
            in_child(|| {
                let pseudo = (api().GetCurrentProcess)();
                let mut name = [0u8; 4096];
                let address = api().OpenProcess as *const () as *mut _;
                let parent = std::os::unix::process::parent_id();
                let open = (api().OpenProcess)(LIMITED, 0, parent);
                let mut needed = 0;
                working_set(pseudo).is_some()
                    && working_set(open).is_some()
                    && (api().GetMappedFileNameA)(pseudo, address, name.as_mut_ptr(), 4096) > 0
                    && (api().EnumProcessModules)(pseudo, null_mut(), 0, &mut needed) != 0
                    && (api().EnumDeviceDrivers)(null_mut(), 0, &mut needed) != 0
                    && (api().CloseHandle)(open) != 0
            });
        }
    });
}

/// Sets a flag on drop.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A raw `clone` bypasses the C library's `fork` handlers, so a cached process id is the parent's.
/// The library must not write to the parent's memory.
#[test]
fn raw_clone_child_gets_own_results() {
    // Without the handlers, a lock that a thread of another test holds stays locked in the child.
    if !is_alone("forks::raw_clone_child_gets_own_results") {
        return;
    }
    let mut needed = 0;
    succeed(|api| (api.EnumProcesses)(null_mut(), 0, &mut needed));
    let mut ids = vec![0u32; 1 << 16];
    // SAFETY: without `CLONE_VM` the child has its own copy of the memory, as after `fork`.
    let clone =
        || unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) as libc::pid_t };
    in_child_of(clone, || {
        (api().EnumProcesses)(ids.as_mut_ptr(), 4 << 16, &mut needed) != 0
            && ids[..needed as usize / 4].contains(&std::process::id())
    });
    assert_eq!(
        (needed, ids.iter().max()),
        (0, Some(&0)),
        "the child wrote to the parent's memory"
    );
    in_child(|| {
        (api().EnumProcesses)(ids.as_mut_ptr(), 4 << 16, &mut needed) != 0
            && ids[..needed as usize / 4].contains(&std::process::id())
    });
    assert_eq!(
        (needed, ids.iter().max()),
        (0, Some(&0)),
        "the child wrote to the parent's memory"
    );
}
