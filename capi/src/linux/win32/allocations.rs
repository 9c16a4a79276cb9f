//! Memory that the caller must free: with `LocalFree` if `FormatMessage` allocated it, and with
//! `HeapFree` if `HeapAlloc` did.

use std::collections::BTreeSet;

/// The addresses of the allocations. No other memory is freed.
#[derive(Debug)]
pub struct Allocations(BTreeSet<usize>);

impl Allocations {
    pub const fn new() -> Self {
        Allocations(BTreeSet::new())
    }

    pub fn insert(&mut self, address: usize) {
        self.0.insert(address);
    }

    /// Removes an allocation. Returns true if it existed.
    pub fn remove(&mut self, address: usize) -> bool {
        self.0.remove(&address)
    }
}
