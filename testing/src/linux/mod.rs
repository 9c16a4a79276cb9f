//! Facts that only Linux arranges: made-up `/proc` trees, privileges, huge pages, swap space,
//! drivers, system call filters, and what `readelf` and the C compiler of the machine report.

pub mod browser;
pub mod compiler;
pub mod elf;
pub mod huge_pool;
pub mod interfaces;
pub mod kernel;
pub mod machine;
pub mod privilege;
pub mod rollup;
pub mod seccomp;
pub mod swap;
pub mod tree;
