//! The Process Status API for Linux.

mod error;
mod linux;
mod memory;
mod process;
#[cfg(feature = "serde")]
mod serialize;
mod status;
mod system;

pub use error::{Error, ErrorKind, Result};
pub use memory::{ExactMemory, FaultCount, MemoryCounters};
pub use process::{Process, ProcessId};
pub use status::{
    Capture, Cgroup, CgroupEntry, CommandLine, Fields, ImageFile, ProcessState, ProcessStatus,
    UserIds,
};
pub use system::{System, SystemBuilder};
