//! `InitializeProcessForWsWatch`, `GetWsChanges`, `GetWsChangesEx`.

use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::api::*;

use testing::privilege::is_root;
use testing::{Program, TestProcess, programs, skip};

/// A watched process that writes to 100 new pages for each line of input.
struct Touches {
    process: TestProcess,
    memory: usize,
    function: usize,
    _program: Program,
}

/// Starts the process and a watch. Returns `None`, and skips, if the caller lacks the privilege.
fn touches() -> Option<(Touches, OpenHandle)> {
    let program = Program::compile(programs::TOUCHES_ON_REQUEST, &[]);
    let process = program.start();
    let addresses: Vec<usize> = process
        .line
        .split_whitespace()
        .map(|address| usize::from_str_radix(address, 16).unwrap())
        .collect();
    let open = OpenHandle::new(QUERY, process.id().get());
    if (api().InitializeProcessForWsWatch)(open.0) == 0 && !is_root() {
        assert_eq!(Code((api().GetLastError)()), ACCESS_DENIED);
        skip("cannot watch page faults without privileges");
        return None;
    }
    succeed(|api| (api.InitializeProcessForWsWatch)(open.0));
    let touches = Touches {
        memory: addresses[0],
        function: addresses[1],
        process,
        _program: program,
    };
    Some((touches, open))
}

/// The initial value of every record in a buffer.
const UNWRITTEN: WatchInformation = WatchInformation { pc: 1, va: 1 };

/// Returns all records, with the terminating one, and checks that no record after it was written.
fn changes(handle: Handle) -> Vec<WatchInformation> {
    let mut buffer = vec![UNWRITTEN; 10_000];
    succeed(|api| (api.GetWsChanges)(handle, buffer.as_mut_ptr(), 160_000));
    let end = buffer.iter().position(|record| record.pc == 0).unwrap();
    assert!(buffer[end + 1..].iter().all(|&record| record == UNWRITTEN));
    buffer.truncate(end + 1);
    buffer
}

/// Returns true if a record is a fault on one of the 100 pages of a round.
fn is_of_round(record: &WatchInformation, touches: &Touches, round: usize) -> bool {
    let start = touches.memory + round * 100 * 4096;
    (start..start + 100 * 4096).contains(&record.va)
}

#[test]
fn returns_records_since_last_call() {
    let Some((mut touches, open)) = touches() else {
        return;
    };
    for round in 0..3 {
        touches.process.resume();
        let records = changes(open.0);
        let (last, faults) = records.split_last().unwrap();
        assert_eq!((last.pc, last.va), (0, 0), "no record was lost");
        let own: Vec<_> = faults
            .iter()
            .filter(|record| is_of_round(record, &touches, round))
            .collect();
        let expected: Vec<_> = (0..100)
            .map(|page| touches.memory + (round * 100 + page) * 4096)
            .collect();
        let found: Vec<_> = own.iter().map(|record| record.va).collect();
        assert_eq!(found, expected);
        let function = touches.function..touches.function + 256;
        assert!(own.iter().all(|record| function.contains(&record.pc)));
        assert!(
            !faults
                .iter()
                .any(|record| round > 0 && is_of_round(record, &touches, round - 1))
        );
    }
}

#[test]
fn ex_reports_thread_and_fault_kind() {
    let Some((mut touches, open)) = touches() else {
        return;
    };
    touches.process.resume();
    let mut buffer = vec![
        WatchInformationEx {
            basic: UNWRITTEN,
            thread: 0,
            flags: 99
        };
        10_000
    ];
    let mut cb = 320_000;
    succeed(|api| (api.GetWsChangesEx)(open.0, buffer.as_mut_ptr(), &mut cb));
    let end = buffer
        .iter()
        .position(|record| record.basic.pc == 0)
        .unwrap();
    let own: Vec<_> = buffer[..end]
        .iter()
        .filter(|record| is_of_round(&record.basic, &touches, 0))
        .collect();
    assert_eq!(own.len(), 100);
    let id = touches.process.id().get() as usize;
    assert!(
        own.iter()
            .all(|record| (record.thread, record.flags) == (id, 0))
    );
}

#[test]
fn short_buffer_loses_no_records() {
    let Some((mut touches, open)) = touches() else {
        return;
    };
    touches.process.resume();
    let mut buffer = vec![UNWRITTEN; 200];
    for records in [0, 1, 50, 100] {
        let cb = 16 * records;
        let code = fail(|api| (api.GetWsChanges)(open.0, buffer.as_mut_ptr(), cb));
        assert_eq!(code, INSUFFICIENT_BUFFER, "{records}");
        assert!(buffer.iter().all(|&record| record == UNWRITTEN));
        touches.process.resume();
    }
    let records = changes(open.0);
    for round in 0..5 {
        let own = records
            .iter()
            .filter(|record| is_of_round(record, &touches, round));
        assert_eq!(own.count(), 100, "{round}");
    }
    assert_eq!(records.last().unwrap().va, 0);
}

#[test]
fn ex_reports_required_size() {
    let Some((mut touches, open)) = touches() else {
        return;
    };
    touches.process.resume();
    let mut cb = 32;
    let mut buffer = vec![
        WatchInformationEx {
            basic: UNWRITTEN,
            thread: 0,
            flags: 99
        };
        10_000
    ];
    let code = fail(|api| (api.GetWsChangesEx)(open.0, buffer.as_mut_ptr(), &mut cb));
    assert_eq!(code, INSUFFICIENT_BUFFER);
    assert!(cb >= 101 * 32 && cb.is_multiple_of(32), "{cb}");
    assert_eq!(buffer[0].flags, 99);
    // The process is waiting, so the size is still correct.
    let needed = cb;
    succeed(|api| (api.GetWsChangesEx)(open.0, buffer.as_mut_ptr(), &mut cb));
    let end = buffer
        .iter()
        .position(|record| record.basic.pc == 0)
        .unwrap();
    assert_eq!(32 * (end + 1), needed as usize);
}

#[test]
fn unwritable_buffer_loses_no_records() {
    let Some((mut touches, open)) = touches() else {
        return;
    };
    touches.process.resume();
    for pointer in [null_mut(), unmapped(), read_only()] {
        assert_eq!(
            fail(|api| (api.GetWsChanges)(open.0, pointer, 1 << 20)),
            NOACCESS
        );
        let mut cb = 1 << 20;
        let code = fail(|api| (api.GetWsChangesEx)(open.0, pointer.cast(), &mut cb));
        assert_eq!(code, NOACCESS);
        let code = fail(|api| (api.GetWsChangesEx)(open.0, null_mut(), pointer.cast()));
        // The length in the read-only memory is large enough for every record.
        assert_eq!(code, NOACCESS);
    }
    let own = changes(open.0)
        .iter()
        .filter(|record| is_of_round(record, &touches, 0))
        .count();
    assert_eq!(own, 100);
}

#[test]
fn initializing_again_discards_records() {
    let Some((mut touches, open)) = touches() else {
        return;
    };
    touches.process.resume();
    succeed(|api| (api.InitializeProcessForWsWatch)(open.0));
    let faults = changes(open.0);
    assert!(!faults.iter().any(|record| is_of_round(record, &touches, 0)));
    touches.process.resume();
    let own = changes(open.0)
        .iter()
        .filter(|record| is_of_round(record, &touches, 1))
        .count();
    assert_eq!(own, 100);
}

#[test]
fn changes_require_initialization() {
    let program = Program::compile(programs::TOUCHES_ON_REQUEST, &[]);
    let process = program.start();
    let open = OpenHandle::new(QUERY, process.id().get());
    let mut buffer = [UNWRITTEN; 4];
    let code = fail(|api| (api.GetWsChanges)(open.0, buffer.as_mut_ptr(), 64));
    assert_eq!(code, INVALID_PARAMETER);
    let mut cb = 64;
    let code = fail(|api| (api.GetWsChangesEx)(open.0, null_mut(), &mut cb));
    assert_eq!(code, INVALID_PARAMETER);
}

#[test]
fn handles_share_one_watch() {
    let Some((mut touches, open)) = touches() else {
        return;
    };
    let other = OpenHandle::new(QUERY, touches.process.id().get());
    touches.process.resume();
    drop(open);
    let own = changes(other.0)
        .iter()
        .filter(|record| is_of_round(record, &touches, 0))
        .count();
    assert_eq!(own, 100);
}

#[test]
fn overflow_reports_lost_records() {
    // Each CPU's ring buffer has 2 MiB, and each fault takes 48 bytes.
    let program = Program::compile(programs::MAPS_AND_UNMAPS, &[]);
    let mut process = program.start();
    let open = OpenHandle::new(QUERY, process.id().get());
    if (api().InitializeProcessForWsWatch)(open.0) == 0 && !is_root() {
        skip("cannot watch page faults without privileges");
        return;
    }
    process.resume();
    let mut buffer = vec![UNWRITTEN; 1 << 19];
    succeed(|api| (api.GetWsChanges)(open.0, buffer.as_mut_ptr(), (16 << 19) as u32));
    let end = buffer.iter().position(|record| record.pc == 0).unwrap();
    let lost = buffer[end].va;
    assert!(lost > 0);
    assert!(end + lost >= 50 * 4096, "{end} and {lost} lost");
    assert!(end + lost < 50 * 4096 + 200, "{end} and {lost} lost");
    // Lost records are reported once.
    assert_eq!(changes(open.0).last().unwrap().va, 0);
}

#[test]
fn concurrent_call_is_no_more_items() {
    let me = OpenHandle::new(QUERY, std::process::id());
    if (api().InitializeProcessForWsWatch)(me.0) == 0 && !is_root() {
        skip("cannot watch page faults without privileges");
        return;
    }
    let handle = me.0.addr();
    let (refused, calls) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut buffer = vec![UNWRITTEN; 100_000];
                while refused.load(Ordering::Relaxed) == 0
                    && calls.load(Ordering::Relaxed) < 1 << 20
                {
                    calls.fetch_add(1, Ordering::Relaxed);
                    let handle = std::ptr::without_provenance_mut(handle);
                    if (api().GetWsChanges)(handle, buffer.as_mut_ptr(), 1_600_000) == 0 {
                        match Code((api().GetLastError)()) {
                            NO_MORE_ITEMS => refused.fetch_add(1, Ordering::Relaxed),
                            // Under `cargo test`, the faults of other tests can overflow the
                            // buffer.
                            code => {
                                assert_eq!(code, INSUFFICIENT_BUFFER);
                                0
                            }
                        };
                    }
                }
            });
        }
    });
    assert!(refused.into_inner() > 0);
}

#[test]
fn records_outlive_process() {
    let Some((mut touches, open)) = touches() else {
        return;
    };
    touches.process.resume();
    touches.process.kill();
    touches.process.reap();
    let own = changes(open.0)
        .iter()
        .filter(|record| is_of_round(record, &touches, 0))
        .count();
    assert_eq!(own, 100);
    let code = fail(|api| (api.InitializeProcessForWsWatch)(open.0));
    assert_eq!(code, PARTIAL_COPY);
}

#[test]
fn reported_size_suffices_after_new_faults() {
    let Some((mut touches, open)) = touches() else {
        return;
    };
    touches.process.resume();
    let mut cb = 0;
    let code = fail(|api| (api.GetWsChangesEx)(open.0, null_mut(), &mut cb));
    assert_eq!(code, INSUFFICIENT_BUFFER);
    assert!(cb >= 101 * 32, "{cb}");
    touches.process.resume();
    let empty = WatchInformationEx {
        basic: UNWRITTEN,
        thread: 0,
        flags: 99,
    };
    let mut buffer = vec![empty; cb as usize / 32];
    succeed(|api| (api.GetWsChangesEx)(open.0, buffer.as_mut_ptr(), &mut cb));
    let of_first = buffer
        .iter()
        .filter(|record| is_of_round(&record.basic, &touches, 0));
    assert_eq!(of_first.count(), 100);
    assert_eq!(
        buffer.last().unwrap().basic,
        WatchInformation { pc: 0, va: 0 }
    );
    // The next call returns the later faults.
    let records = changes(open.0);
    let of_second = records
        .iter()
        .filter(|record| is_of_round(record, &touches, 1));
    assert_eq!(of_second.count(), 100);
    assert!(
        !records
            .iter()
            .any(|record| is_of_round(record, &touches, 0))
    );
}

#[test]
fn failed_delivery_loses_no_record() {
    let Some((mut touches, open)) = touches() else {
        return;
    };
    touches.process.resume();
    let mut cb = 0;
    let code = fail(|api| (api.GetWsChangesEx)(open.0, null_mut(), &mut cb));
    assert_eq!(code, INSUFFICIENT_BUFFER);
    // The size suffices for the first round alone, and the pointer is invalid.
    touches.process.resume();
    let code = fail(|api| (api.GetWsChangesEx)(open.0, unmapped(), &mut cb));
    assert_eq!(code, NOACCESS);
    let records = changes(open.0);
    for round in 0..2 {
        let of_round = records
            .iter()
            .filter(|record| is_of_round(record, &touches, round));
        assert_eq!(of_round.count(), 100, "round {round}");
    }
}
