//! The right or privilege that would allow a failed operation.

use super::class::{ProcessClass, SystemClass};
use super::status::Status;
use super::system::System;
use crate::error::{ErrorCause, ErrorKind, Operation, Remedy, SourceError};
use crate::process_id::ProcessId;

const DEBUG: &[&str] = &["SeDebugPrivilege"];

/// Returns what would allow a failed operation; `None` if nothing is known.
pub(crate) fn remedy(
    _: Option<&System>,
    operation: Operation,
    source: &SourceError,
    process: Option<ProcessId>,
) -> Option<Remedy> {
    let of_right = |text| {
        let capabilities = &[];
        Some(Remedy { text, capabilities })
    };
    let partial_copy = super::nt::dos_error(Status::PARTIAL_COPY).cast_signed();
    match source.kind(process) {
        ErrorKind::AccessDenied => access_denied(operation, source),
        ErrorKind::NotSupported => match source.cause {
            ErrorCause::Os { code, .. } if code == partial_copy => of_right(
                "The process has addresses of 64 bits. Requires a 64-bit version of the calling \
                 program",
            ),
            _ => None,
        },
        _ => None,
    }
}

fn access_denied(operation: Operation, source: &SourceError) -> Option<Remedy> {
    let name = source.source.to_str()?;
    let of = |query: &str, class: &str| name == format!("{query}({class})");
    let is_system = |class: SystemClass| of("NtQuerySystemInformation", class.name);
    if is_system(SystemClass::SystemMemoryListInformation) {
        return Some(Remedy {
            text: "Requires SeProfileSingleProcessPrivilege, which administrators have and can \
                   enable",
            capabilities: &["SeProfileSingleProcessPrivilege"],
        });
    }
    if name == super::process::OPEN || name == "NtOpenThread" {
        return Some(Remedy {
            text: if operation == Operation::TERMINATE {
                "Requires SeDebugPrivilege, unless the process is of the caller's user and \
                 session. Administrators have it, and can enable it. Windows protects some \
                 processes even from that"
            } else {
                "Requires SeDebugPrivilege, unless the process is of the caller's user. \
                 Administrators have it, and can enable it. Windows protects some processes even \
                 from that"
            },
            capabilities: DEBUG,
        });
    }
    // The process was opened, so its handle lacks a right.
    let text = if name == "NtReadVirtualMemory" {
        "Requires a handle with PROCESS_VM_READ"
    } else if name == "NtTerminateProcess" {
        "Requires a handle with PROCESS_TERMINATE"
    } else if name == "NtWaitForSingleObject" {
        "Requires a handle with SYNCHRONIZE"
    } else if operation == Operation::EMPTY_WORKING_SET {
        "Requires a handle with PROCESS_SET_QUOTA"
    } else if name.starts_with("NtQueryVirtualMemory") {
        "Requires a handle with PROCESS_QUERY_INFORMATION and, for pages, PROCESS_VM_READ"
    } else if of(
        "NtSetInformationProcess",
        ProcessClass::ProcessWorkingSetWatchEx.name,
    ) {
        "Requires a handle with PROCESS_SET_INFORMATION"
    } else if of(
        "NtQueryInformationProcess",
        ProcessClass::ProcessWorkingSetWatchEx.name,
    ) {
        "Requires a handle with PROCESS_QUERY_INFORMATION"
    } else if name.starts_with("NtQueryInformationProcess") {
        "Requires a handle with PROCESS_QUERY_LIMITED_INFORMATION"
    } else {
        return None;
    };
    Some(Remedy {
        text,
        capabilities: &[],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remedy_for(source: &str, status: Status) -> Option<Remedy> {
        let source = status.error(source);
        remedy(None, "modules".into(), &source, Some(ProcessId::new(8)))
    }

    #[test]
    fn denied_open_names_debug_privilege() {
        for status in [Status::ACCESS_DENIED, Status::PRIVILEGE_NOT_HELD] {
            let remedy = remedy_for("NtOpenProcess", status).unwrap();
            assert_eq!(remedy.capabilities, ["SeDebugPrivilege"]);
            assert!(remedy.text.contains("SeDebugPrivilege"));
        }
        assert_eq!(remedy_for("NtOpenProcess", Status::INVALID_CID), None);
    }

    #[test]
    fn denied_call_names_right() {
        for (source, right) in [
            ("NtReadVirtualMemory", "PROCESS_VM_READ"),
            ("NtTerminateProcess", "PROCESS_TERMINATE"),
            (
                "NtQueryInformationProcess(ProcessTimes)",
                "PROCESS_QUERY_LIMITED_INFORMATION",
            ),
            (
                "NtQueryInformationProcess(ProcessWorkingSetWatchEx)",
                "PROCESS_QUERY_INFORMATION",
            ),
            (
                "NtSetInformationProcess(ProcessWorkingSetWatchEx)",
                "PROCESS_SET_INFORMATION",
            ),
        ] {
            let remedy = remedy_for(source, Status::ACCESS_DENIED).unwrap();
            assert!(remedy.text.contains(right), "{}", remedy.text);
            assert!(remedy.capabilities.is_empty());
        }
    }
}
