//! `libpsapi` and `psapi.dll`: the Process Status API under its original names, for C and every
//! language that can call C.
//!
//! All knowledge about processes is in the crate `psapi`. No argument from a caller is trusted. The
//! kernel copies to and from the caller's memory, so that a bad pointer is an error instead of a
//! crash.
//!
//! What differs between the systems is in `linux` and `windows`; all other files call it as
//! `platform`. On Windows, handles and the last error are those of the system. On Linux, the
//! library has its own, and the functions of `windows.h` that programs use with them.
//!
//! A module uses only modules of its own layer and of the layers below, and there are no import
//! cycles:
//!
//! ```text
//! exports                                       the whole ABI, one line per function
//! processes modules drivers memory              bodies of the functions of psapi.h
//!   mapped_file page_files performance
//!   working_set watch
//! platform                                      linux or windows:
//!   win32/{module,message,…}                      bodies of the functions of windows.h (Linux)
//!   handles                                       looks up the process of a handle
//!   watching figures                              watches, and figures that the system lacks
//!   state                                         process-wide data
//!   copy encoding fault_flags last_error          the caller's memory, texts and errors
//!     machine os_error thread_state
//! hidden_bases                                  substitutes for unknown addresses
//! user_memory text watch_information            values, names and records for the caller
//! ffi win32_error types convert system          conventions of the ABI
//! ```

mod convert;
mod drivers;
mod exports;
mod ffi;
mod hidden_bases;
#[cfg(target_os = "linux")]
mod linux;
mod mapped_file;
mod memory;
mod modules;
mod page_files;
mod performance;
mod processes;
mod system;
mod text;
mod types;
mod user_memory;
mod watch;
mod watch_information;
mod win32_error;
#[cfg(windows)]
mod windows;
mod working_set;

#[cfg(target_os = "linux")]
use linux as platform;
#[cfg(windows)]
use windows as platform;

// See `build.rs`.
#[cfg(own_unwinder)]
#[link(name = "gcc_eh", kind = "static", modifiers = "+whole-archive,-bundle")]
unsafe extern "C" {}
