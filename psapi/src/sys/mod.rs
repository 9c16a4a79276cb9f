//! The platform: everything that the rest of the crate uses of an operating system.
//!
//! This file is the complete list. Above it, code names only `crate::sys::NAME`, so a second
//! operating system is a second module with the same names. Functions return the public types of
//! the crate, and a [`SourceError`](crate::error::SourceError) whose cause is already classified.

mod os_text;

#[cfg(all(target_os = "linux", not(psapi_stub)))]
mod linux;
// The parsers need no Windows, so tests of other systems include them.
#[cfg(all(any(windows, test), not(psapi_stub)))]
mod windows;
// `--cfg psapi_stub` selects this platform on every system, which lets CI check that it is complete.
#[cfg(any(not(any(target_os = "linux", windows)), psapi_stub))]
mod unsupported;

#[cfg(all(target_os = "linux", not(psapi_stub)))]
use linux as platform;
#[cfg(any(not(any(target_os = "linux", windows)), psapi_stub))]
use unsupported as platform;
#[cfg(all(windows, not(psapi_stub)))]
use windows as platform;

// The system as a whole.
pub(crate) use platform::{
    CaptureBuffers, System, SystemOptions, capture, cpu_times, device_drivers,
    is_of_own_pid_namespace, loaded_drivers, maps_user_ids, may_hide_processes, minimum_address,
    page_files, performance_info, process_ids, processors, thread_ids, thread_name,
};
#[cfg(all(target_os = "linux", not(psapi_stub)))]
pub(crate) use platform::{cgroup, continue_thread, listen, process_owner};

// One process.
pub(crate) use platform::{
    Process, access, command_line, exact_memory, exit_status, handle_count, has_ended, image_file,
    io_counters, memory_counters, open_current, open_process, status, terminate, wait,
};

#[cfg(all(windows, not(psapi_stub)))]
pub(crate) use platform::{BorrowedHandle, process_from_handle};

// The address space of a process.
pub(crate) use platform::{
    executable, mapped_file, mappings, mappings_from, module_at, modules, read_memory,
};

// Symbols: of modules, of functions that a program generated at run time, and of the kernel.
#[cfg(feature = "symbols")]
pub(crate) use platform::{
    FileVersion, GeneratedFunctions, ModuleSymbols, file_version, generated_functions,
    is_kernel_address, max_open_symbols, open_symbols, symbolize_generated, symbolize_kernel,
    symbolize_module,
};

// The pages of one process.
#[cfg(all(windows, not(psapi_stub)))]
pub(crate) use platform::recorded_faults;
pub(crate) use platform::{FaultWatch, empty_working_set, query_pages, watch, working_set};

// Errors.
pub(crate) use platform::remedy;

// Fuzzing.
#[cfg(all(any(test, fuzzing), target_os = "linux", not(psapi_stub)))]
pub use platform::properties;

// Texts of the operating system.
pub(crate) use os_text::{foreign_text, os_str};
