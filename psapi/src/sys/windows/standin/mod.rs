//! A stand-in for information classes that Wine lacks. It answers as the public documentation
//! describes them, and passes all else to `ntdll`. Only builds with `--cfg standin` contain it.
//!
//! - `pages`: the working set list, page attributes, the record of faults, and emptying.
//! - `figures`: counters of processes, page files, and the lists of free memory.

mod figures;
mod pages;

use std::cell::Cell;
use std::os::windows::io::BorrowedHandle;

use super::class::{MemoryClass, ProcessClass, SystemClass};
use super::nt::Answer;
use super::status::Status;

thread_local! {
    /// Whether calls of this thread go to `ntdll`.
    static PASSES: Cell<bool> = const { Cell::new(false) };
}

/// Runs calls that `ntdll` answers.
fn pass<T>(calls: impl FnOnce() -> T) -> T {
    PASSES.set(true);
    let result = calls();
    PASSES.set(false);
    result
}

/// Stands in for `NtQuerySystemInformation`.
pub(crate) fn query_system(class: SystemClass, buffer: &mut [u8]) -> Option<Answer> {
    match class {
        _ if PASSES.get() => None,
        SystemClass::SystemPageFileInformation => Some(figures::page_files(buffer)),
        SystemClass::SystemMemoryListInformation => Some(figures::memory_lists(buffer)),
        _ => None,
    }
}

/// Stands in for `NtQueryInformationProcess`.
pub(crate) fn query_process(
    process: BorrowedHandle<'_>,
    class: ProcessClass,
    buffer: &mut [u8],
) -> Option<Answer> {
    match class {
        _ if PASSES.get() => None,
        ProcessClass::ProcessVmCounters => pass(|| figures::vm_counters(process, buffer)),
        ProcessClass::ProcessWorkingSetWatchEx => {
            Some(pass(|| pages::fetch_faults(process, buffer)))
        }
        _ => None,
    }
}

/// Stands in for `NtSetInformationProcess`.
pub(crate) fn set_process(
    process: BorrowedHandle<'_>,
    class: ProcessClass,
    value: &mut [u8],
) -> Option<Status> {
    match class {
        _ if PASSES.get() => None,
        ProcessClass::ProcessWorkingSetWatchEx => Some(pass(|| pages::record_faults(process))),
        ProcessClass::ProcessQuotaLimits => Some(pass(|| pages::set_limits(process, value))),
        _ => None,
    }
}

/// Stands in for `NtQueryVirtualMemory`.
pub(crate) fn query_memory(
    process: BorrowedHandle<'_>,
    _address: u64,
    class: MemoryClass,
    buffer: &mut [u8],
) -> Option<Answer> {
    match class {
        _ if PASSES.get() => None,
        MemoryClass::MemoryWorkingSetInformation => Some(pass(|| pages::list(process, buffer))),
        MemoryClass::MemoryWorkingSetExInformation => pass(|| pages::describe(process, buffer)),
        _ => None,
    }
}

/// An answer whose content does not fit.
fn too_short(status: Status, length: usize) -> Answer {
    Answer { status, length }
}
