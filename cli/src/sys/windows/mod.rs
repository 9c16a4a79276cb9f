//! Windows.

mod account;
mod clock;
mod debug_privilege;
mod exit;
mod files;
mod interrupt;
mod names;
mod page_size;
mod privilege;
mod source;
mod streams;
mod suspended;
pub mod texts;
mod users;

// The names that `sys/mod.rs` lists.
pub use clock::{monotonic_ns, since_boot, time_zone};
pub use exit::{ExitCode, exit};
pub use files::{find_special, keep_owner, temporary};
pub use interrupt::{catch_interrupts, is_interrupted, restore_interrupts};
pub use names::{NameUnit, driver_name, name_units, process_names, push_invalid};
pub use page_size::page_size;
pub use privilege::privilege;
pub use source::Source;
pub use streams::{AsStream, enable_escapes, write_stdout};
pub use suspended::SuspendedCommand;
pub use users::{Accounts, UserId, user_of};
