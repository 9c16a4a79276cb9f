//! The entries of `GetWsChanges` and `GetWsChangesEx`.

use psapi::PageFault;

use crate::convert::to_pointer;
use crate::platform::fault_flags;
use crate::types::{PSAPI_WS_WATCH_INFORMATION, PSAPI_WS_WATCH_INFORMATION_EX};
use crate::win32_error::Win32Error;

/// The reason why faults were not delivered.
pub enum DeliveryError {
    /// The buffer is smaller than this number of bytes.
    TooSmall {
        needed: usize,
    },
    Win32(Win32Error),
}

impl From<Win32Error> for DeliveryError {
    fn from(error: Win32Error) -> Self {
        DeliveryError::Win32(error)
    }
}

/// The structure of a page fault in `GetWsChanges` or `GetWsChangesEx`.
pub trait WatchInformation: Copy {
    fn entry(fault: &PageFault) -> Self;
    /// Returns the entry that ends a delivery and holds the number of lost faults.
    fn last_entry(lost: u64) -> Self;
}

impl WatchInformation for PSAPI_WS_WATCH_INFORMATION {
    fn entry(fault: &PageFault) -> Self {
        PSAPI_WS_WATCH_INFORMATION {
            FaultingPc: to_pointer(fault.program_counter),
            FaultingVa: to_pointer(fault.address),
        }
    }

    fn last_entry(lost: u64) -> Self {
        PSAPI_WS_WATCH_INFORMATION {
            FaultingPc: std::ptr::null_mut(),
            FaultingVa: to_pointer(lost),
        }
    }
}

impl WatchInformation for PSAPI_WS_WATCH_INFORMATION_EX {
    fn entry(fault: &PageFault) -> Self {
        PSAPI_WS_WATCH_INFORMATION_EX {
            BasicInfo: WatchInformation::entry(fault),
            FaultingThreadId: fault.thread as usize,
            Flags: fault_flags::of(fault),
        }
    }

    fn last_entry(lost: u64) -> Self {
        PSAPI_WS_WATCH_INFORMATION_EX {
            BasicInfo: WatchInformation::last_entry(lost),
            FaultingThreadId: 0,
            Flags: 0,
        }
    }
}
