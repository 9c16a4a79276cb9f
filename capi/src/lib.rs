//! `libpsapi`: the Process Status API under its own names, for C and everything that can call C.
//!
//! It holds no knowledge of its own about processes: the crate `psapi` does. `exports.rs` is the
//! whole surface, a line a function, and says which file has its body. Nothing that a caller hands
//! over is trusted: handles are looked up (`handles.rs`), and the caller's memory is read and
//! written by the kernel (`caller.rs`).

mod address;
mod boundary;
mod caller;
mod code;
mod drivers;
mod exports;
mod handles;
mod last_error;
mod mapped_file;
mod memory;
mod modules;
mod own_id;
mod page_files;
mod performance;
mod processes;
mod shared;
mod system;
mod text;
mod types;
mod watch;
mod windows;
mod working_set;

// See `build.rs`.
#[cfg(own_unwinder)]
#[link(name = "gcc_eh", kind = "static", modifiers = "+whole-archive,-bundle")]
unsafe extern "C" {}
