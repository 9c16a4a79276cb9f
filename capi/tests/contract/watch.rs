//! `InitializeProcessForWsWatch`, `GetWsChanges`, `GetWsChangesEx`.

use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::api::*;
use crate::support::child::{Program, Subject};
use crate::support::privilege::{is_root, skip};

/// For each line of input it touches 100 new pages in one function.
const TOUCHES: &str = r#"
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
__attribute__((noinline)) void touch(volatile char *p, long pages) {
    for (long i = 0; i < pages; i++) p[i * 4096] = 1;
}
int main(void) {
    setvbuf(stdin, 0, _IONBF, 0);
    char *p = mmap(0, 4096 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(p, 4096 * 4096, MADV_NOHUGEPAGE);
    printf("%zx %zx\n", (size_t)p, (size_t)touch);
    fflush(stdout);
    for (char *next = p; getchar() != EOF; next += 100 * 4096) {
        touch(next, 100);
        puts("."); fflush(stdout);
    }
}"#;

struct Touches {
    subject: Subject,
    memory: usize,
    function: usize,
    _program: Program,
}

/// `None`: this user may not watch.
fn touches() -> Option<(Touches, Opened)> {
    let program = Program::compile(TOUCHES, &[]);
    let subject = program.start();
    let said: Vec<usize> = subject
        .said
        .split_whitespace()
        .map(|word| usize::from_str_radix(word, 16).unwrap())
        .collect();
    let open = Opened::new(QUERY, subject.id().get());
    if (api().InitializeProcessForWsWatch)(open.0) == 0 && !is_root() {
        assert_eq!(Code((api().GetLastError)()), ACCESS_DENIED);
        skip("this user may not watch page faults");
        return None;
    }
    done(|api| (api.InitializeProcessForWsWatch)(open.0));
    let touches = Touches {
        memory: said[0],
        function: said[1],
        subject,
        _program: program,
    };
    Some((touches, open))
}

const NOTHING: WatchInformation = WatchInformation { pc: 1, va: 1 };

/// All records, the last one included.
fn changes(handle: Handle) -> Vec<WatchInformation> {
    let mut room = vec![NOTHING; 10_000];
    done(|api| (api.GetWsChanges)(handle, room.as_mut_ptr(), 160_000));
    let end = room.iter().position(|record| record.pc == 0).unwrap();
    assert!(room[end + 1..].iter().all(|&record| record == NOTHING));
    room.truncate(end + 1);
    room
}

fn is_of(record: &WatchInformation, touches: &Touches, round: usize) -> bool {
    let start = touches.memory + round * 100 * 4096;
    (start..start + 100 * 4096).contains(&record.va)
}

#[test]
fn get_ws_changes_has_all_records_since_the_last_call() {
    let Some((mut touches, open)) = touches() else {
        return;
    };
    for round in 0..3 {
        touches.subject.proceed();
        let records = changes(open.0);
        let (last, faults) = records.split_last().unwrap();
        assert_eq!((last.pc, last.va), (0, 0), "none was lost");
        let own: Vec<_> = faults
            .iter()
            .filter(|it| is_of(it, &touches, round))
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
                .any(|it| round > 0 && is_of(it, &touches, round - 1))
        );
    }
}

#[test]
fn get_ws_changes_ex_tells_threads_and_hard_faults() {
    let Some((mut touches, open)) = touches() else {
        return;
    };
    touches.subject.proceed();
    let mut room = vec![
        WatchInformationEx {
            basic: NOTHING,
            thread: 0,
            flags: 99
        };
        10_000
    ];
    let mut cb = 320_000;
    done(|api| (api.GetWsChangesEx)(open.0, room.as_mut_ptr(), &mut cb));
    let end = room.iter().position(|record| record.basic.pc == 0).unwrap();
    let own: Vec<_> = room[..end]
        .iter()
        .filter(|record| is_of(&record.basic, &touches, 0))
        .collect();
    assert_eq!(own.len(), 100);
    let id = touches.subject.id().get() as usize;
    assert!(
        own.iter()
            .all(|record| (record.thread, record.flags) == (id, 0))
    );
}

#[test]
fn get_ws_changes_insufficient_buffer_delivers_nothing_and_loses_nothing() {
    let Some((mut touches, open)) = touches() else {
        return;
    };
    touches.subject.proceed();
    let mut room = vec![NOTHING; 200];
    for records in [0, 1, 50, 100] {
        let cb = 16 * records;
        let code = failed(|api| (api.GetWsChanges)(open.0, room.as_mut_ptr(), cb));
        assert_eq!(code, INSUFFICIENT_BUFFER, "{records}");
        assert!(room.iter().all(|&record| record == NOTHING));
        touches.subject.proceed();
    }
    let records = changes(open.0);
    for round in 0..5 {
        let own = records
            .iter()
            .filter(|record| is_of(record, &touches, round));
        assert_eq!(own.count(), 100, "{round}");
    }
    assert_eq!(records.last().unwrap().va, 0);
}

#[test]
fn get_ws_changes_ex_puts_the_size_needed_in_cb() {
    let Some((mut touches, open)) = touches() else {
        return;
    };
    touches.subject.proceed();
    let mut cb = 32;
    let mut room = vec![
        WatchInformationEx {
            basic: NOTHING,
            thread: 0,
            flags: 99
        };
        10_000
    ];
    let code = failed(|api| (api.GetWsChangesEx)(open.0, room.as_mut_ptr(), &mut cb));
    assert_eq!(code, INSUFFICIENT_BUFFER);
    assert!(cb >= 101 * 32 && cb.is_multiple_of(32), "{cb}");
    assert_eq!(room[0].flags, 99);
    // The process waits: it is the same the next time.
    let needed = cb;
    done(|api| (api.GetWsChangesEx)(open.0, room.as_mut_ptr(), &mut cb));
    let end = room.iter().position(|record| record.basic.pc == 0).unwrap();
    assert_eq!(32 * (end + 1), needed as usize);
}

#[test]
fn a_buffer_that_can_t_be_written_to_noaccess_loses_nothing() {
    let Some((mut touches, open)) = touches() else {
        return;
    };
    touches.subject.proceed();
    for to in [null_mut(), nowhere(), read_only()] {
        assert_eq!(
            failed(|api| (api.GetWsChanges)(open.0, to, 1 << 20)),
            NOACCESS
        );
        let mut cb = 1 << 20;
        let code = failed(|api| (api.GetWsChangesEx)(open.0, to.cast(), &mut cb));
        assert_eq!(code, NOACCESS);
        let code = failed(|api| (api.GetWsChangesEx)(open.0, null_mut(), to.cast()));
        // What is read only has a length in it that is too short for nothing.
        assert_eq!(code, NOACCESS);
    }
    let own = changes(open.0)
        .iter()
        .filter(|it| is_of(it, &touches, 0))
        .count();
    assert_eq!(own, 100);
}

#[test]
fn initialize_process_for_ws_watch_restarts_and_empties_the_record() {
    let Some((mut touches, open)) = touches() else {
        return;
    };
    touches.subject.proceed();
    done(|api| (api.InitializeProcessForWsWatch)(open.0));
    let faults = changes(open.0);
    assert!(!faults.iter().any(|record| is_of(record, &touches, 0)));
    touches.subject.proceed();
    let own = changes(open.0)
        .iter()
        .filter(|it| is_of(it, &touches, 1))
        .count();
    assert_eq!(own, 100);
}

#[test]
fn get_ws_changes_invalid_parameter_before_it_was_initialized() {
    let program = Program::compile(TOUCHES, &[]);
    let subject = program.start();
    let open = Opened::new(QUERY, subject.id().get());
    let mut room = [NOTHING; 4];
    let code = failed(|api| (api.GetWsChanges)(open.0, room.as_mut_ptr(), 64));
    assert_eq!(code, INVALID_PARAMETER);
    let mut cb = 64;
    let code = failed(|api| (api.GetWsChangesEx)(open.0, null_mut(), &mut cb));
    assert_eq!(code, INVALID_PARAMETER);
}

#[test]
fn all_handles_of_a_process_lead_to_the_same_record() {
    let Some((mut touches, open)) = touches() else {
        return;
    };
    let other = Opened::new(QUERY, touches.subject.id().get());
    touches.subject.proceed();
    drop(open);
    let own = changes(other.0)
        .iter()
        .filter(|it| is_of(it, &touches, 0))
        .count();
    assert_eq!(own, 100);
}

#[test]
fn a_record_that_overflows_tells_how_many_were_lost() {
    // 2 MiB for each processor, 48 bytes a fault.
    const TOUCHES_MANY: &str = r#"
    #include <stdio.h>
    #include <sys/mman.h>
    int main(void) {
        puts("."); fflush(stdout); getchar();
        for (int round = 0; round < 50; round++) {
            char *p = mmap(0, 16 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            madvise(p, 16 << 20, MADV_NOHUGEPAGE);
            for (long i = 0; i < 4096; i++) ((volatile char *)p)[i * 4096] = 1;
            munmap(p, 16 << 20);
        }
        puts("."); fflush(stdout); getchar();
    }"#;
    let program = Program::compile(TOUCHES_MANY, &[]);
    let mut subject = program.start();
    let open = Opened::new(QUERY, subject.id().get());
    if (api().InitializeProcessForWsWatch)(open.0) == 0 && !is_root() {
        skip("this user may not watch page faults");
        return;
    }
    subject.proceed();
    let mut room = vec![NOTHING; 1 << 19];
    done(|api| (api.GetWsChanges)(open.0, room.as_mut_ptr(), (16 << 19) as u32));
    let end = room.iter().position(|record| record.pc == 0).unwrap();
    let lost = room[end].va;
    assert!(lost > 0);
    assert!(end + lost >= 50 * 4096, "{end} and {lost} lost");
    assert!(end + lost < 50 * 4096 + 200, "{end} and {lost} lost");
    // They are told once.
    assert_eq!(changes(open.0).last().unwrap().va, 0);
}

#[test]
fn a_second_thread_inside_the_call_no_more_items() {
    let me = Opened::new(QUERY, std::process::id());
    if (api().InitializeProcessForWsWatch)(me.0) == 0 && !is_root() {
        skip("this user may not watch page faults");
        return;
    }
    let handle = me.0.addr();
    let (refused, calls) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut room = vec![NOTHING; 100_000];
                while refused.load(Ordering::Relaxed) == 0
                    && calls.load(Ordering::Relaxed) < 1 << 20
                {
                    calls.fetch_add(1, Ordering::Relaxed);
                    let handle = std::ptr::without_provenance_mut(handle);
                    if (api().GetWsChanges)(handle, room.as_mut_ptr(), 1_600_000) == 0 {
                        match Code((api().GetLastError)()) {
                            NO_MORE_ITEMS => refused.fetch_add(1, Ordering::Relaxed),
                            // Other tests fault a lot at the same time under `cargo test`.
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
fn the_watch_needs_query_information() {
    let open = Opened::new(LIMITED | VM_READ | SET_QUOTA, std::process::id());
    let codes = [
        failed(|api| (api.InitializeProcessForWsWatch)(open.0)),
        failed(|api| (api.GetWsChanges)(open.0, null_mut(), 0)),
        failed(|api| (api.GetWsChangesEx)(open.0, null_mut(), null_mut())),
    ];
    assert_eq!(codes, [ACCESS_DENIED; 3]);
    let codes = [
        failed(|api| (api.InitializeProcessForWsWatch)(nowhere())),
        failed(|api| (api.GetWsChanges)(nowhere(), null_mut(), 0)),
        failed(|api| (api.GetWsChangesEx)(nowhere(), null_mut(), null_mut())),
    ];
    assert_eq!(codes, [INVALID_HANDLE; 3]);
}

#[test]
fn what_a_process_did_until_its_end_is_delivered() {
    let Some((mut touches, open)) = touches() else {
        return;
    };
    touches.subject.proceed();
    touches.subject.kill();
    touches.subject.reap();
    let own = changes(open.0)
        .iter()
        .filter(|it| is_of(it, &touches, 0))
        .count();
    assert_eq!(own, 100);
    let code = failed(|api| (api.InitializeProcessForWsWatch)(open.0));
    assert_eq!(code, PARTIAL_COPY);
}

#[test]
fn the_size_that_was_told_is_enough_whatever_came_since() {
    let Some((mut touches, open)) = touches() else {
        return;
    };
    touches.subject.proceed();
    let mut cb = 0;
    let code = failed(|api| (api.GetWsChangesEx)(open.0, null_mut(), &mut cb));
    assert_eq!(code, INSUFFICIENT_BUFFER);
    assert!(cb >= 101 * 32, "{cb}");
    touches.subject.proceed();
    let empty = WatchInformationEx {
        basic: NOTHING,
        thread: 0,
        flags: 99,
    };
    let mut room = vec![empty; cb as usize / 32];
    done(|api| (api.GetWsChangesEx)(open.0, room.as_mut_ptr(), &mut cb));
    let of_first = room.iter().filter(|it| is_of(&it.basic, &touches, 0));
    assert_eq!(of_first.count(), 100);
    assert_eq!(
        room.last().unwrap().basic,
        WatchInformation { pc: 0, va: 0 }
    );
    // What came since comes with the next call.
    let records = changes(open.0);
    let of_second = records.iter().filter(|it| is_of(it, &touches, 1));
    assert_eq!(of_second.count(), 100);
    assert!(!records.iter().any(|it| is_of(it, &touches, 0)));
}
