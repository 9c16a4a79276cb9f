//! Error codes, and which one answers to what the library says.

use psapi::ErrorKind;

/// A code that `GetLastError` tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code(pub u32);

impl Code {
    pub const ACCESS_DENIED: Code = Code(5);
    pub const INVALID_HANDLE: Code = Code(6);
    pub const NOT_ENOUGH_MEMORY: Code = Code(8);
    pub const BAD_LENGTH: Code = Code(24);
    pub const GEN_FAILURE: Code = Code(31);
    pub const NOT_SUPPORTED: Code = Code(50);
    pub const UNEXP_NET_ERR: Code = Code(59);
    pub const INVALID_PARAMETER: Code = Code(87);
    pub const INSUFFICIENT_BUFFER: Code = Code(122);
    pub const MOD_NOT_FOUND: Code = Code(126);
    pub const NOT_LOCKED: Code = Code(158);
    pub const NO_MORE_ITEMS: Code = Code(259);
    pub const PARTIAL_COPY: Code = Code(299);
    pub const MR_MID_NOT_FOUND: Code = Code(317);
    pub const INVALID_ADDRESS: Code = Code(487);
    pub const NOACCESS: Code = Code(998);
    pub const FILE_INVALID: Code = Code(1006);
    pub const WORKING_SET_QUOTA: Code = Code(1453);
    pub const RESOURCE_LANG_NOT_FOUND: Code = Code(1815);

    /// For what is a process's own and not in its memory: its counters and its image's name.
    pub fn of_process(error: &psapi::Error) -> Code {
        match error.kind() {
            ErrorKind::Ended | ErrorKind::NoAddressSpace => Code::GEN_FAILURE,
            _ => Code::of_system(error),
        }
    }

    /// For what is in a process's memory: its modules, its mappings, its pages.
    pub fn of_memory(error: &psapi::Error) -> Code {
        match error.kind() {
            ErrorKind::Ended | ErrorKind::NoAddressSpace => Code::PARTIAL_COPY,
            _ => Code::of_system(error),
        }
    }

    /// For what concerns no process, or is the same for each.
    pub fn of_system(error: &psapi::Error) -> Code {
        match error.kind() {
            ErrorKind::NoSuchProcess | ErrorKind::InvalidParameter => Code::INVALID_PARAMETER,
            ErrorKind::AccessDenied => Code::ACCESS_DENIED,
            ErrorKind::NotSupported => Code::NOT_SUPPORTED,
            ErrorKind::Os => match error.raw_os_error() {
                Some(libc::ENOMEM) => Code::NOT_ENOUGH_MEMORY,
                _ => Code::GEN_FAILURE,
            },
            _ => Code::GEN_FAILURE,
        }
    }
}
