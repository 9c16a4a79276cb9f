//! The functions of `windows.h` and `tlhelp32.h` that programs use together with the Process Status
//! API.

pub mod allocations;
mod capabilities;
pub mod debug_output;
pub mod dos_device;
mod file_time;
pub mod heap;
pub mod image_name;
pub mod libraries;
pub mod library;
pub mod local;
pub mod memory_status;
pub mod message;
pub mod module;
pub mod name;
mod own_modules;
pub mod process_control;
pub mod process_counters;
mod ranges;
pub mod read_memory;
pub mod reservations;
pub mod snapshot;
pub mod system_info;
pub mod text_conversion;
pub mod time;
pub mod times;
pub mod token;
pub mod toolhelp;
pub mod virtual_memory;
pub mod virtual_query;
