//! Windows, by native calls of `ntdll`, in three layers.
//!
//! - `nt` has all calls, and `class` the information classes that they are asked for.
//! - `layouts` parses what the calls return.
//! - All other modules combine calls and parsers into answers, and choose between calls if a
//!   version of Windows lacks one.
//!
//! The parsers also compile for the tests of other systems.

#[cfg(windows)]
mod access;
#[cfg(windows)]
mod address_space;
#[cfg(windows)]
mod buffer;
#[cfg(windows)]
mod capture;
#[cfg(windows)]
mod class;
#[cfg(windows)]
mod command_line;
#[cfg_attr(not(windows), allow(dead_code, reason = "only tests use it"))]
mod device_names;
#[cfg(windows)]
mod drivers;
#[cfg(windows)]
mod empty;
#[cfg(all(test, windows))]
mod ending_tests;
#[cfg(windows)]
mod faults;
#[cfg(windows)]
mod image_file;
#[cfg(all(test, windows))]
mod interception;
#[cfg(windows)]
mod io;
#[cfg_attr(not(windows), allow(dead_code, reason = "only tests use the parsers"))]
mod layouts;
#[cfg(windows)]
mod lifetime;
#[cfg(windows)]
mod listing;
#[cfg(windows)]
mod mappings;
#[cfg(windows)]
mod memory;
#[cfg_attr(not(windows), allow(dead_code, reason = "only tests use it"))]
mod memory_windows;
#[cfg(all(windows, feature = "symbols"))]
mod missing;
#[cfg(windows)]
mod modules;
#[cfg(windows)]
mod nt;
#[cfg(windows)]
mod owner;
#[cfg(windows)]
mod page_files;
#[cfg(windows)]
mod pages;
#[cfg(windows)]
mod performance;
#[cfg(windows)]
mod process;
#[cfg(windows)]
mod processors;
#[cfg(windows)]
mod read_memory;
#[cfg(windows)]
mod recorded_faults;
#[cfg(all(test, windows))]
mod refusal_tests;
#[cfg(windows)]
mod remedy;
#[cfg(all(windows, standin))]
mod standin;
#[cfg(windows)]
mod status;
#[cfg(windows)]
mod system;
#[cfg(windows)]
mod text;
#[cfg(windows)]
mod thread_name;

// The names that `sys/mod.rs` lists.
#[cfg(windows)]
pub(crate) use access::access;
#[cfg(windows)]
pub(crate) use capture::{CaptureBuffers, capture, status};
#[cfg(windows)]
pub(crate) use command_line::command_line;
#[cfg(windows)]
pub(crate) use drivers::{device_drivers, loaded_drivers};
#[cfg(windows)]
pub(crate) use empty::empty_working_set;
#[cfg(windows)]
pub(crate) use faults::{FaultWatch, watch};
#[cfg(windows)]
pub(crate) use image_file::image_file;
#[cfg(windows)]
pub(crate) use io::{handle_count, io_counters};
#[cfg(windows)]
pub(crate) use lifetime::{exit_status, has_ended, terminate, wait};
#[cfg(windows)]
pub(crate) use listing::{process_ids, thread_ids};
#[cfg(windows)]
pub(crate) use mappings::{mapped_file, mappings, mappings_from};
#[cfg(windows)]
pub(crate) use memory::{exact_memory, memory_counters};
#[cfg(all(windows, feature = "symbols"))]
pub(crate) use missing::*;
#[cfg(windows)]
pub(crate) use modules::{executable, module_at, modules};
#[cfg(windows)]
pub(crate) use page_files::page_files;
#[cfg(windows)]
pub(crate) use pages::{query_pages, working_set};
#[cfg(windows)]
pub(crate) use performance::performance_info;
#[cfg(windows)]
pub(crate) use process::{Process, open_current, open_process, process_from_handle};
#[cfg(windows)]
pub(crate) use processors::{cpu_times, processors};
#[cfg(windows)]
pub(crate) use read_memory::read_memory;
#[cfg(windows)]
pub(crate) use recorded_faults::recorded_faults;
#[cfg(windows)]
pub(crate) use remedy::remedy;
#[cfg(windows)]
pub(crate) use std::os::windows::io::BorrowedHandle;
#[cfg(windows)]
pub(crate) use system::{System, SystemOptions};
#[cfg(windows)]
pub(crate) use system::{
    is_of_own_pid_namespace, maps_user_ids, may_hide_processes, minimum_address,
};
#[cfg(windows)]
pub(crate) use thread_name::thread_name;
