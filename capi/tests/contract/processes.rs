//! `EnumProcesses`.

use crate::api::*;

/// Returns the contents of a buffer with `capacity` entries, and the size that the call reports.
fn ids(capacity: usize) -> (Vec<u32>, u32) {
    let mut ids = vec![u32::MAX; capacity];
    let mut needed = u32::MAX;
    succeed(|api| (api.EnumProcesses)(ids.as_mut_ptr(), (4 * capacity) as u32, &mut needed));
    (ids, needed)
}

/// Returns the id of the first process. On Linux, it is the process with the lowest id.
fn first() -> u32 {
    if cfg!(target_os = "linux") {
        1
    } else {
        ids(1 << 16).0[0]
    }
}

#[test]
fn lists_all_processes() {
    let (ids, needed) = ids(1 << 16);
    let count = needed as usize / 4;
    assert!(ids[..count].contains(&std::process::id()));
    assert!(ids[count..].iter().all(|&id| id == u32::MAX));
    #[cfg(target_os = "linux")]
    assert!(ids[..count].contains(&1));
    #[cfg(target_os = "linux")]
    for id in &ids[..count] {
        // Any process but the first two can have exited since.
        let exists = std::path::Path::new(&format!("/proc/{id}")).exists();
        assert!(exists || *id > 2, "{id}");
    }
}

#[test]
fn reported_size_counts_written_ids() {
    let (ids, needed) = ids(1);
    assert_eq!((ids, needed), (vec![first()], 4));
}

#[test]
fn empty_buffer_receives_nothing() {
    let mut needed = u32::MAX;
    succeed(|api| (api.EnumProcesses)(std::ptr::null_mut(), 0, &mut needed));
    assert_eq!(needed, 0);
}

#[test]
fn ids_are_never_written_partially() {
    let mut ids = [u32::MAX; 2];
    let mut needed = u32::MAX;
    succeed(|api| (api.EnumProcesses)(ids.as_mut_ptr(), 7, &mut needed));
    assert_eq!((ids, needed), ([first(), u32::MAX], 4));
}

#[test]
fn rejects_unwritable_memory() {
    let mut id = 0;
    let mut needed = 0;
    for pointer in [std::ptr::null_mut(), unmapped(), read_only()] {
        let code = fail(|api| (api.EnumProcesses)(pointer, 4, &mut needed));
        assert_eq!(code, NOACCESS);
        let code = fail(|api| (api.EnumProcesses)(&mut id, 4, pointer));
        assert_eq!(code, NOACCESS);
    }
}

#[test]
fn k32_name_is_an_alias() {
    let mut needed = [0; 2];
    succeed(|api| (api.EnumProcesses)(std::ptr::null_mut(), 0, &mut needed[0]));
    succeed(|api| (api.K32EnumProcesses)(std::ptr::null_mut(), 0, &mut needed[1]));
    assert_eq!(needed, [0; 2]);
}
