//! `OpenProcess`, `CloseHandle`, `GetCurrentProcess`: handles and rights.

#[cfg(target_os = "linux")]
use std::process::Command;
#[cfg(target_os = "linux")]
use std::sync::atomic::{AtomicBool, Ordering};

use crate::api::*;

#[cfg(target_os = "linux")]
use testing::TestProcess;
#[cfg(target_os = "linux")]
use testing::privilege::is_root;
#[cfg(target_os = "linux")]
use testing::skip;

/// Starts a child that waits for input.
#[cfg(target_os = "linux")]
fn sleeper() -> TestProcess {
    TestProcess::start(Command::new("sh").args(["-c", "echo; read line"]))
}

/// Returns true if a handle has `PROCESS_QUERY_LIMITED_INFORMATION`.
fn has_limited_right(handle: Handle) -> bool {
    let mut counters = [0; 16];
    (api().GetProcessMemoryInfo)(handle, counters.as_mut_ptr(), size_of_val(&counters) as u32) != 0
}

/// Returns the error code of a function that requires `PROCESS_QUERY_INFORMATION` and
/// `PROCESS_VM_READ`, or 0 on success.
fn modules_code(handle: Handle) -> Code {
    let mut needed = 0;
    (api().SetLastError)(0);
    (api().EnumProcessModules)(handle, std::ptr::null_mut(), 0, &mut needed);
    Code((api().GetLastError)())
}

#[cfg(target_os = "linux")]
#[test]
fn open_rejects_unused_ids() {
    for id in [0, u32::MAX, i32::MAX as u32] {
        let code = fail(|api| (api.OpenProcess)(LIMITED, 0, id));
        assert_eq!(code, INVALID_PARAMETER, "{id}");
    }
    let mut child = Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    let code = fail(|api| (api.OpenProcess)(LIMITED, 0, child.id()));
    assert_eq!(code, INVALID_PARAMETER);
}

#[cfg(target_os = "linux")]
#[test]
fn open_denies_unavailable_rights() {
    if !is_root() {
        let code = fail(|api| (api.OpenProcess)(QUERY | VM_READ, 0, 1));
        assert_eq!(code, ACCESS_DENIED);
    }
    let child = sleeper();
    let id = child.id().get();
    if !is_root() {
        skip("needs root to drop privileges");
        return;
    }
    unprivileged(|| {
        for access in [VM_READ, QUERY, SET_QUOTA, LIMITED | VM_READ, ALL_ACCESS] {
            let code = fail(|api| (api.OpenProcess)(access, 0, id));
            assert_eq!(code, ACCESS_DENIED, "{access:#x}");
        }
        assert!(has_limited_right(OpenHandle::new(LIMITED, id).0));
        let most = OpenHandle::new(MAXIMUM_ALLOWED, id);
        assert!(has_limited_right(most.0));
        assert_eq!(modules_code(most.0), ACCESS_DENIED);
    });
}

/// Programs request all rights by habit. Only emptying the working set requires a privilege.
#[cfg(target_os = "linux")]
#[test]
fn own_child_grants_all_rights() {
    let arguments = ["-c", "echo; read line"];
    let child = unprivileged(|| TestProcess::start(Command::new("sh").args(arguments)));
    let id = child.id().get();
    unprivileged(|| {
        for access in [
            SET_QUOTA,
            QUERY | VM_READ | SET_QUOTA,
            ALL_ACCESS,
            MAXIMUM_ALLOWED,
        ] {
            let open = OpenHandle::new(access | LIMITED, id);
            let code = fail(|api| (api.EmptyWorkingSet)(open.0));
            assert_eq!(code, ACCESS_DENIED, "{access:#x}");
        }
        let all = OpenHandle::new(ALL_ACCESS, id);
        assert!(has_limited_right(all.0));
        assert_eq!(modules_code(all.0), Code(0));
    });
    if is_root() {
        succeed(|api| (api.EmptyWorkingSet)(OpenHandle::new(ALL_ACCESS, id).0));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn open_denies_rights_to_kernel_thread() {
    if std::fs::read_to_string("/proc/2/comm").ok().as_deref() != Some("kthreadd\n") {
        skip("no kernel threads in this pid namespace");
        return;
    }
    unprivileged(|| {
        for access in [QUERY, VM_READ, SET_QUOTA, ALL_ACCESS] {
            let code = fail(|api| (api.OpenProcess)(access, 0, 2));
            assert_eq!(code, ACCESS_DENIED, "{access:#x}");
        }
        assert!(has_limited_right(OpenHandle::new(LIMITED, 2).0));
    });
    if is_root() {
        // A kernel thread has no working set, so there is nothing to do.
        succeed(|api| (api.EmptyWorkingSet)(OpenHandle::new(ALL_ACCESS, 2).0));
    }
}

#[test]
fn query_right_implies_limited_right() {
    let id = std::process::id();
    assert!(has_limited_right(OpenHandle::new(QUERY, id).0));
    assert!(has_limited_right(OpenHandle::new(LIMITED, id).0));
    assert!(!has_limited_right(OpenHandle::new(VM_READ, id).0));
    let limited = OpenHandle::new(LIMITED | VM_READ, id);
    assert_eq!(modules_code(limited.0), ACCESS_DENIED);
}

/// `PROCESS_ALL_ACCESS` and `MAXIMUM_ALLOWED` grant every right.
#[test]
fn standard_rights_grant_nothing() {
    let id = std::process::id();
    let standard = OpenHandle::new(STANDARD_RIGHTS_REQUIRED, id);
    assert!(!has_limited_right(standard.0));
    assert_eq!(modules_code(standard.0), ACCESS_DENIED);
    for access in [ALL_ACCESS, MAXIMUM_ALLOWED, QUERY | VM_READ] {
        assert_eq!(modules_code(OpenHandle::new(access, id).0), Code(0));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn closed_handle_stays_invalid() {
    let id = std::process::id();
    let mut closed = Vec::new();
    for _ in 0..100 {
        let handle = succeed(|api| (api.OpenProcess)(LIMITED, 0, id));
        assert!(
            !closed.contains(&handle),
            "a closed handle value was reused"
        );
        assert!(has_limited_right(handle));
        succeed(|api| (api.CloseHandle)(handle));
        assert_eq!(fail(|api| (api.CloseHandle)(handle)), INVALID_HANDLE);
        closed.push(handle);
    }
    let open = OpenHandle::new(LIMITED, id);
    for &handle in &closed {
        assert!(!has_limited_right(handle));
        assert_eq!(Code((api().GetLastError)()), INVALID_HANDLE);
    }
    assert!(has_limited_right(open.0));
}

/// Programs in other languages often keep a handle in a 32-bit integer.
#[cfg(target_os = "linux")]
#[test]
fn handles_survive_truncation_to_int() {
    let id = std::process::id();
    let extended = |handle: Handle| {
        let low = handle.addr() as u32;
        [low as usize, low as i32 as usize].map(std::ptr::without_provenance_mut)
    };
    for _ in 0..1000 {
        let handle = succeed(|api| (api.OpenProcess)(QUERY | VM_READ, 0, id));
        assert_eq!(handle.addr() % 4, 0);
        assert_eq!(extended(handle).map(modules_code), [Code(0); 2]);
        // The handle is closed, instead of leaked.
        let [truncated, _]: [Handle; 2] = extended(handle);
        succeed(|api| (api.CloseHandle)(truncated));
        assert_eq!(fail(|api| (api.CloseHandle)(handle)), INVALID_HANDLE);
    }
    let pseudo = (api().GetCurrentProcess)();
    assert_eq!(extended(pseudo).map(modules_code), [Code(0); 2]);
}

#[cfg(target_os = "linux")]
#[test]
fn made_up_handles_are_invalid() {
    // A value next to a real handle can be the handle of another test.
    if !is_alone("handles::made_up_handles_are_invalid") {
        return;
    }
    let open = OpenHandle::new(LIMITED, std::process::id());
    let real = open.0.addr();
    let neighbors = [
        real + 1,
        real + 2,
        real + 3,
        real + 4,
        real - 4,
        real ^ (1 << 40),
    ];
    let others = [0, 1, 4, 8, 0x1000, usize::MAX - 1, usize::MAX / 2, 1 << 34];
    for value in neighbors.into_iter().chain(others) {
        let handle = std::ptr::without_provenance_mut(value);
        let code = fail(|api| (api.CloseHandle)(handle));
        assert_eq!(code, INVALID_HANDLE, "{value:#x}");
        assert!(!has_limited_right(handle), "{value:#x}");
    }
}

#[test]
fn pseudo_handle_has_all_rights() {
    let handle = (api().GetCurrentProcess)();
    assert_eq!(handle.addr(), usize::MAX);
    assert!(has_limited_right(handle));
    assert_eq!(modules_code(handle), Code(0));
    succeed_if_supported(|api| (api.EmptyWorkingSet)(handle));
    // Closing the pseudo handle has no effect.
    succeed(|api| (api.CloseHandle)(handle));
    assert!(has_limited_right(handle));
    assert_eq!((api().GetCurrentProcessId)(), std::process::id());
}

/// On Windows, another thread can open a handle with the same value.
#[cfg(target_os = "linux")]
#[test]
fn only_one_thread_closes_handle() {
    let stop = AtomicBool::new(false);
    let open = OpenHandle::new(QUERY | VM_READ, std::process::id());
    let handle = open.0.addr();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    assert!(has_limited_right(std::ptr::without_provenance_mut(handle)));
                    // The handle table changes at the same time.
                    drop(OpenHandle::new(LIMITED, std::process::id()));
                }
            });
        }
        for _ in 0..1000 {
            drop(OpenHandle::new(LIMITED, std::process::id()));
        }
        stop.store(true, Ordering::Relaxed);
        let closing: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(move || {
                    (api().CloseHandle)(std::ptr::without_provenance_mut(handle)) != 0
                })
            })
            .collect();
        let closed = closing.into_iter().map(|thread| thread.join().unwrap());
        assert_eq!(closed.filter(|&closed| closed).count(), 1);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn handle_does_not_follow_reused_id() {
    let mut child = sleeper();
    let id = child.id().get();
    let open = OpenHandle::new(LIMITED | QUERY | VM_READ, id);
    assert!(has_limited_right(open.0));
    child.kill();
    child.reap();
    let newcomer = with_id(id);
    let code = fail(|api| (api.GetProcessMemoryInfo)(open.0, [0; 9].as_mut_ptr(), 72));
    assert_eq!(code, GEN_FAILURE);
    assert_eq!(modules_code(open.0), PARTIAL_COPY);
    if newcomer.is_some() {
        // A new handle refers to the new process. The old handle stays unusable.
        assert!(has_limited_right(OpenHandle::new(LIMITED, id).0));
        assert!(!has_limited_right(open.0));
    }
}

/// Starts a process with a given free id. Returns `None` if the caller cannot write to
/// `ns_last_pid`, which requires root.
#[cfg(target_os = "linux")]
fn with_id(id: u32) -> Option<TestProcess> {
    for _ in 0..50 {
        std::fs::write("/proc/sys/kernel/ns_last_pid", (id - 1).to_string()).ok()?;
        let newcomer = sleeper();
        if newcomer.id().get() == id {
            return Some(newcomer);
        }
    }
    None
}

#[cfg(target_os = "linux")]
#[test]
fn handles_share_one_descriptor() {
    let child = sleeper();
    let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let before = descriptors();
    let open: Vec<OpenHandle> = (0..5000)
        .map(|_| OpenHandle::new(LIMITED, child.id().get()))
        .collect();
    // Under `cargo test`, other tests of this process open descriptors at the same time.
    assert!(descriptors() < before + 100);
    assert!(open.iter().all(|open| has_limited_right(open.0)));
}
