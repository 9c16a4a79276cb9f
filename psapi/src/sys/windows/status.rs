//! Results of native calls, and the errors that they become.

use std::path::PathBuf;

use super::nt;
use crate::error::{ErrorCause, ErrorKind, SourceError};

/// An `NTSTATUS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Status(pub(crate) i32);

impl Status {
    pub(crate) const SUCCESS: Status = Status(0);
    pub(crate) const TIMEOUT: Status = Status::new(0x0000_0102);
    pub(crate) const BUFFER_OVERFLOW: Status = Status::new(0x8000_0005);
    pub(crate) const PARTIAL_COPY: Status = Status::new(0x8000_000D);
    pub(crate) const NO_MORE_ENTRIES: Status = Status::new(0x8000_001A);
    pub(crate) const NOT_IMPLEMENTED: Status = Status::new(0xC000_0002);
    pub(crate) const INVALID_INFO_CLASS: Status = Status::new(0xC000_0003);
    pub(crate) const INFO_LENGTH_MISMATCH: Status = Status::new(0xC000_0004);
    pub(crate) const ACCESS_VIOLATION: Status = Status::new(0xC000_0005);
    pub(crate) const INVALID_HANDLE: Status = Status::new(0xC000_0008);
    pub(crate) const INVALID_CID: Status = Status::new(0xC000_000B);
    pub(crate) const INVALID_PARAMETER: Status = Status::new(0xC000_000D);
    pub(crate) const NO_MEMORY: Status = Status::new(0xC000_0017);
    pub(crate) const ACCESS_DENIED: Status = Status::new(0xC000_0022);
    pub(crate) const BUFFER_TOO_SMALL: Status = Status::new(0xC000_0023);
    pub(crate) const OBJECT_TYPE_MISMATCH: Status = Status::new(0xC000_0024);
    pub(crate) const PRIVILEGE_NOT_HELD: Status = Status::new(0xC000_0061);
    pub(crate) const PROCEDURE_NOT_FOUND: Status = Status::new(0xC000_007A);
    pub(crate) const INSUFFICIENT_RESOURCES: Status = Status::new(0xC000_009A);
    pub(crate) const NOT_SUPPORTED: Status = Status::new(0xC000_00BB);
    pub(crate) const NAME_TOO_LONG: Status = Status::new(0xC000_0106);
    pub(crate) const PROCESS_IS_TERMINATING: Status = Status::new(0xC000_010A);
    pub(crate) const FILE_INVALID: Status = Status::new(0xC000_0098);
    pub(crate) const INVALID_ADDRESS: Status = Status::new(0xC000_0141);

    const fn new(bits: u32) -> Self {
        Status(bits.cast_signed())
    }

    /// Returns an error unless the status is a success or an information.
    pub(crate) fn check(self) -> Result<(), Status> {
        if self.0 >= 0 { Ok(()) } else { Err(self) }
    }

    /// Returns true if the buffer of a query was too short.
    pub(crate) fn is_too_short(self) -> bool {
        [
            Status::INFO_LENGTH_MISMATCH,
            Status::BUFFER_TOO_SMALL,
            Status::BUFFER_OVERFLOW,
        ]
        .contains(&self)
    }

    /// Returns true if this version of Windows lacks what was asked for.
    pub(crate) fn is_unsupported(self) -> bool {
        [
            Status::NOT_IMPLEMENTED,
            Status::INVALID_INFO_CLASS,
            Status::NOT_SUPPORTED,
            Status::PROCEDURE_NOT_FOUND,
        ]
        .contains(&self)
    }

    /// Returns the kind of error that the status means.
    pub(crate) fn kind(self) -> ErrorKind {
        match self {
            Status::ACCESS_DENIED | Status::PRIVILEGE_NOT_HELD => ErrorKind::AccessDenied,
            Status::INVALID_CID => ErrorKind::NoSuchProcess,
            Status::PROCESS_IS_TERMINATING => ErrorKind::Ended,
            _ if self.is_unsupported() => ErrorKind::NotSupported,
            _ => ErrorKind::Os,
        }
    }

    /// Returns an error of the call that returned the status.
    pub(crate) fn error(self, source: impl Into<PathBuf>) -> SourceError {
        self.error_of_kind(source, self.kind())
    }

    /// Returns an error of the call that returned the status, whose kind the caller knows.
    pub(crate) fn error_of_kind(self, source: impl Into<PathBuf>, kind: ErrorKind) -> SourceError {
        // Windows calls an unknown class an invalid parameter. It is none of the caller's.
        let status = if self.is_unsupported() {
            Status::NOT_SUPPORTED
        } else {
            self
        };
        let code = nt::dos_error(status).cast_signed();
        SourceError::new(source, ErrorCause::Os { code, kind })
    }
}
