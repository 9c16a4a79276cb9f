//! `EnumProcesses`.

use crate::api::*;

/// The ids, with room for so many.
fn ids(room: usize) -> (Vec<u32>, u32) {
    let mut ids = vec![u32::MAX; room];
    let mut needed = u32::MAX;
    done(|api| (api.EnumProcesses)(ids.as_mut_ptr(), (4 * room) as u32, &mut needed));
    (ids, needed)
}

#[test]
fn enum_processes_has_all_processes() {
    let (ids, needed) = ids(1 << 16);
    let count = needed as usize / 4;
    assert!(ids[..count].contains(&std::process::id()));
    assert!(ids[..count].contains(&1));
    assert!(ids[count..].iter().all(|&id| id == u32::MAX));
    for id in &ids[..count] {
        // Or it has ended since.
        let is_there = std::path::Path::new(&format!("/proc/{id}")).exists();
        assert!(is_there || *id > 2, "{id}");
    }
}

#[test]
fn enum_processes_fills_what_fits_and_needed_is_what_was_written() {
    let (ids, needed) = ids(1);
    assert_eq!((ids, needed), (vec![1], 4));
}

#[test]
fn enum_processes_without_room_succeeds_with_nothing() {
    let mut needed = u32::MAX;
    done(|api| (api.EnumProcesses)(std::ptr::null_mut(), 0, &mut needed));
    assert_eq!(needed, 0);
}

#[test]
fn enum_processes_uses_whole_ids() {
    let mut ids = [u32::MAX; 2];
    let mut needed = u32::MAX;
    done(|api| (api.EnumProcesses)(ids.as_mut_ptr(), 7, &mut needed));
    assert_eq!((ids, needed), ([1, u32::MAX], 4));
}

#[test]
fn enum_processes_noaccess_for_what_can_t_be_written_to() {
    let mut id = 0;
    let mut needed = 0;
    let missing = std::ptr::null_mut;
    for to in [missing(), nowhere(), read_only()] {
        let code = failed(|api| (api.EnumProcesses)(to, 4, &mut needed));
        assert_eq!(code, NOACCESS);
        let code = failed(|api| (api.EnumProcesses)(&mut id, 4, to));
        assert_eq!(code, NOACCESS);
    }
}

#[test]
fn every_function_has_its_k32_name_too() {
    let mut needed = [0; 2];
    done(|api| (api.EnumProcesses)(std::ptr::null_mut(), 0, &mut needed[0]));
    done(|api| (api.K32EnumProcesses)(std::ptr::null_mut(), 0, &mut needed[1]));
    assert_eq!(needed, [0; 2]);
}
