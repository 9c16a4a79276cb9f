//! `InitializeProcessForWsWatch`, `GetWsChanges`, `GetWsChangesEx`: the handles that they accept.

use std::ptr::null_mut;

use crate::api::*;

#[test]
fn watch_requires_query_right() {
    let open = OpenHandle::new(LIMITED | VM_READ | SET_QUOTA, std::process::id());
    let codes = [
        fail(|api| (api.InitializeProcessForWsWatch)(open.0)),
        fail(|api| (api.GetWsChanges)(open.0, null_mut(), 0)),
        fail(|api| (api.GetWsChangesEx)(open.0, null_mut(), null_mut())),
    ];
    assert_eq!(codes, [ACCESS_DENIED; 3]);
    let codes = [
        fail(|api| (api.InitializeProcessForWsWatch)(unmapped())),
        fail(|api| (api.GetWsChanges)(unmapped(), null_mut(), 0)),
        fail(|api| (api.GetWsChangesEx)(unmapped(), null_mut(), null_mut())),
    ];
    assert_eq!(codes, [INVALID_HANDLE; 3]);
}
