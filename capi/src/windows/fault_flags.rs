//! The `Flags` of a page fault in `GetWsChangesEx`.

use psapi::PageFault;

use crate::types::ULONG_PTR;

/// Returns the `Flags` of a page fault, which have no documented meaning.
pub fn of(_: &PageFault) -> ULONG_PTR {
    0
}
