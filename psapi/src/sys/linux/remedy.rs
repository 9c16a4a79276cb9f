//! The capability or setting that would allow a failed operation.
//!
//! The text has every detail. The capabilities are those that are sufficient on every kernel.

use rustix::io::Errno;

use crate::error::{ErrorCause, ErrorKind, Operation, Remedy, SourceError};
use crate::process_id::ProcessId;
use crate::sys::linux::calls::{perf_event, perf_ring};
use crate::sys::linux::proc::maps;
use crate::sys::linux::system::System;
use crate::sys::linux::text;

/// Returns what would allow a failed operation; `None` if nothing is known. The sentences end
/// without a full stop.
///
/// The privilege that a file requires depends mostly on the file, so most remedies are chosen by
/// file name.
pub(crate) fn remedy(
    system: Option<&System>,
    operation: Operation,
    source: &SourceError,
    process: Option<ProcessId>,
) -> Option<Remedy> {
    let of_setting = |text| {
        Some(Remedy {
            text,
            capabilities: &[],
        })
    };
    match source.kind(process) {
        ErrorKind::AccessDenied => access_denied(system, operation, source, process),
        ErrorKind::NoSuchProcess => match source.cause {
            ErrorCause::NoSuchProcess {
                may_be_hidden: true,
            } => Some(Remedy {
                text: "The proc file system is mounted with hidepid, which hides other users' \
                       processes. With hidepid=2 it shows them to CAP_SYS_PTRACE and to the group \
                       of its gid= option, with hidepid=4 to CAP_SYS_PTRACE alone",
                capabilities: TRACE,
            }),
            _ => None,
        },
        ErrorKind::NoAddressSpace => of_setting("Kernel threads have none"),
        ErrorKind::NotProc => of_setting("The proc root must be a mounted proc file system"),
        ErrorKind::Os => match source.errno() {
            Some(Errno::MFILE) if file_name(source) == perf_event::SOURCE.as_bytes() => of_setting(
                "A watch opens two files for each thread and CPU, and the caller has reached its \
                 limit of open files, RLIMIT_NOFILE (ulimit -n)",
            ),
            Some(Errno::MFILE) => of_setting(
                "The caller has reached its limit of open files, RLIMIT_NOFILE (ulimit -n)",
            ),
            Some(Errno::NFILE) => {
                of_setting("The system has reached its limit of open files, fs.file-max")
            }
            Some(Errno::AGAIN) if file_name(source) == maps::FILE => of_setting(
                "The process keeps calling execve, and no program ran for long enough to be \
                 read. Retrying might succeed",
            ),
            _ => None,
        },
        _ => None,
    }
}

const TRACE: &[&str] = &["CAP_SYS_PTRACE"];
const TRACE_AND_OPEN: &[&str] = &["CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH"];

fn access_denied(
    system: Option<&System>,
    operation: Operation,
    source: &SourceError,
    process: Option<ProcessId>,
) -> Option<Remedy> {
    let reads_pages = [Operation::READ_WORKING_SET, Operation::READ_PAGES].contains(&operation);
    let (text, capabilities): (_, &[_]) = match file_name(source) {
        // Everyone can read these, unless hidepid denies access to the process's whole directory.
        // That directory is named by the id.
        b"stat" | b"status" | b"cmdline" | b"cgroup" | [b'0'..=b'9', ..] => (
            "A proc file system mounted with hidepid shows the process only to CAP_SYS_PTRACE and \
             to the group of its gid= option",
            TRACE,
        ),
        // Everyone can read it. A denial comes from a security module, not from a capability.
        b"swaps" => return None,
        _ if operation == Operation::EMPTY_WORKING_SET => (
            "Requires CAP_SYS_NICE in the initial user namespace, unless the process is the caller \
             itself. Also requires CAP_SYS_PTRACE, unless the process is the caller's own: with the \
             same, unchanged user and group, no capability that the caller lacks, and a readable \
             executable",
            // The kernel checks this capability last.
            if source.is(Errno::PERM) {
                &["CAP_SYS_NICE"]
            } else {
                &["CAP_SYS_NICE", "CAP_SYS_PTRACE"]
            },
        ),
        _ if operation == Operation::TERMINATE => (
            "Requires CAP_KILL in the process's user namespace, unless the process is of the \
             caller's user",
            &["CAP_KILL"],
        ),
        name if name == perf_event::SOURCE.as_bytes() => (
            "Requires CAP_PERFMON in the initial user namespace. With kernel.perf_event_paranoid \
             at 2 or less, CAP_SYS_PTRACE or being the process's own user is enough. Above 2, \
             kernels of some distributions, such as Debian, require CAP_SYS_ADMIN. A container's \
             seccomp filter can deny the call to everyone",
            if system.is_some_and(restricts_perf_events) {
                &["CAP_SYS_ADMIN"]
            } else {
                &["CAP_PERFMON"]
            },
        ),
        name if name == perf_ring::SOURCE.as_bytes() => (
            "Not even one page for each CPU could be locked in memory. Requires CAP_IPC_LOCK, or a \
             higher kernel.perf_event_mlock_kb or RLIMIT_MEMLOCK (ulimit -l)",
            &["CAP_IPC_LOCK"],
        ),
        b"kallsyms" => (
            "Requires CAP_SYSLOG and kernel.kptr_restrict below 2",
            &["CAP_SYSLOG"],
        ),
        b"maps" | b"smaps" | b"smaps_rollup" if !reads_pages => (
            "Requires CAP_SYS_PTRACE in the process's user namespace, or CAP_PERFMON on newer \
             kernels such as 6.18, unless the process is the caller's own: with the same, unchanged \
             user and group, no capability that the caller lacks, and a readable executable",
            TRACE,
        ),
        b"maps" | b"smaps" | b"smaps_rollup" | b"pagemap" => (
            "Requires CAP_SYS_PTRACE in the process's user namespace and CAP_DAC_READ_SEARCH, \
             unless the process is the caller's own: with the same, unchanged user and group, no \
             capability that the caller lacks, and a readable executable",
            TRACE_AND_OPEN,
        ),
        _ if process.is_some() => (
            "Requires CAP_SYS_PTRACE in the process's user namespace, unless the process is the \
             caller's own: with the same, unchanged user and group, no capability that the caller \
             lacks, and a readable executable",
            TRACE,
        ),
        _ => return None,
    };
    Some(Remedy { text, capabilities })
}

/// Returns true if `kernel.perf_event_paranoid` is above 2, at which some kernels require
/// `CAP_SYS_ADMIN`.
fn restricts_perf_events(system: &System) -> bool {
    const FILE: &[u8] = b"sys/kernel/perf_event_paranoid";
    let mut content = Vec::new();
    let read = system
        .proc_directory()
        .map(|proc| proc.read(FILE, &mut content));
    let level = text::signed_decimal(content.trim_ascii());
    matches!(read, Ok(Ok(()))) && level.is_some_and(|level| level > 2)
}

fn file_name(source: &SourceError) -> &[u8] {
    let name = source.source.file_name().unwrap_or_default();
    name.as_encoded_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remedy_for(file: &str, errno: Errno) -> &'static str {
        let source = SourceError::new(file, errno.into());
        remedy(None, "modules".into(), &source, Some(ProcessId::new(1)))
            .unwrap()
            .text
    }

    #[test]
    fn denied_swaps_needs_no_capability() {
        let source = SourceError::new("/proc/swaps", Errno::ACCESS.into());
        let process = Some(ProcessId::new(1));
        assert_eq!(
            remedy(None, Operation::EMPTY_WORKING_SET, &source, process),
            None
        );
    }

    #[test]
    fn descriptor_limit_is_named() {
        assert!(remedy_for("/proc/1", Errno::MFILE).contains("RLIMIT_NOFILE"));
        assert!(remedy_for("/proc/1", Errno::NFILE).contains("fs.file-max"));
    }

    #[test]
    fn endless_execve_suggests_retry() {
        assert!(remedy_for("/proc/1/maps", Errno::AGAIN).contains("execve"));
    }
}
