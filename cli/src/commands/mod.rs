//! The subcommands, one file each.

pub mod completions;
pub mod drivers;
pub mod empty;
pub mod man;
pub mod mapped;
pub mod maps;
pub mod memory;
pub mod modules;
pub mod overview;
pub mod pagefiles;
mod picture_files;
pub mod ps;
pub mod system;
pub mod watch;
pub mod ws;
