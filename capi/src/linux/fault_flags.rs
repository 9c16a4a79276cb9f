//! The `Flags` of a page fault in `GetWsChangesEx`.

use psapi::PageFault;

use crate::types::ULONG_PTR;

/// Returns the `Flags` of a page fault: bit 0 is set for a major fault.
pub fn of(fault: &PageFault) -> ULONG_PTR {
    fault.major.into()
}
