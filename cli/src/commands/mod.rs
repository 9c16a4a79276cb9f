//! The subcommands, a file each.

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
pub mod perf;
pub mod ps;
pub mod traced;
pub mod watch;
pub mod ws;
