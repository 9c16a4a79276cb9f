//! Conversions between `Errno` and the crate's errors.

use rustix::io::Errno;

use crate::error::{ErrorCause, ErrorKind, SourceError};

impl From<Errno> for ErrorCause {
    fn from(errno: Errno) -> Self {
        ErrorCause::Os {
            code: errno.raw_os_error(),
            kind: match errno {
                Errno::ACCESS | Errno::PERM => ErrorKind::AccessDenied,
                // Files of a pinned process fail with ESRCH once the process has ended.
                Errno::SRCH => ErrorKind::Ended,
                Errno::NOSYS | Errno::OPNOTSUPP => ErrorKind::NotSupported,
                _ => ErrorKind::Os,
            },
        }
    }
}

impl SourceError {
    /// Returns the error number that the kernel reported, if it reported one.
    pub(crate) fn errno(&self) -> Option<Errno> {
        match self.cause {
            ErrorCause::Os { code, .. } => Some(Errno::from_raw_os_error(code)),
            _ => None,
        }
    }

    /// Returns true if the kernel reported `errno`.
    pub(crate) fn is(&self, errno: Errno) -> bool {
        self.errno() == Some(errno)
    }
}
