//! The subcommands, a file each.

pub mod completions;
pub mod man;
pub mod memory;
pub mod overview;
pub mod ps;
