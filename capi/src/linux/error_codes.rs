//! Error codes of functions that only this half of the library has.

use crate::win32_error::Win32Error;

impl Win32Error {
    pub const FILE_NOT_FOUND: Self = Self(2);
    pub const NO_MORE_FILES: Self = Self(18);
    pub const MOD_NOT_FOUND: Self = Self(126);
    pub const PROC_NOT_FOUND: Self = Self(127);
    pub const NOT_LOCKED: Self = Self(158);
    pub const NO_MORE_ITEMS: Self = Self(259);
    pub const MR_MID_NOT_FOUND: Self = Self(317);
    pub const INVALID_ADDRESS: Self = Self(487);
    pub const INVALID_FLAGS: Self = Self(1004);
    pub const NO_UNICODE_TRANSLATION: Self = Self(1113);
    pub const NOT_ALL_ASSIGNED: Self = Self(1300);
    pub const NO_SUCH_PRIVILEGE: Self = Self(1313);
    pub const WORKING_SET_QUOTA: Self = Self(1453);
    pub const RESOURCE_LANG_NOT_FOUND: Self = Self(1815);
}
