//! Linux, in two layers.
//!
//! - Interfaces: `proc`, `sysfs` and `calls` have one module per file or system call, named as the
//!   kernel names it.
//! - Strategies: all other modules. They combine interfaces, and choose between them if a kernel
//!   lacks one.

mod access;
mod address_space;
mod calls;
mod capture;
mod cpu_times;
mod dir;
mod drivers;
mod elf;
mod errno;
mod evict;
mod exec_info;
mod faults;
mod file_id;
mod file_name;
mod hidepid;
mod kernel_files;
mod kernel_mounts;
mod kernel_stack;
mod lifetime;
mod mapped_files;
mod mapping_name;
mod mappings;
mod maps_cache;
mod memory;
#[cfg(feature = "symbols")]
mod module_symbols;
mod modules_builtin;
mod modules_dep;
mod own_maps;
mod page_files;
mod pages;
mod performance;
mod pid_namespace;
mod proc;
mod proc_path;
mod proc_root;
mod process;
#[cfg(any(test, fuzzing))]
pub mod properties;
mod read_memory;
mod remedy;
#[cfg(test)]
mod roundtrip_tests;
#[cfg(feature = "symbols")]
mod symbols;
mod sysfs;
mod system;
mod text;
mod user_namespace;

// The names that `sys/mod.rs` lists.
pub(crate) use access::access;
pub(crate) use calls::ptrace::{continue_thread, listen};
pub(crate) use capture::{CaptureBuffers, capture};
pub(crate) use cpu_times::cpu_times;
pub(crate) use drivers::{device_drivers, loaded_drivers};
pub(crate) use elf::modules::{executable, module_at, modules};
pub(crate) use evict::empty_working_set;
pub(crate) use faults::{FaultWatch, watch};
pub(crate) use lifetime::{exit_status, terminate, wait};
pub(crate) use mappings::{mapped_file, mappings, mappings_from};
pub(crate) use page_files::page_files;
pub(crate) use pages::query::query_pages;
pub(crate) use pages::working_set::working_set;
pub(crate) use performance::performance_info;
pub(crate) use proc::comm::thread_name;
pub(crate) use proc::task::thread_ids;
pub(crate) use process::{Process, open_current, open_process};
pub(crate) use process::{cgroup, command_line, image_file};
pub(crate) use process::{exact_memory, has_ended, memory_counters, status};
pub(crate) use process::{handle_count, io_counters};
pub(crate) use read_memory::read_memory;
pub(crate) use remedy::remedy;
#[cfg(feature = "symbols")]
pub(crate) use symbols::{
    FileVersion, GeneratedFunctions, ModuleSymbols, file_version, generated_functions,
    is_kernel_address, max_open_symbols, open_symbols, symbolize_generated, symbolize_kernel,
    symbolize_module,
};
pub(crate) use system::{System, SystemOptions};
pub(crate) use system::{is_of_own_pid_namespace, may_hide_processes, process_ids};
pub(crate) use system::{minimum_address, process_owner, processors};
pub(crate) use user_namespace::maps_user_ids;
