//! The baselines with which psapi is compared, one file for each.

pub mod bare;
pub mod pagemap;
pub mod perf_event;
pub mod procfs;
pub mod ps;
pub mod sysinfo;
