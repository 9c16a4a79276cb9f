//! The Process Status API for Linux.

mod driver;
mod error;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod linux;
mod mapping;
mod memory;
mod module;
mod page_file;
mod performance;
mod process;
#[cfg(feature = "serde")]
mod serialize;
mod status;
mod system;

pub use driver::{DeviceDriver, DriverKind, DriverState};
pub use error::{Error, ErrorKind, Result};
pub use mapping::{Backing, FileId, MappedFile, MappedFileKind, Mapping};
pub use memory::{ExactMemory, FaultCount, MemoryCounters};
pub use module::{BuildId, Module, ModuleClass, ModuleFields, ModuleFilter};
pub use page_file::{PageFile, PageFileKind};
pub use performance::{HugePages, PerformanceInfo};
pub use process::{Process, ProcessId};
pub use status::{
    Capture, Cgroup, CgroupEntry, CommandLine, Fields, ImageFile, ProcessState, ProcessStatus,
    UserIds,
};
pub use system::{System, SystemBuilder};
