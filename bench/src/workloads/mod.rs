//! The workloads, one file for each task. A workload measures its candidates; the rows in
//! [`targets`](crate::targets) select which of them are compared, and the targets.

pub mod c_library;
pub mod capture;
pub mod command;
pub mod ids;
pub mod mapped;
pub mod memory;
pub mod modules;
pub mod system_calls;
pub mod watch;
pub mod working_set;
