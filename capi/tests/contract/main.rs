//! The documented contract of each function: its results and its error codes.
//!
//! The tests call the shared library by name, as a C program does. They compare the results with
//! processes, files and settings that they prepare.

#[cfg(windows)]
mod against_system;
mod api;
mod conventions;
mod device_drivers;
#[cfg(target_os = "linux")]
mod fallbacks;
#[cfg(target_os = "linux")]
mod forks;
mod handles;
mod image_names;
#[cfg(target_os = "linux")]
mod machine;
mod mapped_files;
mod memory;
mod modules;
mod page_files;
mod performance;
mod processes;
#[cfg(target_os = "linux")]
mod watch;
#[cfg(windows)]
mod watch_record;
mod watch_rights;
mod working_set;
