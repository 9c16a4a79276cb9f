//! After a `fork`: handles, the pseudo handle, the watch, and locks that another thread held.

use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::api::*;
use crate::support::privilege::{is_root, skip};

/// Runs a check in a forked child, which has this thread alone.
#[track_caller]
fn in_child(check: impl FnOnce() -> bool) {
    // SAFETY: see there.
    in_child_of(|| unsafe { libc::fork() }, check);
}

#[track_caller]
fn in_child_of(fork: impl FnOnce() -> libc::pid_t, check: impl FnOnce() -> bool) {
    // SAFETY: the child does nothing but the check, whose calls are what is tested here, and ends
    // without what else would run at its end.
    let status = unsafe {
        match fork() {
            0 => {
                // A deadlock becomes a failure.
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
    assert_eq!(status, 0, "how the child ended");
}

fn working_set(handle: Handle) -> Option<u64> {
    let mut words = [0; 9];
    let done = (api().GetProcessMemoryInfo)(handle, words.as_mut_ptr(), 72) != 0;
    done.then_some(words[2])
}

#[test]
fn handles_lead_to_the_same_process_and_the_pseudo_handle_to_the_child() {
    // Something that only the parent has so much of.
    let memory = vec![1u8; 64 << 20];
    let me = Opened::new(QUERY | VM_READ, std::process::id());
    let pseudo = (api().GetCurrentProcess)();
    working_set(pseudo).unwrap();
    let parent = std::process::id();
    in_child(|| {
        let mut ids = [0u8; 4096];
        let of_parent = working_set(me.0).unwrap();
        // SAFETY: pages that the child gives back are its own.
        unsafe {
            let start = memory.as_ptr().addr().next_multiple_of(4096);
            libc::madvise(start as *mut _, 63 << 20, libc::MADV_DONTNEED);
        }
        let own = working_set(pseudo).unwrap();
        let name = (api().GetProcessImageFileNameA)(pseudo, ids.as_mut_ptr(), 4096);
        of_parent > own + (32 << 20)
            && name > 0
            && (api().GetCurrentProcessId)() != parent
            // What the child closes the parent still has.
            && (api().CloseHandle)(me.0) != 0
            && working_set(me.0).is_none()
            && (api().EmptyWorkingSet)(pseudo) != 0
    });
    assert!(working_set(me.0).is_some());
    drop(memory);
}

#[test]
fn a_watch_stays_with_the_process_that_started_it() {
    let me = Opened::new(QUERY, std::process::id());
    if (api().InitializeProcessForWsWatch)(me.0) == 0 && !is_root() {
        skip("this user may not watch page faults");
        return;
    }
    let mut room = vec![WatchInformation { pc: 0, va: 0 }; 100_000];
    let cb = 1_600_000;
    in_child(|| {
        let refused = (api().GetWsChanges)(me.0, room.as_mut_ptr(), cb) == 0
            && Code((api().GetLastError)()) == INVALID_PARAMETER;
        // It may start one of its own, on the parent and on itself.
        let pseudo = (api().GetCurrentProcess)();
        refused
            && (api().InitializeProcessForWsWatch)(pseudo) != 0
            && (api().GetWsChanges)(pseudo, room.as_mut_ptr(), cb) != 0
            && (api().CloseHandle)(me.0) != 0
    });
    // Or other tests faulted more than there is room for.
    if (api().GetWsChanges)(me.0, room.as_mut_ptr(), cb) == 0 {
        assert_eq!(Code((api().GetLastError)()), INSUFFICIENT_BUFFER);
    }
}

#[test]
fn a_fork_while_other_threads_are_inside_leaves_the_child_free() {
    // Loaded before: a child would wait for ever for a thread that was about to.
    api();
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // However this ends, the threads must.
        let _end = Raised(&ended);
        for _ in 0..3 {
            scope.spawn(|| {
                let mut name = [0u8; 4096];
                let inside = name.as_ptr().addr();
                let address = api().OpenProcess as *const () as *mut _;
                while !ended.load(Ordering::Relaxed) {
                    let open = Opened::new(QUERY | VM_READ, std::process::id());
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

/// A flag that is raised when this is dropped.
struct Raised<'a>(&'a AtomicBool);

impl Drop for Raised<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_child_that_the_c_library_does_not_know_of_has_its_own_memory_written_to() {
    let mut needed = 0;
    done(|api| (api.EnumProcesses)(null_mut(), 0, &mut needed));
    let mut ids = vec![0u32; 1 << 16];
    // SAFETY: nothing is done in between that the C library would have to know of.
    let clone =
        || unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) as libc::pid_t };
    in_child_of(clone, || {
        (api().EnumProcesses)(ids.as_mut_ptr(), 4 << 16, &mut needed) != 0
            && ids[..needed as usize / 4].contains(&std::process::id())
    });
    assert_eq!(
        (needed, ids.iter().max()),
        (0, Some(&0)),
        "the parent's memory"
    );
    in_child(|| {
        (api().EnumProcesses)(ids.as_mut_ptr(), 4 << 16, &mut needed) != 0
            && ids[..needed as usize / 4].contains(&std::process::id())
    });
    assert_eq!(
        (needed, ids.iter().max()),
        (0, Some(&0)),
        "the parent's memory"
    );
}
