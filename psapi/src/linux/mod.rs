//! How Linux is asked: one file per kernel interface, named as the kernel names it. Each is in two
//! halves, a pure parser over bytes and the read or ioctl that feeds it.

pub(crate) mod address_space;
pub(crate) mod auxv;
pub(crate) mod bus_drivers;
pub(crate) mod capture;
pub(crate) mod cgroup;
pub(crate) mod cmdline;
pub(crate) mod elf;
pub(crate) mod exe;
pub(crate) mod file;
pub(crate) mod file_name;
pub(crate) mod file_nr;
pub(crate) mod frame_file;
pub(crate) mod ids;
pub(crate) mod image_bytes;
pub(crate) mod image_layout;
pub(crate) mod images;
pub(crate) mod kallsyms;
pub(crate) mod kept_maps;
pub(crate) mod kernel_files;
pub(crate) mod kernel_stack;
pub(crate) mod link_map;
pub(crate) mod loadavg;
pub(crate) mod mapping_name;
pub(crate) mod maps;
pub(crate) mod mem;
pub(crate) mod meminfo;
#[cfg(feature = "symbols")]
pub(crate) mod module_file;
pub(crate) mod modules;
pub(crate) mod modules_builtin;
pub(crate) mod modules_dep;
pub(crate) mod mounts;
pub(crate) mod name;
pub(crate) mod namespace;
pub(crate) mod node;
pub(crate) mod osrelease;
pub(crate) mod page_features;
pub(crate) mod pagemap;
pub(crate) mod pagemap_scan;
pub(crate) mod pages;
#[cfg(feature = "symbols")]
pub(crate) mod perf_map;
pub(crate) mod pidfd;
pub(crate) mod process_madvise;
pub(crate) mod procmap_query;
#[cfg(test)]
mod round_trips;
pub(crate) mod smaps;
pub(crate) mod smaps_rollup;
pub(crate) mod stat;
pub(crate) mod status;
pub(crate) mod swaps;
pub(crate) mod task;
pub(crate) mod text;
pub(crate) mod whole_proc;
