//! What takes a change of the machine itself to test: loaded drivers and settings of the kernel. Each
//! test runs alone; see `.config/nextest.toml`.

#[path = "../support/mod.rs"]
mod support;

mod drivers;
mod kernel_pointers;
mod page_faults;
mod same_pages;
