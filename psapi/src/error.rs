//! Errors. Each names the operation that failed, the process, the source and the cause. If known,
//! it also names the privilege or setting that would allow the operation.
//!
//! A platform reports a [`SourceError`]. A method of the public API adds the operation, the process
//! and the remedy, which makes it an [`Error`].

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::process_id::ProcessId;

/// The result of a fallible call in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failed operation: its name, the process, and the file or system call that failed.
///
/// If a privilege or a setting would allow the operation, the message names that privilege or
/// setting.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<ErrorInner>);

/// The category of an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No process has the id, or the proc file system hides the process from the caller.
    NoSuchProcess,
    /// The process ended after it was opened. Another process might have its id now.
    Ended,
    /// The caller lacks a privilege. The message names it.
    AccessDenied,
    /// The process has no user address space, and so no modules and no mappings: it is a kernel
    /// thread.
    NoAddressSpace,
    /// An argument is invalid, such as a module base where no module starts.
    InvalidParameter,
    /// The running system does not support the operation.
    NotSupported,
    /// The caller cancelled the operation.
    Cancelled,
    /// A source is truncated or corrupt.
    Malformed,
    /// The proc root contains no process directories: it is not a proc file system. Linux only.
    NotProc,
    /// Any other error reported by the operating system.
    Os,
}

/// An operation, as error messages name it: "cannot read modules".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operation {
    verb: &'static str,
    noun: &'static str,
}

impl Operation {
    pub(crate) const OPEN_PROCESS: Operation = Operation::new("open", "");
    #[cfg(all(windows, not(psapi_stub)))]
    pub(crate) const OPEN_HANDLE: Operation = Operation::new("open", "process of handle");
    pub(crate) const OPEN_CURRENT_PROCESS: Operation = Operation::new("open", "current process");
    pub(crate) const LIST_PROCESSES: Operation = Operation::new("list", "processes");
    pub(crate) const LIST_DRIVERS: Operation = Operation::new("list", "device drivers");
    pub(crate) const LIST_PAGE_FILES: Operation = Operation::new("list", "page files");
    pub(crate) const COMPARE_WORKING_SETS: Operation = Operation::new("compare", "working sets");
    pub(crate) const READ_PAGES: Operation = Operation::new("read", "pages");
    pub(crate) const READ_WORKING_SET: Operation = Operation::new("read", "working set");
    pub(crate) const EMPTY_WORKING_SET: Operation = Operation::new("empty", "working set");
    pub(crate) const WATCH_WORKING_SET: Operation = Operation::new("watch", "working set");
    #[cfg(all(target_os = "linux", not(psapi_stub)))]
    pub(crate) const CONTINUE_THREAD: Operation = Operation::new("continue", "traced thread");
    #[cfg(all(target_os = "linux", not(psapi_stub)))]
    pub(crate) const KEEP_STOPPED: Operation = Operation::new("keep stopped", "traced thread");
    pub(crate) const TERMINATE: Operation = Operation::new("terminate", "");
    pub(crate) const WAIT: Operation = Operation::new("wait for", "");

    const fn new(verb: &'static str, noun: &'static str) -> Self {
        Operation { verb, noun }
    }
}

/// Names an operation that reads something.
impl From<&'static str> for Operation {
    fn from(noun: &'static str) -> Self {
        Operation::new("read", noun)
    }
}

/// What would allow a failed operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Remedy {
    /// A sentence that starts with a capital letter and has no full stop.
    pub(crate) text: &'static str,
    /// The capabilities that are sufficient together; empty if no capability is.
    pub(crate) capabilities: &'static [&'static str],
}

#[derive(Debug)]
struct ErrorInner {
    operation: Operation,
    process: Option<ProcessId>,
    kind: ErrorKind,
    source: SourceError,
    remedy: Option<Remedy>,
}

impl Error {
    /// Creates an error from one that a platform reported.
    pub(crate) fn new(
        operation: impl Into<Operation>,
        process: Option<ProcessId>,
        source: SourceError,
        remedy: Option<Remedy>,
    ) -> Self {
        Error(Box::new(ErrorInner {
            operation: operation.into(),
            process,
            kind: source.kind(process),
            source,
            remedy,
        }))
    }

    /// Returns the category of the error.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the process that the operation was for; `None` if it was for the whole system.
    pub fn process(&self) -> Option<ProcessId> {
        self.0.process
    }

    /// Returns the file or system call that failed; an empty path if there is none. A native call of
    /// Windows is followed by its class: `NtQueryInformationProcess(ProcessVmCounters)`.
    pub fn source_path(&self) -> &Path {
        &self.0.source.source
    }

    /// Returns the error number reported by the operating system, if there is one.
    pub fn raw_os_error(&self) -> Option<i32> {
        match self.0.source.cause {
            ErrorCause::Os { code, .. } => Some(code),
            ErrorCause::Io(ref error) => error.raw_os_error(),
            _ => None,
        }
    }

    /// Returns the capability or setting that would allow the operation, as a sentence without a
    /// full stop.
    pub fn remedy(&self) -> Option<&'static str> {
        self.0.remedy.map(|remedy| remedy.text)
    }

    /// Returns the capabilities that together would allow the operation; on Windows the privileges.
    ///
    /// They have the kernel's names, such as `CAP_SYS_PTRACE` or `SeDebugPrivilege`. The list is empty if no capability
    /// would suffice. [`remedy`](Self::remedy) has the details.
    pub fn capabilities(&self) -> &'static [&'static str] {
        self.0.remedy.map_or(&[], |remedy| remedy.capabilities)
    }

    /// Returns the first part of the message: `cannot read modules of process 7`.
    pub fn failure(&self) -> String {
        self.0.failure()
    }

    /// Returns the first part of the message, with another text for the process.
    ///
    /// This allows one message for failures of several processes, such as
    /// `cannot read modules of 12 processes`.
    pub fn failure_of(&self, processes: impl fmt::Display) -> String {
        self.0.failure_of(&processes)
    }

    /// Returns the reason, such as `permission denied`.
    ///
    /// In the message, it is between the source and the remedy.
    pub fn reason(&self) -> String {
        Reason(&self.0).to_string()
    }
}

impl ErrorInner {
    fn failure(&self) -> String {
        let Operation { verb, noun } = self.operation;
        match self.process {
            Some(process) => self.failure_of(&format_args!("process {process}")),
            None => format!("cannot {verb} {noun}"),
        }
    }

    fn failure_of(&self, processes: &dyn fmt::Display) -> String {
        let Operation { verb, noun } = self.operation;
        match noun {
            "" => format!("cannot {verb} {processes}"),
            noun => format!("cannot {verb} {noun} of {processes}"),
        }
    }
}

impl std::error::Error for ErrorInner {}

impl fmt::Display for ErrorInner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.failure())?;
        if !self.source.source.as_os_str().is_empty() {
            write!(f, ": {}", self.source.source.display())?;
        }
        write!(f, ": {}", Reason(self))?;
        match self.remedy {
            Some(remedy) => write!(f, ". {}", remedy.text),
            None => Ok(()),
        }
    }
}

/// The reason of an error, without its remedy.
struct Reason<'e>(&'e ErrorInner);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ErrorInner { source, kind, .. } = self.0;
        match (&source.cause, kind) {
            (_, ErrorKind::NoSuchProcess) => f.write_str("no such process"),
            (_, ErrorKind::Ended) => f.write_str("the process has ended"),
            (&ErrorCause::Os { code, .. }, _) => f.write_str(&os_message(code)),
            (ErrorCause::Io(error), _) => write!(f, "{error}"),
            (ErrorCause::NewerFormat { found, known }, _) => write!(
                f,
                "unsupported format {found}, written by a newer version of psapi; this version \
                 reads up to {known}"
            ),
            (ErrorCause::NoAddressSpace, _) => f.write_str("the process has no address space"),
            (ErrorCause::Cancelled, _) => f.write_str("cancelled by the caller"),
            (ErrorCause::NotProc, _) => f.write_str("no process directories found"),
            (
                ErrorCause::Malformed(text)
                | ErrorCause::Unsupported(text)
                | ErrorCause::Invalid(text),
                _,
            ) => f.write_str(text),
            // Both have a kind that was matched above.
            (ErrorCause::NoSuchProcess { .. } | ErrorCause::Ended, _) => Ok(()),
        }
    }
}

/// Returns the system's text for an error number, without the number itself. The first letter is in
/// lower case, because the text becomes part of a sentence.
fn os_message(code: i32) -> String {
    let mut text = io::Error::from_raw_os_error(code).to_string();
    let end = text.rfind(" (os error").unwrap_or(text.len());
    text.truncate(end);
    // On Windows, the text is a sentence.
    if text.ends_with('.') {
        text.pop();
    }
    // An abbreviation, such as "RPC struct is bad", keeps its capitals.
    let is_abbreviation = text.chars().nth(1).is_some_and(char::is_uppercase);
    if let Some(first) = text.get_mut(..1)
        && !is_abbreviation
    {
        first.make_ascii_lowercase();
    }
    text
}

/// An error as a platform reports it: the file or system call that failed, and the cause.
#[derive(Debug)]
pub(crate) struct SourceError {
    /// The path of a file or the name of a system call; empty if there is none.
    pub(crate) source: PathBuf,
    pub(crate) cause: ErrorCause,
}

#[derive(Debug)]
pub(crate) enum ErrorCause {
    /// The operating system reported an error number, which the platform assigned a kind.
    Os { code: i32, kind: ErrorKind },
    /// Reading from the caller's reader failed.
    Io(io::Error),
    /// The source does not parse; the text gives the reason.
    Malformed(&'static str),
    /// The system does not support the operation; the text gives the reason.
    Unsupported(&'static str),
    /// An argument is invalid; the text gives the reason.
    Invalid(&'static str),
    /// The format of a saved file is newer than the newest that this version of the crate reads.
    NewerFormat { found: u32, known: u32 },
    /// No process has the id.
    NoSuchProcess {
        /// Whether the proc file system hides processes, and so might hide this one.
        #[cfg_attr(windows, expect(dead_code, reason = "Windows hides no processes"))]
        may_be_hidden: bool,
    },
    /// The process has ended.
    Ended,
    /// The process is a kernel thread.
    NoAddressSpace,
    /// The proc root contains no process directories.
    #[cfg_attr(
        windows,
        expect(dead_code, reason = "Windows has no proc file systems")
    )]
    NotProc,
    /// The caller cancelled the operation.
    Cancelled,
}

impl SourceError {
    pub(crate) fn new(source: impl Into<PathBuf>, cause: ErrorCause) -> Self {
        SourceError {
            source: source.into(),
            cause,
        }
    }

    /// Returns the kind of this error in an operation on `process`.
    pub(crate) fn kind(&self, process: Option<ProcessId>) -> ErrorKind {
        match self.cause {
            // An operation without a process cannot fail because a process ended.
            ErrorCause::Os {
                kind: ErrorKind::Ended,
                ..
            } if process.is_none() => ErrorKind::Os,
            ErrorCause::Os { kind, .. } => kind,
            ErrorCause::Io(_) => ErrorKind::Os,
            ErrorCause::Malformed(_) => ErrorKind::Malformed,
            ErrorCause::Unsupported(_) | ErrorCause::NewerFormat { .. } => ErrorKind::NotSupported,
            ErrorCause::Invalid(_) => ErrorKind::InvalidParameter,
            ErrorCause::NoSuchProcess { .. } => ErrorKind::NoSuchProcess,
            ErrorCause::Ended => ErrorKind::Ended,
            ErrorCause::NoAddressSpace => ErrorKind::NoAddressSpace,
            ErrorCause::NotProc => ErrorKind::NotProc,
            ErrorCause::Cancelled => ErrorKind::Cancelled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_names_operation_process_and_remedy() {
        let source = SourceError::new("SOURCE", ErrorCause::Malformed("the line is truncated"));
        let remedy = Remedy {
            text: "Retry",
            capabilities: &["CAP_SYS_PTRACE"],
        };
        let error = Error::new("modules", Some(ProcessId::new(7)), source, Some(remedy));
        assert_eq!(
            error.to_string(),
            "cannot read modules of process 7: SOURCE: the line is truncated. Retry"
        );
        assert_eq!(error.reason(), "the line is truncated");
        assert_eq!(
            error.failure_of("2 processes"),
            "cannot read modules of 2 processes"
        );
        assert_eq!(error.capabilities(), ["CAP_SYS_PTRACE"]);
    }

    #[test]
    fn opening_has_no_noun() {
        let source = SourceError::new("", ErrorCause::Ended);
        let error = Error::new(
            Operation::OPEN_PROCESS,
            Some(ProcessId::new(7)),
            source,
            None,
        );
        assert_eq!(error.failure_of("process 7"), "cannot open process 7");
    }

    #[test]
    fn message_without_source_has_no_path() {
        let source = SourceError::new("", ErrorCause::Cancelled);
        let error = Error::new(Operation::LIST_PROCESSES, None, source, None);
        assert_eq!(
            error.to_string(),
            "cannot list processes: cancelled by the caller"
        );
    }

    #[test]
    fn ended_process_needs_a_process() {
        let ended = || {
            let kind = ErrorKind::Ended;
            SourceError::new("", ErrorCause::Os { code: 3, kind })
        };
        assert_eq!(ended().kind(Some(ProcessId::new(1))), ErrorKind::Ended);
        assert_eq!(ended().kind(None), ErrorKind::Os);
    }
}
