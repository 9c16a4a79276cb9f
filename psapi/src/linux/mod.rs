//! How Linux is asked: one file per kernel interface, named as the kernel names it. Each is in two
//! halves, a pure parser over bytes and the read or ioctl that feeds it.

pub(crate) mod bus_drivers;
pub(crate) mod capture;
pub(crate) mod cgroup;
pub(crate) mod cmdline;
pub(crate) mod exe;
pub(crate) mod file;
pub(crate) mod file_nr;
pub(crate) mod ids;
pub(crate) mod kallsyms;
pub(crate) mod kernel_files;
pub(crate) mod kernel_stack;
pub(crate) mod loadavg;
pub(crate) mod meminfo;
pub(crate) mod modules;
pub(crate) mod modules_builtin;
pub(crate) mod modules_dep;
pub(crate) mod osrelease;
#[cfg(test)]
mod round_trips;
pub(crate) mod smaps_rollup;
pub(crate) mod stat;
pub(crate) mod status;
pub(crate) mod swaps;
pub(crate) mod text;
pub(crate) mod whole_proc;
