//! System calls and ioctls: one module for each, named as the kernel names it.

pub(crate) mod io_setup;
pub(crate) mod memfd_create;
pub(crate) mod memfd_secret;
pub(crate) mod mmap;
pub(crate) mod pagemap_scan;
pub(crate) mod perf_event;
pub(crate) mod perf_record;
pub(crate) mod perf_ring;
pub(crate) mod pidfd;
pub(crate) mod process_madvise;
pub(crate) mod process_vm_readv;
pub(crate) mod procmap_query;
pub(crate) mod ptrace;
