//! Pages as they come: `InitializeProcessForWsWatch`, `GetWsChanges`, `GetWsChangesEx`.

use std::cell::UnsafeCell;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use psapi::{PageFault, WorkingSetWatch};

use crate::address::{self, pointer};
use crate::boundary::Answer;
use crate::caller;
use crate::code::Code;
use crate::handles::{Target, resolve};
use crate::types::rights::PROCESS_QUERY_INFORMATION;
use crate::types::{
    BOOL, DWORD, HANDLE, PSAPI_WS_WATCH_INFORMATION, PSAPI_WS_WATCH_INFORMATION_EX, TRUE,
};

/// The watch on a process, and the thread that uses it.
pub struct Watch {
    /// The caller's process if one of its threads is in here, else 0.
    inside: AtomicU32,
    /// The process that started the record. What a child of it inherits can't be used: the kernel
    /// does not copy the buffers.
    owner: AtomicU32,
    record: UnsafeCell<Option<Record>>,
}

// SAFETY: only the one thread that is inside looks at the record.
unsafe impl Sync for Watch {}

/// What came and was not delivered.
struct Record {
    watch: WorkingSetWatch,
    faults: Vec<PageFault>,
    /// Room for what comes in one go.
    batch: Vec<PageFault>,
    lost: u64,
}

/// The one thread that uses a watch.
struct Inside<'w>(&'w Watch);

impl Watch {
    pub fn new() -> Self {
        Watch {
            inside: AtomicU32::new(0),
            owner: AtomicU32::new(0),
            record: UnsafeCell::new(None),
        }
    }

    /// `None`: another thread is inside.
    fn enter(&self) -> Option<Inside<'_>> {
        let own = std::process::id();
        let enter = |from| {
            let (success, failure) = (Ordering::Acquire, Ordering::Relaxed);
            self.inside.compare_exchange(from, own, success, failure)
        };
        match enter(0) {
            Ok(_) => {}
            Err(other) if other == own => return None,
            // A thread of the process that forked this one: it does not run here.
            Err(parent) => {
                enter(parent).ok()?;
            }
        }
        let inside = Inside(self);
        if self.owner.swap(own, Ordering::Relaxed) != own {
            inside.forget();
        }
        Some(inside)
    }
}

impl Inside<'_> {
    fn record(&mut self) -> &mut Option<Record> {
        // SAFETY: no other thread is inside, and this one borrows itself.
        unsafe { &mut *self.0.record.get() }
    }

    /// Leaves alone what another process had here.
    fn forget(&self) {
        // SAFETY: no other thread is inside.
        unsafe { self.0.record.get().write(None) };
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.inside.store(0, Ordering::Release);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if *self.owner.get_mut() != std::process::id() {
            // The buffers are not where the record says: something else may be.
            // SAFETY: nobody else has it any more.
            unsafe { self.record.get().write(None) };
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

impl Record {
    /// Hands over all that came, if there is room for it. Where that was refused before, what was
    /// refused then is handed over also if there is no room for what came since: who was told a size
    /// needs no larger one.
    fn deliver<T: Form>(&mut self, to: *mut T, length: usize) -> Result<(), Refused> {
        let needed = |faults: usize| (faults + 1) * size_of::<T>();
        // What does not even fit without what came since is all that is kept: so it stays bounded.
        if self.faults.is_empty() || needed(self.faults.len()) <= length {
            let lost = self.watch.changes_into(&mut self.batch);
            let lost = lost.map_err(|error| Code::of_memory(&error))?;
            let all = self.faults.len() + self.batch.len();
            if self.faults.is_empty() || needed(all) <= length {
                self.faults.append(&mut self.batch);
                self.lost += lost;
            } else {
                self.hand_over(to)?;
                self.faults.append(&mut self.batch);
                self.lost = lost;
                return Ok(());
            }
        }
        match needed(self.faults.len()) {
            needed if needed > length => Err(Refused::TooShort { needed }),
            _ => Ok(self.hand_over(to)?),
        }
    }

    fn hand_over<T: Form>(&mut self, to: *mut T) -> Answer<()> {
        let mut records = Vec::new();
        records
            .try_reserve_exact(self.faults.len() + 1)
            .map_err(|_| Code::NOT_ENOUGH_MEMORY)?;
        records.extend(self.faults.iter().map(T::of));
        records.push(T::end(self.lost));
        caller::write_all(to, &records)?;
        self.faults.clear();
        self.lost = 0;
        Ok(())
    }
}

enum Refused {
    TooShort { needed: usize },
    For(Code),
}

impl From<Code> for Refused {
    fn from(code: Code) -> Self {
        Refused::For(code)
    }
}

/// A record as one of the functions has it.
trait Form: Copy {
    fn of(fault: &PageFault) -> Self;
    /// The last one.
    fn end(lost: u64) -> Self;
}

impl Form for PSAPI_WS_WATCH_INFORMATION {
    fn of(fault: &PageFault) -> Self {
        PSAPI_WS_WATCH_INFORMATION {
            FaultingPc: pointer(fault.program_counter),
            FaultingVa: pointer(fault.address),
        }
    }

    fn end(lost: u64) -> Self {
        PSAPI_WS_WATCH_INFORMATION {
            FaultingPc: std::ptr::null_mut(),
            FaultingVa: pointer(lost),
        }
    }
}

/// `Flags`: something had to be read for it.
const HARD: usize = 1;

impl Form for PSAPI_WS_WATCH_INFORMATION_EX {
    fn of(fault: &PageFault) -> Self {
        PSAPI_WS_WATCH_INFORMATION_EX {
            BasicInfo: Form::of(fault),
            FaultingThreadId: fault.thread as usize,
            Flags: if fault.hard { HARD } else { 0 },
        }
    }

    fn end(lost: u64) -> Self {
        PSAPI_WS_WATCH_INFORMATION_EX {
            BasicInfo: Form::end(lost),
            FaultingThreadId: 0,
            Flags: 0,
        }
    }
}

pub fn initialize(process: HANDLE) -> Answer<BOOL> {
    let target = resolve(process, PROCESS_QUERY_INFORMATION)?;
    let watch = target.process.watch_working_set();
    let record = Record {
        watch: watch.map_err(|error| Code::of_memory(&error))?,
        faults: Vec::new(),
        batch: Vec::new(),
        lost: 0,
    };
    let mut inside = loop {
        match target.watch.enter() {
            Some(inside) => break inside,
            // It is about to leave.
            None => thread::yield_now(),
        }
    };
    let before = inside.record().replace(record);
    drop(inside);
    drop(before);
    Ok(TRUE)
}

fn changes<T: Form>(target: &Target, to: *mut T, length: usize) -> Result<(), Refused> {
    let mut inside = target.watch.enter().ok_or(Code::NO_MORE_ITEMS)?;
    let record = inside.record().as_mut().ok_or(Code::INVALID_PARAMETER)?;
    record.deliver(to, length)
}

pub fn ws_changes(process: HANDLE, to: *mut PSAPI_WS_WATCH_INFORMATION, cb: DWORD) -> Answer<BOOL> {
    let target = resolve(process, PROCESS_QUERY_INFORMATION)?;
    match changes(&target, to, cb as usize) {
        Ok(()) => Ok(TRUE),
        Err(Refused::TooShort { .. }) => Err(Code::INSUFFICIENT_BUFFER),
        Err(Refused::For(code)) => Err(code),
    }
}

pub fn ws_changes_ex(
    process: HANDLE,
    to: *mut PSAPI_WS_WATCH_INFORMATION_EX,
    cb: *mut DWORD,
) -> Answer<BOOL> {
    let target = resolve(process, PROCESS_QUERY_INFORMATION)?;
    let length = caller::read(cb)?;
    match changes(&target, to, length as usize) {
        Ok(()) => Ok(TRUE),
        Err(Refused::TooShort { needed }) => {
            caller::write(cb, &address::narrow(needed as u64))?;
            Err(Code::INSUFFICIENT_BUFFER)
        }
        Err(Refused::For(code)) => Err(code),
    }
}
