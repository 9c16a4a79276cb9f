//! The kernel interfaces that psapi prefers, and the older ones that it falls back to. Tests
//! compare the results of both on one kernel.

use psapi::System;

use crate::seccomp::{PAGEMAP_SCAN, PROCMAP_QUERY};

/// The variable that restricts tests to the interfaces that psapi chooses by itself.
///
/// It is set in the guests of `cargo xtask kernels`. There, a broken fallback fails on the old
/// kernels that need it, and on no others.
const NATIVE_ONLY: &str = "PSAPI_NATIVE_ONLY";

/// Returns all items, or only the first one if `PSAPI_NATIVE_ONLY` is set.
pub fn selected<T>(interfaces: impl IntoIterator<Item = T>) -> Vec<T> {
    let count = if std::env::var_os(NATIVE_ONLY).is_some() {
        1
    } else {
        usize::MAX
    };
    interfaces.into_iter().take(count).collect()
}

/// Returns every set of the two newer requests that a test can disable, with a name.
pub fn disabled_sets() -> Vec<(&'static str, &'static [u32])> {
    selected([
        ("all requests", &[][..]),
        ("no PAGEMAP_SCAN", &[PAGEMAP_SCAN]),
        ("no PROCMAP_QUERY", &[PROCMAP_QUERY]),
        ("neither", &[PAGEMAP_SCAN, PROCMAP_QUERY]),
    ])
}

/// Returns a system that does not use the given requests.
pub fn with_disabled(requests: &[u32]) -> System {
    let mut builder = System::builder();
    for &request in requests {
        builder = match request {
            PAGEMAP_SCAN => builder.without_pagemap_scan(),
            _ => builder.without_procmap_query(),
        };
    }
    builder.build()
}

/// Returns systems that read pages by `PAGEMAP_SCAN`, if supported, and from `pagemap` entries.
pub fn page_interfaces() -> Vec<(&'static str, System)> {
    selected([
        ("scan", with_disabled(&[])),
        ("entries", with_disabled(&[PAGEMAP_SCAN])),
    ])
}

/// Returns systems that read mappings by `PROCMAP_QUERY`, if supported, and from the text of
/// `maps`.
pub fn mapping_interfaces() -> Vec<System> {
    selected([with_disabled(&[]), with_disabled(&[PROCMAP_QUERY])])
}
