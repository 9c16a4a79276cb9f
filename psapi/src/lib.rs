//! The Process Status API (PSAPI) as one safe library: which processes run on a machine, which
//! modules they have loaded, and how they use memory. It is implemented on the interfaces of the
//! kernel.
//!
//! Everything starts at a [`System`]. On Linux it stands for `/proc` and `/sys`, which can be
//! mounted elsewhere. On Windows it stands for the machine, by native calls of `ntdll`:
//!
//! ```
//! use psapi::System;
//!
//! let system = System::new();
//! println!("{} processes", system.process_ids()?.len());
//! # Ok::<(), psapi::Error>(())
//! ```
//!
//! # All processes in one pass
//!
//! [`System::capture`] reads the requested [`Fields`] of every process, and nothing more expensive.
//! No row mixes two processes. Processes that end during the pass are left out. Processes that the
//! caller cannot read are listed without the data.
//!
//! ```
//! use psapi::{Fields, System};
//!
//! let capture = System::new().capture(Fields::MEMORY | Fields::IMAGE)?;
//! for process in capture.processes() {
//!     if let (Some(name), Some(memory)) = (process.display_name(), process.memory) {
//!         println!("{:>8} {:>12} {}", process.id, memory.working_set, name.display());
//!     }
//! }
//! # Ok::<(), psapi::Error>(())
//! ```
//!
//! # One process
//!
//! A [`Process`] is pinned: after the process has ended, the handle never returns data about a
//! later process with the same id.
//!
//! ```
//! use psapi::System;
//!
//! let process = System::new().process(std::process::id())?;
//! if let Some(image) = process.image_file()? {
//!     println!("it runs {}", image.path.display());
//! }
//! for argument in process.command_line()?.arguments() {
//!     println!("  with {}", argument.display());
//! }
//! # Ok::<(), psapi::Error>(())
//! ```
//!
//! # Memory
//!
//! [`MemoryCounters`] cost two small files, and on Windows one call. [`ExactMemory`] makes the kernel walk the page tables
//! of the process, so it is read only by a method of its own. Windows does not have it.
//!
//! ```
//! let process = psapi::System::new().current_process()?;
//! let counters = process.memory_counters()?;
//! println!("in RAM {}, at most {}", counters.working_set, counters.peak_working_set);
//! println!("{} page faults", counters.faults.total());
//! # #[cfg(target_os = "linux")]
//! println!("only this process maps {}", process.exact_memory()?.uss);
//! # Ok::<(), psapi::Error>(())
//! ```
//!
//! # Working sets
//!
//! A [`WorkingSet`] lists the pages that are in memory or in a page file, with their attributes and
//! the number of sharers. It presents them as runs of equal pages, by mapping, or by module.
//! [`Process::query_pages`] returns the same for single addresses.
//!
//! ```
//! let process = psapi::System::new().current_process()?;
//! let set = process.working_set()?;
//! for (mapping, totals) in set.totals_by_mapping().filter(|(_, totals)| !totals.is_empty()) {
//!     let name = mapping.backing.label();
//!     println!("{:>10} private {:>10} in files {}", totals.private, totals.file, name.display());
//! }
//! let here = &set as *const _ as u64;
//! assert!(process.query_pages(&[here])?[0].is_valid());
//! # Ok::<(), psapi::Error>(())
//! ```
//!
//! # Page faults as they happen
//!
//! A [`WorkingSetWatch`] records each page fault of a process: its address, instruction, thread and
//! time, and whether it waited for a disk.
//!
//! ```no_run
//! let process = psapi::System::new().process(4711)?;
//! let mut watch = process.watch_working_set()?;
//! while watch.wait(None)? && !watch.has_ended()? {
//!     for fault in watch.changes()?.faults {
//!         println!("{:#x} by {:#x}", fault.address, fault.program_counter);
//!     }
//! }
//! # Ok::<(), psapi::Error>(())
//! ```
//!
//! # Modules
//!
//! Modules are the executable and the shared libraries, in the order of the dynamic linker, and the
//! vDSO. Deleted and replaced files, static executables and other mount namespaces are supported.
//!
//! ```
//! use psapi::{ModuleFilter, System};
//!
//! let process = System::new().current_process()?;
//! for module in process.modules(ModuleFilter::All)? {
//!     println!("{:#x} {:>9} {}", module.base, module.size, module.path.display());
//! }
//! # Ok::<(), psapi::Error>(())
//! ```
//!
//! # Mapped files
//!
//! ```
//! let process = psapi::System::new().current_process()?;
//! let address = "this text is a part of the program's file".as_ptr() as u64;
//! if let Some(file) = process.mapped_file(address)? {
//!     println!("{address:#x} is in {}", file.path.display());
//! }
//! for mapping in process.mappings()? {
//!     println!("{:#x} {:>12} {}", mapping.start, mapping.size(), mapping.backing.label().display());
//! }
//! # Ok::<(), psapi::Error>(())
//! ```
//!
//! # Addresses
//!
//! An [`AddressMap`] resolves many addresses to mappings and modules, even after the process has
//! ended. With the feature `symbols`, a `Symbolizer` finds functions and source lines.
//!
//! ```
//! let process = psapi::System::new().current_process()?;
//! let map = process.address_map()?;
//! let address = str::len as fn(&str) -> usize as usize as u64;
//! if let Some(module) = map.resolve(address).and_then(|location| location.module) {
//!     println!("{address:#x} is {}+{:#x}", module.path.display(), address - module.base);
//! }
//! # Ok::<(), psapi::Error>(())
//! ```
//!
//! # Device drivers
//!
//! ```
//! for driver in psapi::System::new().device_drivers()? {
//!     println!("{:?} {:x?} {}", driver.kind, driver.load_address, driver.name.display());
//! }
//! # Ok::<(), psapi::Error>(())
//! ```
//!
//! # The machine
//!
//! ```
//! let system = psapi::System::new();
//! let info = system.performance_info()?;
//! println!("{} of {} bytes committed", info.commit_total, info.commit_limit);
//! for file in system.page_files()? {
//!     println!("{}: {} of {} bytes in use", file.path.display(), file.in_use, file.total);
//! }
//! # Ok::<(), psapi::Error>(())
//! ```
//!
//! # Conventions
//!
//! - Sizes are in bytes. Addresses are `u64`, because a process can have wider addresses than its
//!   observer. Names are [`OsString`](std::ffi::OsString) and paths are
//!   [`PathBuf`](std::path::PathBuf), because the kernel does not guarantee UTF-8.
//! - A figure that the kernel does not report is `None`, never 0.
//! - Each item documents its source, its cost and the required privileges. There, `PROC` and `SYS`
//!   stand for the proc root and the sys root, and `PID` for the id of the process. On Windows, a
//!   source is an information class of a native call.
//! - Items and figures that one system lacks are marked "Linux only" or "Windows only".
//! - An [`Error`] names the operation, the process, and the file or system call that failed. If
//!   known, it also names the privilege or setting that would allow the operation.
//! - Items that correspond to a PSAPI function are found under the function's name by the search of
//!   this documentation.
//!
//! # Features
//!
//! - `serde`: implements `serde::Serialize`. A name that is not UTF-8 becomes a sequence of its
//!   bytes, so that no information is lost.
//! - `symbols`: adds `Symbolizer`, which finds the functions and source lines of addresses. Its
//!   dependency `blazesym` requires a C compiler.

#![cfg_attr(
    any(not(any(target_os = "linux", windows)), psapi_stub),
    allow(
        dead_code,
        reason = "most values are created only by a platform with support"
    )
)]

// The layers of this crate, from top to bottom. A file imports only from layers below its own.
//
// - Queries: `process` and `system`. A method makes one call into `sys`.
// - State: `capture`, `address_map`, `symbolizer` and the watch hold a type of `sys` between calls.
// - Platform: `sys/mod.rs` lists everything that the layers above use of an operating system.
//   `sys/linux` implements it: strategies over `proc`, `sysfs` and `calls`. `sys/windows`
//   implements it: strategies over `nt` and `layouts`. `sys/unsupported` implements it for every
//   other system: each operation fails.
// - Values: `error`, `fields`, `process_id`, `status`, `memory`, `mapping` and the like. They are
//   plain types, which `sys` also uses, and have no platform.

mod access;
mod address_map;
mod capture;
mod cgroup;
mod command_line;
mod cpu_times;
mod driver;
mod error;
mod exit_status;
mod fields;
#[cfg(feature = "symbols")]
mod frame;
#[cfg(all(any(test, fuzzing), target_os = "linux", not(psapi_stub)))]
#[doc(hidden)]
pub mod fuzzing;
mod io_counters;
mod mapping;
mod memory;
mod module;
mod owner;
mod page;
mod page_file;
mod performance;
mod process;
mod process_id;
mod process_state;
#[cfg(feature = "serde")]
mod serialize;
mod start_time;
mod status;
mod status_table;
#[cfg(feature = "symbols")]
mod symbolizer;
mod sys;
mod system;
mod working_set;

pub use access::Access;
pub use address_map::{AddressMap, Location};
pub use capture::Capture;
pub use cgroup::{Cgroup, CgroupEntry};
pub use command_line::CommandLine;
pub use cpu_times::CpuTimes;
pub use driver::{DeviceDriver, DriverKind, DriverState};
pub use error::{Error, ErrorKind, Result};
pub use exit_status::ExitStatus;
pub use fields::Fields;
#[cfg(feature = "symbols")]
pub use frame::{Frame, SourceLine};
pub use io_counters::IoCounters;
pub use mapping::{Backing, FileId, MappedFile, MappedFileKind, Mapping};
pub use memory::{ExactMemory, FaultCount, MemoryCounters};
pub use module::{BuildId, Module, ModuleClass, ModuleFields, ModuleFilter};
pub use owner::{Owner, ParseSidError, Sid, UserIds};
pub use page::{PageAttributes, ShareCount};
pub use page_file::{PageFile, PageFileKind};
pub use performance::{HugePages, PerformanceInfo};
pub use process::Process;
pub use process_id::ProcessId;
pub use process_state::ProcessState;
pub use start_time::StartTime;
pub use status::{ImageFile, ProcessStatus};
#[cfg(feature = "symbols")]
pub use symbolizer::{MissingSymbols, Symbolizer};
pub use system::{System, SystemBuilder};
#[cfg(windows)]
pub use working_set::RecordedFaults;
pub use working_set::watch::WorkingSetWatch;
pub use working_set::{
    DifferenceKind, DifferenceTotals, EmptiedWorkingSet, MappingDifference, PageChanges,
    PageDifference, PageFault, PageInfo, PageRun, PageTotals, PageTransitions, Progress,
    Protection, RefusalReason, RefusedMapping, RemainingMemory, ShareTotals, TransitionTotals,
    WatchOptions, WorkingSet, WorkingSetDifference, WorkingSetOptions, WorkingSetSize,
};

/// All public types can be sent to and shared between threads; compilation fails otherwise.
#[cfg(test)]
const _: () = {
    const fn assert_send_sync<T: Send + Sync>() {}

    assert_send_sync::<System>();
    assert_send_sync::<SystemBuilder>();
    assert_send_sync::<Process>();
    assert_send_sync::<Capture>();
    assert_send_sync::<Error>();
    assert_send_sync::<ErrorKind>();

    assert_send_sync::<Access>();
    assert_send_sync::<AddressMap>();
    assert_send_sync::<Backing>();
    assert_send_sync::<BuildId>();
    assert_send_sync::<Cgroup>();
    assert_send_sync::<CgroupEntry<'static>>();
    assert_send_sync::<CommandLine>();
    assert_send_sync::<CpuTimes>();
    assert_send_sync::<DeviceDriver>();
    assert_send_sync::<DriverKind>();
    assert_send_sync::<DriverState>();
    assert_send_sync::<EmptiedWorkingSet>();
    assert_send_sync::<ExactMemory>();
    assert_send_sync::<FaultCount>();
    assert_send_sync::<ExitStatus>();
    assert_send_sync::<Fields>();
    assert_send_sync::<FileId>();
    assert_send_sync::<HugePages>();
    assert_send_sync::<ImageFile>();
    assert_send_sync::<IoCounters>();
    assert_send_sync::<MappedFile>();
    assert_send_sync::<MappedFileKind>();
    assert_send_sync::<Mapping>();
    assert_send_sync::<MemoryCounters>();
    assert_send_sync::<Module>();
    assert_send_sync::<ModuleClass>();
    assert_send_sync::<ModuleFields>();
    assert_send_sync::<ModuleFilter>();
    assert_send_sync::<Owner>();
    assert_send_sync::<PageAttributes>();
    assert_send_sync::<PageChanges>();
    assert_send_sync::<PageFault>();
    assert_send_sync::<PageFile>();
    assert_send_sync::<PageFileKind>();
    assert_send_sync::<PageInfo>();
    assert_send_sync::<PageRun<'static>>();
    assert_send_sync::<PageTotals>();
    assert_send_sync::<Location<'static>>();
    assert_send_sync::<PerformanceInfo>();
    assert_send_sync::<ProcessId>();
    assert_send_sync::<ProcessState>();
    assert_send_sync::<ProcessStatus>();
    assert_send_sync::<Progress>();
    assert_send_sync::<Protection>();
    assert_send_sync::<RefusalReason>();
    assert_send_sync::<RefusedMapping>();
    assert_send_sync::<RemainingMemory>();
    assert_send_sync::<ShareCount>();
    assert_send_sync::<ShareTotals>();
    assert_send_sync::<Sid>();
    assert_send_sync::<StartTime>();
    assert_send_sync::<UserIds>();
    assert_send_sync::<WatchOptions>();
    assert_send_sync::<WorkingSet>();
    assert_send_sync::<WorkingSetDifference<'static>>();
    assert_send_sync::<WorkingSetOptions>();
    assert_send_sync::<WorkingSetSize>();
};

/// The results of a [`Symbolizer`] can be sent to other threads. The symbolizer itself cannot.
#[cfg(all(test, feature = "symbols"))]
const _: () = {
    const fn assert_send_sync<T: Send + Sync>() {}

    assert_send_sync::<Frame>();
    assert_send_sync::<MissingSymbols>();
    assert_send_sync::<SourceLine>();
};
