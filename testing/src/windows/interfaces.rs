//! The interfaces of the system that psapi can choose from. Windows has one, so tests that compare
//! several on Linux use it alone.

use psapi::System;

/// Returns the system that reads pages.
pub fn page_interfaces() -> Vec<(&'static str, System)> {
    vec![("the system", System::new())]
}

/// Returns the system that reads mappings.
pub fn mapping_interfaces() -> Vec<System> {
    vec![System::new()]
}
