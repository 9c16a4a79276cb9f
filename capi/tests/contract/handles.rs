//! `OpenProcess`, `CloseHandle`, `GetCurrentProcess`: handles and rights.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::api::*;
use crate::support::child::Subject;
use crate::support::privilege::{is_root, skip};

fn sleeper() -> Subject {
    Subject::start(Command::new("sh").args(["-c", "echo; read line"]))
}

/// What each right lets call: a call that needs it, and no other.
fn may_query_limited(handle: Handle) -> bool {
    let mut counters = [0; 9];
    (api().GetProcessMemoryInfo)(handle, counters.as_mut_ptr(), 72) != 0
}

fn modules_code(handle: Handle) -> Code {
    let mut needed = 0;
    (api().SetLastError)(0);
    (api().EnumProcessModules)(handle, std::ptr::null_mut(), 0, &mut needed);
    Code((api().GetLastError)())
}

#[test]
fn open_process_invalid_parameter_for_pid_0_and_pids_of_nobody() {
    for id in [0, u32::MAX, i32::MAX as u32] {
        let code = failed(|api| (api.OpenProcess)(LIMITED, 0, id));
        assert_eq!(code, INVALID_PARAMETER, "{id}");
    }
    let mut child = Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    let code = failed(|api| (api.OpenProcess)(LIMITED, 0, child.id()));
    assert_eq!(code, INVALID_PARAMETER);
}

#[test]
fn open_process_access_denied_for_a_right_that_the_kernel_would_not_grant() {
    if !is_root() {
        let code = failed(|api| (api.OpenProcess)(QUERY | VM_READ, 0, 1));
        assert_eq!(code, ACCESS_DENIED);
    }
    let child = sleeper();
    let id = child.id().get();
    if !is_root() {
        skip("needs root to be denied what another process of one's own may");
        return;
    }
    as_nobody(|| {
        for access in [VM_READ, QUERY, SET_QUOTA, LIMITED | VM_READ, ALL_ACCESS] {
            let code = failed(|api| (api.OpenProcess)(access, 0, id));
            assert_eq!(code, ACCESS_DENIED, "{access:#x}");
        }
        assert!(may_query_limited(Opened::new(LIMITED, id).0));
        let most = Opened::new(MAXIMUM_ALLOWED, id);
        assert!(may_query_limited(most.0));
        assert_eq!(modules_code(most.0), ACCESS_DENIED);
    });
}

#[test]
fn open_process_access_denied_for_a_kernel_thread_too() {
    if std::fs::read_to_string("/proc/2/comm").ok().as_deref() != Some("kthreadd\n") {
        skip("there is no kernel thread to ask");
        return;
    }
    as_nobody(|| {
        for access in [QUERY, VM_READ, SET_QUOTA, ALL_ACCESS] {
            let code = failed(|api| (api.OpenProcess)(access, 0, 2));
            assert_eq!(code, ACCESS_DENIED, "{access:#x}");
        }
        assert!(may_query_limited(Opened::new(LIMITED, 2).0));
    });
    if is_root() {
        // It has none: it is empty.
        done(|api| (api.EmptyWorkingSet)(Opened::new(ALL_ACCESS, 2).0));
    }
}

#[test]
fn query_information_implies_the_limited_one() {
    let id = std::process::id();
    assert!(may_query_limited(Opened::new(QUERY, id).0));
    assert!(may_query_limited(Opened::new(LIMITED, id).0));
    assert!(!may_query_limited(Opened::new(VM_READ, id).0));
    let limited = Opened::new(LIMITED | VM_READ, id);
    assert_eq!(modules_code(limited.0), ACCESS_DENIED);
}

#[test]
fn standard_rights_grant_nothing_and_all_access_all() {
    let id = std::process::id();
    let standard = Opened::new(STANDARD_RIGHTS_REQUIRED, id);
    assert!(!may_query_limited(standard.0));
    assert_eq!(modules_code(standard.0), ACCESS_DENIED);
    for access in [ALL_ACCESS, MAXIMUM_ALLOWED, QUERY | VM_READ] {
        assert_eq!(modules_code(Opened::new(access, id).0), Code(0));
    }
}

#[test]
fn close_handle_makes_a_value_invalid_for_good() {
    let id = std::process::id();
    let mut closed = Vec::new();
    for _ in 0..100 {
        let handle = done(|api| (api.OpenProcess)(LIMITED, 0, id));
        assert!(!closed.contains(&handle), "a value came back");
        assert!(may_query_limited(handle));
        done(|api| (api.CloseHandle)(handle));
        assert_eq!(failed(|api| (api.CloseHandle)(handle)), INVALID_HANDLE);
        closed.push(handle);
    }
    let open = Opened::new(LIMITED, id);
    for &handle in &closed {
        assert!(!may_query_limited(handle));
        assert_eq!(Code((api().GetLastError)()), INVALID_HANDLE);
    }
    assert!(may_query_limited(open.0));
}

#[test]
fn invalid_handle_for_made_up_values() {
    let open = Opened::new(LIMITED, std::process::id());
    let real = open.0.addr();
    let neighbours = [
        real + 1,
        real + 2,
        real + 3,
        real + 4,
        real - 4,
        real ^ (1 << 40),
    ];
    let others = [0, 1, 4, 8, 0x1000, usize::MAX - 1, usize::MAX / 2, 1 << 34];
    for value in neighbours.into_iter().chain(others) {
        let handle = std::ptr::without_provenance_mut(value);
        let code = failed(|api| (api.CloseHandle)(handle));
        assert_eq!(code, INVALID_HANDLE, "{value:#x}");
        assert!(!may_query_limited(handle), "{value:#x}");
    }
}

#[test]
fn get_current_process_is_minus_1_with_all_rights() {
    let handle = (api().GetCurrentProcess)();
    assert_eq!(handle.addr(), usize::MAX);
    assert!(may_query_limited(handle));
    assert_eq!(modules_code(handle), Code(0));
    done(|api| (api.EmptyWorkingSet)(handle));
    // To close it does nothing.
    done(|api| (api.CloseHandle)(handle));
    assert!(may_query_limited(handle));
    assert_eq!((api().GetCurrentProcessId)(), std::process::id());
}

#[test]
fn handles_are_usable_from_any_thread_and_closed_by_one() {
    let ended = AtomicBool::new(false);
    let open = Opened::new(QUERY | VM_READ, std::process::id());
    let handle = open.0.addr();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    assert!(may_query_limited(std::ptr::without_provenance_mut(handle)));
                    // Others come and go meanwhile.
                    drop(Opened::new(LIMITED, std::process::id()));
                }
            });
        }
        for _ in 0..1000 {
            drop(Opened::new(LIMITED, std::process::id()));
        }
        ended.store(true, Ordering::Relaxed);
        let closers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(move || {
                    (api().CloseHandle)(std::ptr::without_provenance_mut(handle)) != 0
                })
            })
            .collect();
        let closed = closers.into_iter().map(|closer| closer.join().unwrap());
        assert_eq!(closed.filter(|&closed| closed).count(), 1);
    });
}

#[test]
fn a_handle_means_one_process_also_when_its_id_is_used_again() {
    let mut child = sleeper();
    let id = child.id().get();
    let open = Opened::new(LIMITED | QUERY | VM_READ, id);
    assert!(may_query_limited(open.0));
    child.kill();
    child.reap();
    let newcomer = with_id(id);
    let code = failed(|api| (api.GetProcessMemoryInfo)(open.0, [0; 9].as_mut_ptr(), 72));
    assert_eq!(code, GEN_FAILURE);
    assert_eq!(modules_code(open.0), PARTIAL_COPY);
    if newcomer.is_some() {
        // A new handle is for the new process, beside the old one.
        assert!(may_query_limited(Opened::new(LIMITED, id).0));
        assert!(!may_query_limited(open.0));
    }
}

/// A process that gets an id which is free: root may say which is next.
fn with_id(id: u32) -> Option<Subject> {
    for _ in 0..50 {
        std::fs::write("/proc/sys/kernel/ns_last_pid", (id - 1).to_string()).ok()?;
        let newcomer = sleeper();
        if newcomer.id().get() == id {
            return Some(newcomer);
        }
    }
    None
}

#[test]
fn thousands_of_handles_of_one_process_take_one_descriptor() {
    let child = sleeper();
    let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let before = descriptors();
    let open: Vec<Opened> = (0..5000)
        .map(|_| Opened::new(LIMITED, child.id().get()))
        .collect();
    // Other tests run at the same time in this process under `cargo test`.
    assert!(descriptors() < before + 100);
    assert!(open.iter().all(|open| may_query_limited(open.0)));
}
