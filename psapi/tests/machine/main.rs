//! Tests that change the machine itself: loaded drivers and kernel settings. Each of them runs
//! alone: see `.config/nextest.toml`.

// These settings and drivers are Linux's.
#![cfg(target_os = "linux")]

mod drivers;
mod kernel_pointers;
mod moving_pages;
mod page_faults;
mod same_pages;
