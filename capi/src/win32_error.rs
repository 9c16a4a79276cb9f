//! Error codes of the API, and the code for each error of the crate `psapi`.

use psapi::ErrorKind;

use crate::platform::os_error;

/// The result of a function that can fail with an error code.
pub type Result<T, E = Win32Error> = std::result::Result<T, E>;

/// A code that `GetLastError` returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Win32Error(pub u32);

impl Win32Error {
    pub const ACCESS_DENIED: Self = Self(5);
    pub const INVALID_HANDLE: Self = Self(6);
    pub const NOT_ENOUGH_MEMORY: Self = Self(8);
    pub const BAD_LENGTH: Self = Self(24);
    pub const GEN_FAILURE: Self = Self(31);
    pub const NOT_SUPPORTED: Self = Self(50);
    pub const UNEXP_NET_ERR: Self = Self(59);
    pub const INVALID_PARAMETER: Self = Self(87);
    pub const INSUFFICIENT_BUFFER: Self = Self(122);
    pub const PARTIAL_COPY: Self = Self(299);
    pub const NOACCESS: Self = Self(998);
    pub const FILE_INVALID: Self = Self(1006);

    /// Converts an error about a process itself: its counters or the name of its image.
    pub fn from_process_error(error: &psapi::Error) -> Self {
        match error.kind() {
            ErrorKind::Ended | ErrorKind::NoAddressSpace => Self::GEN_FAILURE,
            _ => Self::from_system_error(error),
        }
    }

    /// Converts an error about the address space of a process: its modules, mappings or pages.
    pub fn from_memory_error(error: &psapi::Error) -> Self {
        match error.kind() {
            ErrorKind::Ended | ErrorKind::NoAddressSpace => Self::PARTIAL_COPY,
            _ => Self::from_system_error(error),
        }
    }

    /// Converts an error about the system, or one with the same code for every kind of request.
    pub fn from_system_error(error: &psapi::Error) -> Self {
        match error.kind() {
            ErrorKind::NoSuchProcess | ErrorKind::InvalidParameter => Self::INVALID_PARAMETER,
            ErrorKind::AccessDenied => Self::ACCESS_DENIED,
            ErrorKind::NotSupported => {
                let code = error.raw_os_error().and_then(os_error::unsupported_code);
                code.map_or(Self::NOT_SUPPORTED, Self)
            }
            ErrorKind::Os => error
                .raw_os_error()
                .and_then(os_error::win32_code)
                .map_or(Self::GEN_FAILURE, Self),
            _ => Self::GEN_FAILURE,
        }
    }
}
