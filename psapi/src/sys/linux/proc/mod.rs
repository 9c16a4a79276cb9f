//! Files below `/proc`: one module for each, named as the kernel names it. Each has a parser that
//! works on bytes, so that tests need no kernel, and a function that reads the file and parses it.

pub(crate) mod auxv;
pub(crate) mod boot_id;
pub(crate) mod cgroup;
pub(crate) mod comm;
pub(crate) mod cpu_stat;
pub(crate) mod exe;
pub(crate) mod fd;
pub(crate) mod file_nr;
pub(crate) mod ids;
pub(crate) mod io;
pub(crate) mod kallsyms;
pub(crate) mod kernel_modules;
pub(crate) mod kpage;
pub(crate) mod loadavg;
pub(crate) mod maps;
pub(crate) mod meminfo;
pub(crate) mod mounts;
pub(crate) mod osrelease;
pub(crate) mod overcommit_memory;
pub(crate) mod pagemap;
pub(crate) mod root;
pub(crate) mod smaps;
pub(crate) mod smaps_rollup;
pub(crate) mod stat;
pub(crate) mod status;
pub(crate) mod swaps;
pub(crate) mod task;
pub(crate) mod timens_offsets;
