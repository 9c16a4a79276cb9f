//! The contract, row by row: what each function promises, and each code that it may give, through
//! the shared library and against facts that the tests arrange.

#[path = "../common/library.rs"]
mod library;
#[path = "../../../psapi/tests/support/mod.rs"]
mod support;

mod api;
mod conventions;
mod device_drivers;
mod fallbacks;
mod forks;
mod handles;
mod image_names;
mod machine;
mod mapped_files;
mod memory;
mod modules;
mod page_files;
mod performance;
mod processes;
mod watch;
mod working_set;
