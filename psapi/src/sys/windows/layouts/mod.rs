//! Parsers of native structures: one file per structure or information class, named as the public
//! headers name it. They read bytes, so they need no Windows, and tests run on every system.

#[cfg(test)]
pub(crate) mod canned;
pub(crate) mod command_line;
#[cfg(all(test, windows))]
mod declared_tests;
pub(crate) mod image_headers;
pub(crate) mod io_counters;
pub(crate) mod kernel_user_times;
pub(crate) mod ldr;
pub(crate) mod memory_basic_information;
pub(crate) mod memory_mapped_filename_information;
pub(crate) mod memory_working_set_ex_information;
pub(crate) mod memory_working_set_information;
pub(crate) mod page_protection;
pub(crate) mod peb;
#[cfg(all(test, windows, any(target_arch = "x86", target_arch = "x86_64")))]
mod phnt_tests;
pub(crate) mod process_basic_information;
pub(crate) mod process_ws_watch_information;
pub(crate) mod quota_limits;
pub(crate) mod reader;
pub(crate) mod rtl_process_module_information_ex;
pub(crate) mod rtl_user_process_parameters;
pub(crate) mod sid;
#[cfg(test)]
mod size_tests;
pub(crate) mod system_basic_information;
pub(crate) mod system_filecache_information;
pub(crate) mod system_memory_list_information;
pub(crate) mod system_pagefile_information;
pub(crate) mod system_performance_information;
pub(crate) mod system_process_information;
pub(crate) mod system_processor_performance_information;
pub(crate) mod system_timeofday_information;
pub(crate) mod vm_counters;
