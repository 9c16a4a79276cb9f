use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::ProcessId;

/// The result of a call of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a question could not be answered: what was asked, of which process, which source refused,
/// and, where the reason is a privilege or a setting, what would allow it.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<Report>);

/// What kind of failure an [`Error`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No process has the id, or the proc file system hides it from this user.
    NoSuchProcess,
    /// The process has ended since it was pinned; another process may have its id by now.
    Ended,
    /// The kernel refused for want of a privilege; the message names it.
    AccessDenied,
    /// The process has no user address space, and so no modules and no mappings: a kernel thread.
    NoAddressSpace,
    /// An argument can't be meant, such as a module base where no module starts.
    InvalidParameter,
    /// The running kernel does not offer what the question needs.
    NotSupported,
    /// The caller broke it off.
    Cancelled,
    /// A source said something that it should not be able to say: cut off or corrupt.
    Malformed,
    /// The proc root holds no process directories: it is not a proc file system.
    NotProc,
    /// Anything else that the operating system reported.
    Os,
}

/// What was asked: in messages, "can't read the modules".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    verb: &'static str,
    noun: &'static str,
}

impl Asked {
    pub(crate) const TO_COMPARE_WORKING_SETS: Asked = Asked {
        verb: "compare",
        noun: "working sets",
    };

    pub(crate) const TO_EMPTY_WORKING_SET: Asked = Asked {
        verb: "empty",
        noun: "working set",
    };

    pub(crate) const TO_WATCH_WORKING_SET: Asked = Asked {
        verb: "watch",
        noun: "working set",
    };
}

/// Most questions are for something to read.
impl From<&'static str> for Asked {
    fn from(noun: &'static str) -> Self {
        Asked { verb: "read", noun }
    }
}

#[derive(Debug)]
struct Report {
    asked: Asked,
    process: Option<ProcessId>,
    kind: ErrorKind,
    refusal: Refusal,
}

impl Error {
    pub(crate) fn new(asked: Asked, process: Option<ProcessId>, refusal: Refusal) -> Self {
        let kind = refusal.kind(process);
        Error(Box::new(Report {
            asked,
            process,
            kind,
            refusal,
        }))
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The process that was asked, if one was.
    pub fn process(&self) -> Option<ProcessId> {
        self.0.process
    }

    /// The file or system call that refused; empty if none did.
    pub fn source_path(&self) -> &Path {
        &self.0.refusal.source
    }

    /// The operating system's error number, where it gave one.
    pub fn raw_os_error(&self) -> Option<i32> {
        match self.0.refusal.cause {
            Cause::Os(errno) => Some(errno.raw_os_error()),
            Cause::Io(ref error) => error.raw_os_error(),
            _ => None,
        }
    }

    /// What would allow the question: a capability or a setting by name.
    pub fn remedy(&self) -> Option<&'static str> {
        self.0.remedy()
    }
}

impl std::error::Error for Report {}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "can't {} the {}", self.asked.verb, self.asked.noun)?;
        if let Some(process) = self.process {
            write!(f, " of process {process}")?;
        }
        if !self.refusal.source.as_os_str().is_empty() {
            write!(f, ": {}", self.refusal.source.display())?;
        }
        f.write_str(": ")?;
        match (&self.refusal.cause, self.kind) {
            (_, ErrorKind::NoSuchProcess) => f.write_str("no such process")?,
            (_, ErrorKind::Ended) => f.write_str("the process has ended")?,
            (Cause::Os(errno), _) => write!(f, "{}", io::Error::from(*errno))?,
            (Cause::Io(error), _) => write!(f, "{error}")?,
            (Cause::NewerFormat { found, known }, _) => write!(
                f,
                "it was written by a newer version: it is of format {found}, and this version \
                 reads up to {known}"
            )?,
            (Cause::NoAddressSpace, _) => f.write_str("it has no address space")?,
            (Cause::Cancelled, _) => f.write_str("the caller broke it off")?,
            (Cause::NotProc, _) => f.write_str("no process directories here")?,
            (Cause::Malformed(what) | Cause::Unsupported(what) | Cause::Invalid(what), _) => {
                f.write_str(what)?
            }
            (Cause::NoSuchProcess { .. } | Cause::Ended, _) => {}
        }
        match self.remedy() {
            Some(remedy) => write!(f, "; {remedy}"),
            None => Ok(()),
        }
    }
}

impl Report {
    fn remedy(&self) -> Option<&'static str> {
        let file = self
            .refusal
            .source
            .file_name()
            .unwrap_or_default()
            .as_encoded_bytes();
        Some(match self.kind {
            ErrorKind::AccessDenied => match file {
                // The process's directory is named by its id.
                b"stat" | b"status" | b"cmdline" | b"cgroup" | [b'0'..=b'9', ..] => {
                    "a proc file system mounted with hidepid shows it to CAP_SYS_PTRACE \
                     and to the group of its gid= option"
                }
                _ if self.asked == Asked::TO_EMPTY_WORKING_SET => {
                    "needs CAP_SYS_NICE in the initial user namespace, unless it is the caller \
                     itself, and CAP_SYS_PTRACE for a process of another user and group; one that \
                     has changed these, whose program may not be read, or that has capabilities \
                     which the caller lacks, counts as another user's"
                }
                b"perf_event_open" => {
                    "needs CAP_PERFMON in the initial user namespace, but CAP_SYS_ADMIN where a \
                     distribution's kernel (Debian's is one) forbids it at a setting \
                     kernel.perf_event_paranoid of more than 2; for processes that the user may \
                     trace, as CAP_SYS_PTRACE may all, the setting at 2 or less will do; a seccomp \
                     filter, as of a container, may forbid it to all"
                }
                b"perf_event ring buffer" => {
                    "not one page for each processor may be locked in memory: needs CAP_IPC_LOCK, \
                     or more of the setting kernel.perf_event_mlock_kb or of RLIMIT_MEMLOCK, \
                     ulimit -l"
                }
                b"kallsyms" => "needs CAP_SYSLOG and a kernel.kptr_restrict below 2",
                b"maps" | b"smaps" | b"smaps_rollup" => {
                    "needs CAP_SYS_PTRACE in the process's user namespace, on newer kernels (6.18 \
                     is one) CAP_PERFMON will do, or the process's own user and group; a process \
                     that has changed these, whose program may not be read, or that has \
                     capabilities which the reader lacks, counts as another user's"
                }
                b"pagemap" => {
                    "needs CAP_SYS_PTRACE in the process's user namespace and, since only its user \
                     may open the file, CAP_DAC_READ_SEARCH, or the process's own user and group; a \
                     process that has changed these, whose program may not be read, or that has \
                     capabilities which the reader lacks, counts as another user's"
                }
                _ if self.process.is_some() => {
                    "needs CAP_SYS_PTRACE in the process's user namespace, or the process's own \
                     user and group; a process that has changed these, whose program may not be \
                     read, or that has capabilities which the reader lacks, counts as another user's"
                }
                _ => return None,
            },
            ErrorKind::NoSuchProcess => match self.refusal.cause {
                Cause::NoSuchProcess {
                    may_be_hidden: true,
                } => {
                    "the proc file system is mounted with hidepid, which hides other users' \
                     processes: with 2 it shows them to CAP_SYS_PTRACE and to the group of its \
                     gid= option, with 4 to CAP_SYS_PTRACE alone"
                }
                _ => return None,
            },
            ErrorKind::NoAddressSpace => "kernel threads have none",
            ErrorKind::Os => match self.refusal.cause {
                Cause::Os(Errno::MFILE) => {
                    "the caller has as many files open as it may: RLIMIT_NOFILE, ulimit -n"
                }
                Cause::Os(Errno::NFILE) => {
                    "the machine has as many files open as it may: the setting fs.file-max"
                }
                Cause::Os(Errno::AGAIN) if file == b"maps" => {
                    "it executes one program after the other, and none of them for long enough to be \
                     read: asking again may help"
                }
                _ => return None,
            },
            ErrorKind::NotProc => "the proc root must be a mounted proc file system",
            _ => return None,
        })
    }
}

/// What the `linux` layer reports: which source refused and how. The public layer adds the
/// question and the process, and so makes an [`Error`] of it.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) source: PathBuf,
    pub(crate) cause: Cause,
}

#[derive(Debug)]
pub(crate) enum Cause {
    Os(Errno),
    /// What the caller gave to read from failed.
    Io(io::Error),
    /// The source does not parse; says what is wrong with it.
    Malformed(&'static str),
    /// The kernel lacks it; says what.
    Unsupported(&'static str),
    /// The caller's argument can't be meant; says why.
    Invalid(&'static str),
    /// A file is of a later format than this version knows.
    NewerFormat {
        found: u32,
        known: u32,
    },
    NoSuchProcess {
        /// Whether the proc file system hides processes, and may hide this one.
        may_be_hidden: bool,
    },
    Ended,
    NoAddressSpace,
    NotProc,
    Cancelled,
}

impl Refusal {
    pub(crate) fn new(source: impl Into<PathBuf>, cause: Cause) -> Self {
        Refusal {
            source: source.into(),
            cause,
        }
    }

    pub(crate) fn of(self, asked: impl Into<Asked>, process: ProcessId) -> Error {
        Error::new(asked.into(), Some(process), self)
    }

    pub(crate) fn of_system(self, asked: impl Into<Asked>) -> Error {
        Error::new(asked.into(), None, self)
    }

    /// Whether the operating system said just this.
    pub(crate) fn is(&self, errno: Errno) -> bool {
        matches!(self.cause, Cause::Os(found) if found == errno)
    }

    fn kind(&self, process: Option<ProcessId>) -> ErrorKind {
        match self.cause {
            Cause::Os(Errno::ACCESS | Errno::PERM) => ErrorKind::AccessDenied,
            // A pinned process answers ESRCH once it has ended.
            Cause::Os(Errno::SRCH) if process.is_some() => ErrorKind::Ended,
            Cause::Os(Errno::NOSYS | Errno::OPNOTSUPP) => ErrorKind::NotSupported,
            Cause::Os(_) | Cause::Io(_) => ErrorKind::Os,
            Cause::Malformed(_) => ErrorKind::Malformed,
            Cause::Unsupported(_) | Cause::NewerFormat { .. } => ErrorKind::NotSupported,
            Cause::Invalid(_) => ErrorKind::InvalidParameter,
            Cause::NoSuchProcess { .. } => ErrorKind::NoSuchProcess,
            Cause::Ended => ErrorKind::Ended,
            Cause::NoAddressSpace => ErrorKind::NoAddressSpace,
            Cause::NotProc => ErrorKind::NotProc,
            Cause::Cancelled => ErrorKind::Cancelled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_was_reached_is_named() {
        for (errno, name) in [
            (Errno::MFILE, "RLIMIT_NOFILE"),
            (Errno::NFILE, "fs.file-max"),
        ] {
            let error = Refusal::new("/proc/1", Cause::Os(errno)).of_system("modules");
            assert_eq!(error.kind(), ErrorKind::Os);
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn why_a_process_can_t_be_read_just_now_is_told() {
        let refusal = Refusal::new("/proc/1/maps", Cause::Os(Errno::AGAIN));
        let error = refusal.of("modules", ProcessId::new(1));
        assert_eq!(error.kind(), ErrorKind::Os);
        assert!(error.to_string().contains("executes"), "{error}");
    }
}
