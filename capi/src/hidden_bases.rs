//! Substitutes for the load addresses of drivers that the kernel hides.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// The substitute of each driver, by driver name. A substitute does not change while the process
/// runs.
#[derive(Debug)]
pub struct HiddenBases(BTreeMap<OsString, u64>);

impl HiddenBases {
    pub const fn new() -> Self {
        HiddenBases(BTreeMap::new())
    }

    /// Returns the substitute of a driver, after assigning one if the driver is new. Substitutes
    /// are small multiples of 16, far below every address of a kernel.
    pub fn get_or_assign(&mut self, name: &OsStr) -> u64 {
        if let Some(&base) = self.0.get(name) {
            return base;
        }
        let base = 16 * (self.0.len() as u64 + 1);
        self.0.insert(name.to_owned(), base);
        base
    }
}
