//! The operating system: everything that the rest of the command uses of it.
//!
//! `linux` and `windows` provide the same names, which are listed here. The watch has its own
//! platform folders, `watch/engine/linux` and `watch/engine/windows`.

#[cfg(target_os = "linux")]
mod linux;
mod not_found;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
use linux as platform;
#[cfg(windows)]
use windows as platform;

/// The differences in the texts of the help and in examples.
pub use platform::texts;

// Options that exist on one system only.
pub use platform::Source;

// The process of the command itself.
pub use platform::{ExitCode, exit, privilege};

// Names and users.
pub use not_found::NotFound;
pub use platform::{Accounts, UserId, user_of};
pub use platform::{NameUnit, driver_name, name_units, process_names, push_invalid};

// Times.
pub use platform::{monotonic_ns, since_boot, time_zone};

// Standard streams, terminals and files.
pub use platform::{AsStream, enable_escapes, find_special, keep_owner, temporary, write_stdout};

// Commands that are watched.
#[cfg(windows)]
pub use platform::{SuspendedCommand, catch_interrupts, is_interrupted, restore_interrupts};

/// The size of a page.
pub use platform::page_size;
