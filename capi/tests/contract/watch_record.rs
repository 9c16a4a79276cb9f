//! `InitializeProcessForWsWatch`, `GetWsChanges`, `GetWsChangesEx`: the record that Windows keeps for
//! each process.

use std::ptr::null_mut;

use crate::api::*;

use testing::{Program, programs};

const PAGES: usize = 64;

const MEM_COMMIT: u32 = 0x1000;
const MEM_RESERVE: u32 = 0x2000;
const PAGE_READWRITE: u32 = 0x04;

const UNWRITTEN: WatchInformation = WatchInformation { pc: 1, va: 1 };

const ENTRY: usize = size_of::<WatchInformation>();

/// Watches the own process and then writes to new pages. Returns their addresses, or `None` if the
/// system cannot watch.
fn touched(handle: Handle) -> Option<Vec<usize>> {
    let kind = MEM_RESERVE | MEM_COMMIT;
    let memory = succeed(|api| (api.VirtualAlloc)(null_mut(), PAGES * 4096, kind, PAGE_READWRITE));
    if !succeed_if_supported(|api| (api.InitializeProcessForWsWatch)(handle)) {
        return None;
    }
    let page_at = |page: usize| memory.wrapping_byte_add(page * 4096).cast::<u8>();
    for page in 0..PAGES {
        // SAFETY: the page was just allocated with write access, and nothing else refers to it.
        unsafe { page_at(page).write_volatile(1) };
    }
    Some((0..PAGES).map(|page| page_at(page).addr()).collect())
}

/// Returns the pages of the records in a buffer, up to the last record, which must report no loss.
fn pages(records: &[WatchInformation]) -> Vec<usize> {
    let end = records.iter().position(|record| record.pc == 0).unwrap();
    assert_eq!(records[end].va, 0, "no record was lost");
    let pages = records[..end].iter().map(|record| record.va & !0xfff);
    pages.collect()
}

#[test]
fn failed_calls_lose_no_records() {
    let open = OpenHandle::new(ALL_ACCESS, std::process::id());
    let Some(touched) = touched(open.0) else {
        return;
    };
    let mut buffer = vec![UNWRITTEN; 10_000];
    let size = (buffer.len() * ENTRY) as u32;
    for cb in [0, ENTRY - 1, ENTRY, PAGES * ENTRY] {
        let code = fail(|api| (api.GetWsChanges)(open.0, buffer.as_mut_ptr(), cb as u32));
        assert_eq!(code, INSUFFICIENT_BUFFER, "{cb}");
    }
    assert!(buffer.iter().all(|&record| record == UNWRITTEN));
    for pointer in [null_mut(), unmapped(), read_only()] {
        let code = fail(|api| (api.GetWsChanges)(open.0, pointer, size));
        assert_eq!(code, NOACCESS);
    }
    let mut cb = ENTRY as u32;
    let code = fail(|api| (api.GetWsChangesEx)(open.0, buffer.as_mut_ptr().cast(), &mut cb));
    assert_eq!(code, INSUFFICIENT_BUFFER);
    assert!(
        cb as usize > PAGES * size_of::<WatchInformationEx>(),
        "{cb}"
    );

    // Any handle of the process reaches the record.
    let other = OpenHandle::new(QUERY, std::process::id());
    succeed(|api| (api.GetWsChanges)(other.0, buffer.as_mut_ptr(), size));
    let found = pages(&buffer);
    assert!(touched.iter().all(|page| found.contains(page)));
    // The record now contains only the pages that the test itself touched.
    succeed(|api| (api.GetWsChanges)(open.0, buffer.as_mut_ptr(), size));
    let found = pages(&buffer);
    assert!(!touched.iter().any(|page| found.contains(page)));
}

#[test]
fn ex_reports_threads() {
    let open = OpenHandle::new(ALL_ACCESS, std::process::id());
    let Some(touched) = touched(open.0) else {
        return;
    };
    let none = WatchInformationEx {
        basic: UNWRITTEN,
        thread: 0,
        flags: 0,
    };
    let mut buffer = vec![none; 10_000];
    let mut cb = size_of_val(&buffer[..]) as u32;
    succeed(|api| (api.GetWsChangesEx)(open.0, buffer.as_mut_ptr(), &mut cb));
    let records: Vec<_> = buffer.iter().map(|record| record.basic).collect();
    let found = pages(&records);
    assert!(touched.iter().all(|page| found.contains(page)));
    assert!(buffer[..found.len()].iter().all(|record| record.thread > 0));
}

#[test]
fn changes_require_initialization() {
    let program = Program::compile(programs::WAITS, &[]);
    let process = program.start();
    let open = OpenHandle::new(QUERY, process.id().get());
    let mut buffer = [UNWRITTEN; 4];
    let cb = size_of_val(&buffer) as u32;
    let code = fail(|api| (api.GetWsChanges)(open.0, buffer.as_mut_ptr(), cb));
    // Wine has no records.
    assert!(
        [INVALID_PARAMETER, NOT_SUPPORTED].contains(&code),
        "{code:?}"
    );
}
