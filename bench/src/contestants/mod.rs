//! Those who are measured side by side: one file for each.

pub mod bare;
pub mod pagemap;
pub mod procfs;
pub mod ps;
pub mod sysinfo;
