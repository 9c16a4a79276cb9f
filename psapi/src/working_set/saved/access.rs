//! The permission bits of a mapping in the body of a saved working set.

pub(super) const READ: u8 = 1;
pub(super) const WRITE: u8 = 1 << 1;
pub(super) const EXECUTE: u8 = 1 << 2;
pub(super) const SHARED: u8 = 1 << 3;
pub(super) const ALL: u8 = READ | WRITE | EXECUTE | SHARED;
