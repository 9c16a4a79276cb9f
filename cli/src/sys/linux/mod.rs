//! Linux.

mod clock;
mod closed_stdout;
mod exit;
mod files;
mod names;
mod privilege;
mod source;
mod streams;
pub mod texts;
mod users;

// The names that `sys/mod.rs` lists.
pub use clock::{monotonic_ns, since_boot, time_zone};
pub use exit::{ExitCode, exit};
pub use files::{find_special, keep_owner, temporary};
pub use names::{NameUnit, driver_name, name_units, process_names, push_invalid};
pub use privilege::privilege;
pub use rustix::param::page_size;
pub use source::Source;
pub use streams::{AsStream, enable_escapes, write_stdout};
pub use users::{Accounts, UserId, user_of};
