//! The ways in which a kernel is asked: its own, which comes first, and those that older kernels have, as far
//! as this one can be had asked by them.

use psapi::System;

use super::seccomp::{PAGEMAP_SCAN, PROCMAP_QUERY};

/// Where this is set a kernel is asked in its own way alone, as in the guests of `cargo xtask kernels`: what
/// breaks the way of the old ones fails on the old ones there, and nowhere else.
const OWN_WAY_ALONE: &str = "PSAPI_OWN_WAY_ALONE";

/// The first alone, where kernels are asked in their own way.
pub fn allowed<T>(ways: impl IntoIterator<Item = T>) -> Vec<T> {
    let count = match std::env::var_os(OWN_WAY_ALONE) {
        Some(_) => 1,
        None => usize::MAX,
    };
    ways.into_iter().take(count).collect()
}

/// Every set of the two requests that newer kernels know, each with a name, to be withheld.
pub fn withheld() -> Vec<(&'static str, &'static [u32])> {
    allowed([
        ("all requests", &[][..]),
        ("no PAGEMAP_SCAN", &[PAGEMAP_SCAN]),
        ("no PROCMAP_QUERY", &[PROCMAP_QUERY]),
        ("neither", &[PAGEMAP_SCAN, PROCMAP_QUERY]),
    ])
}

/// The library told to leave requests alone.
pub fn told_to_leave(requests: &[u32]) -> System {
    let mut builder = System::builder();
    for &request in requests {
        builder = match request {
            PAGEMAP_SCAN => builder.without_pagemap_scan(),
            _ => builder.without_procmap_query(),
        };
    }
    builder.build()
}

/// By `PAGEMAP_SCAN`, where there is that, and by a word for each page.
pub fn to_pages() -> Vec<(&'static str, System)> {
    allowed([
        ("scan", told_to_leave(&[])),
        ("words", told_to_leave(&[PAGEMAP_SCAN])),
    ])
}

/// By `PROCMAP_QUERY`, where there is that, and by the text of `maps`.
pub fn to_mappings() -> Vec<System> {
    allowed([told_to_leave(&[]), told_to_leave(&[PROCMAP_QUERY])])
}
