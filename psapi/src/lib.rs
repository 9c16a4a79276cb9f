//! What is running on a Linux machine, what is loaded into it, and what memory it uses: the
//! Process Status API (PSAPI) over the kernel's own interfaces, as one safe library.
//!
//! Everything starts at a [`System`], which is `/proc` and `/sys`, here or elsewhere:
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
//! [`System::capture`] reads of every process what [`Fields`] ask for and nothing dearer. No row
//! mixes two processes, those that end meanwhile are left out, and those that may not be read keep
//! their place.
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
//! A [`Process`] is pinned: when it ends and its id is given out again, it never answers for the
//! newcomer.
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
//! [`MemoryCounters`] cost two small files. [`ExactMemory`] makes the kernel walk the process's
//! page tables, and is read only by its own name.
//!
//! ```
//! let process = psapi::System::new().current_process()?;
//! let counters = process.memory_counters()?;
//! println!("in RAM {}, at most {}", counters.working_set, counters.peak_working_set);
//! println!("faults {} and {}", counters.faults.minor, counters.faults.major);
//! let exact = process.exact_memory()?;
//! println!("nobody else has {}", exact.uss);
//! # Ok::<(), psapi::Error>(())
//! ```
//!
//! # Working sets
//!
//! A [`WorkingSet`] tells which pages are in memory or in a page file, what they are and who shares
//! them: whole, as runs of like pages, or by mapping and by module. [`Process::query_pages`] tells
//! the same of single addresses.
//!
//! ```
//! let process = psapi::System::new().current_process()?;
//! let set = process.working_set()?;
//! for (mapping, totals) in set.totals_by_mapping().filter(|(_, totals)| !totals.is_empty()) {
//!     let name = mapping.backing.label();
//!     println!("{:>10} private {:>10} of files {}", totals.private, totals.file, name.display());
//! }
//! let here = &set as *const _ as u64;
//! assert!(process.query_pages(&[here])?[0].is_valid());
//! # Ok::<(), psapi::Error>(())
//! ```
//!
//! # Pages as they come
//!
//! A [`WorkingSetWatch`] tells of each page that a process takes into its working set: the address,
//! which instruction and thread came to it, when, and whether it had to be read from a disk.
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
//! Executable and shared libraries, in the dynamic linker's order, the vDSO included; deleted and
//! replaced files, static programs and other mount namespaces make no difference.
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
//! An [`AddressMap`] tells what many addresses are part of, also once the process has ended.
//! With the feature `symbols` a `Symbolizer` tells functions and source lines.
//!
//! ```
//! let process = psapi::System::new().current_process()?;
//! let map = process.address_map()?;
//! let address = str::len as fn(&str) -> usize as usize as u64;
//! if let Some(module) = map.resolve(address).and_then(|place| place.module) {
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
//! println!("{} of {} bytes promised", info.commit_total, info.commit_limit);
//! for file in system.page_files()? {
//!     println!("{}: {} of {} bytes in use", file.path.display(), file.in_use, file.total);
//! }
//! # Ok::<(), psapi::Error>(())
//! ```
//!
//! # Conventions
//!
//! - Sizes are bytes, addresses are `u64`, names are bytes ([`OsString`](std::ffi::OsString),
//!   [`PathBuf`](std::path::PathBuf)): the kernel does not promise UTF-8.
//! - What the kernel can't tell is `None`, never 0.
//! - Each item says where its figures come from, what they cost and which privileges they need.
//!   `PROC`, `SYS` and `PID` there are the proc root, the sys root and the process.
//! - An [`Error`] says what was asked, of which process, what refused, and what would allow it.
//! - Items that answer to a PSAPI function are found by its name in the search of these pages.
//!
//! # Features
//!
//! - `serde`: `serde::Serialize` for the answers. A text that is not UTF-8 becomes a sequence of its
//!   bytes, so that nothing is lost.
//! - `symbols`: the functions and source lines of addresses, by `blazesym`, which needs a C compiler
//!   to build: `Symbolizer`.

mod access;
mod address_map;
mod capture;
mod cgroup;
mod command_line;
mod driver;
mod error;
mod fields;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod linux;
mod mapping;
mod memory;
mod module;
mod page_file;
mod performance;
mod process;
mod process_state;
#[cfg(feature = "serde")]
mod serialize;
mod status;
#[cfg(feature = "symbols")]
mod symbolizer;
mod system;
mod working_set;

pub use access::Access;
pub use address_map::{AddressMap, Place};
pub use capture::Capture;
pub use cgroup::{Cgroup, CgroupEntry};
pub use command_line::CommandLine;
pub use driver::{DeviceDriver, DriverKind, DriverState};
pub use error::{Error, ErrorKind, Result};
pub use fields::Fields;
pub use mapping::{Backing, FileId, MappedFile, MappedFileKind, Mapping};
pub use memory::{ExactMemory, FaultCount, MemoryCounters};
pub use module::{BuildId, Module, ModuleClass, ModuleFields, ModuleFilter};
pub use page_file::{PageFile, PageFileKind};
pub use performance::{HugePages, PerformanceInfo};
pub use process::{Process, ProcessId};
pub use process_state::ProcessState;
pub use status::{ImageFile, ProcessStatus, UserIds};
#[cfg(feature = "symbols")]
pub use symbolizer::{Frame, MissingSymbols, SourceLine, Symbolizer};
pub use system::{System, SystemBuilder};
pub use working_set::{
    DifferenceKind, DifferenceTotals, EmptiedWorkingSet, MappingDifference, PageAttributes,
    PageChanges, PageDifference, PageFault, PageInfo, PageRun, PageTotals, PageTransitions,
    Progress, Protection, RefusalReason, RefusedMapping, RemainingMemory, ShareCount, ShareTotals,
    TransitionTotals, WatchOptions, WorkingSet, WorkingSetDifference, WorkingSetOptions,
    WorkingSetSize, WorkingSetWatch,
};

/// Answers go from thread to thread, and questions are asked from any: this does not compile else.
#[cfg(test)]
const _: () = {
    const fn in_threads<T: Send + Sync>() {}

    in_threads::<System>();
    in_threads::<SystemBuilder>();
    in_threads::<Process>();
    in_threads::<Capture>();
    in_threads::<Error>();
    in_threads::<ErrorKind>();

    in_threads::<Access>();
    in_threads::<AddressMap>();
    in_threads::<Backing>();
    in_threads::<BuildId>();
    in_threads::<Cgroup>();
    in_threads::<CgroupEntry<'static>>();
    in_threads::<CommandLine>();
    in_threads::<DeviceDriver>();
    in_threads::<DriverKind>();
    in_threads::<DriverState>();
    in_threads::<EmptiedWorkingSet>();
    in_threads::<ExactMemory>();
    in_threads::<FaultCount>();
    in_threads::<Fields>();
    in_threads::<FileId>();
    in_threads::<HugePages>();
    in_threads::<ImageFile>();
    in_threads::<MappedFile>();
    in_threads::<MappedFileKind>();
    in_threads::<Mapping>();
    in_threads::<MemoryCounters>();
    in_threads::<Module>();
    in_threads::<ModuleClass>();
    in_threads::<ModuleFields>();
    in_threads::<ModuleFilter>();
    in_threads::<PageAttributes>();
    in_threads::<PageChanges>();
    in_threads::<PageFault>();
    in_threads::<PageFile>();
    in_threads::<PageFileKind>();
    in_threads::<PageInfo>();
    in_threads::<PageRun<'static>>();
    in_threads::<PageTotals>();
    in_threads::<Place<'static>>();
    in_threads::<PerformanceInfo>();
    in_threads::<ProcessId>();
    in_threads::<ProcessState>();
    in_threads::<ProcessStatus>();
    in_threads::<Progress>();
    in_threads::<Protection>();
    in_threads::<RefusalReason>();
    in_threads::<RefusedMapping>();
    in_threads::<RemainingMemory>();
    in_threads::<ShareCount>();
    in_threads::<ShareTotals>();
    in_threads::<UserIds>();
    in_threads::<WatchOptions>();
    in_threads::<WorkingSet>();
    in_threads::<WorkingSetDifference<'static>>();
    in_threads::<WorkingSetOptions>();
    in_threads::<WorkingSetSize>();
};

/// The answers of a [`Symbolizer`], which itself stays in its thread.
#[cfg(all(test, feature = "symbols"))]
const _: () = {
    const fn in_threads<T: Send + Sync>() {}

    in_threads::<Frame>();
    in_threads::<MissingSymbols>();
    in_threads::<SourceLine>();
};
