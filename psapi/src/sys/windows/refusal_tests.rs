//! Processes and handles that Windows refuses, as it does for protected processes, for processes of
//! other users, and for handles without a right. Wine refuses nothing, so the calls are replaced.

use std::os::windows::io::AsHandle as _;

use testing::{Program, TestProcess, programs};

use super::class::SystemClass;
use super::interception::{calls_of, refusing};
use super::nt;
use super::status::Status;
use crate::{Capture, ErrorKind, Fields, ModuleFilter, Process, ProcessStatus, System};

/// `ERROR_ACCESS_DENIED`.
const ACCESS_DENIED: i32 = 5;

const BY_HANDLE: Fields = Fields::USER
    .union(Fields::IMAGE)
    .union(Fields::COMMAND_LINE);

fn child() -> TestProcess {
    Program::compile(programs::WAITS, &[]).start()
}

fn row(child: &TestProcess, fields: Fields) -> ProcessStatus {
    let mut capture = Capture::new(fields);
    capture.refresh(&System::new()).unwrap();
    let mut rows = capture.processes().iter();
    rows.find(|row| row.id.get() == child.id().get())
        .unwrap()
        .clone()
}

#[test]
fn refused_process_keeps_row_and_image() {
    let child = child();
    let fields = BY_HANDLE | Fields::MEMORY;
    let granted = row(&child, fields);
    assert_eq!(granted.unreadable, Fields::empty());
    let refused = refusing("NtOpenProcess", Status::ACCESS_DENIED, || {
        row(&child, fields)
    });
    assert_eq!(refused.name, granted.name);
    assert_eq!(refused.parent, granted.parent);
    assert_eq!(refused.start, granted.start);
    assert_eq!(refused.threads, granted.threads);
    assert!(refused.memory.unwrap().working_set > 0);
    // Its image is known by the id alone.
    assert!(granted.image.is_some());
    assert_eq!(refused.image, granted.image);
    assert_eq!((refused.user, refused.command_line), (None, None));
    assert_eq!(refused.unreadable, Fields::USER | Fields::COMMAND_LINE);
}

#[test]
fn refused_process_without_image_is_unreadable() {
    let child = child();
    let refused = super::interception::intercept(
        {
            let mut is_listed = false;
            move |name| match name {
                "NtOpenProcess" => Some(Status::ACCESS_DENIED),
                // The first is the list of processes.
                "NtQuerySystemInformation" if is_listed => Some(Status::INVALID_INFO_CLASS),
                "NtQuerySystemInformation" => {
                    is_listed = true;
                    None
                }
                _ => None,
            }
        },
        || row(&child, Fields::IMAGE),
    );
    assert_eq!((refused.image, refused.unreadable), (None, Fields::IMAGE));
}

#[test]
fn refused_open_names_privilege() {
    let child = child();
    let open = || System::new().process(child.id().get());
    let error = refusing("NtOpenProcess", Status::ACCESS_DENIED, open).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
    assert_eq!(error.raw_os_error(), Some(ACCESS_DENIED));
    assert_eq!(error.capabilities(), ["SeDebugPrivilege"]);
    let text = error.to_string();
    assert!(text.contains("NtOpenProcess") && text.contains("SeDebugPrivilege"));
    // A process that was opened for its figures can still refuse its memory.
    let process = open().unwrap();
    let modules = || process.modules(ModuleFilter::All);
    let error = refusing("NtOpenProcess", Status::ACCESS_DENIED, modules).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
    assert_eq!(error.capabilities(), ["SeDebugPrivilege"]);
    assert!(process.memory_counters().unwrap().working_set > 0);
}

/// A handle that the caller gave, and the right that each refused call names.
#[test]
fn refused_call_names_missing_right() {
    let child = child();
    let handle = nt::open_process(child.id().get(), 0x1F_FFFF).unwrap();
    let process = System::new()
        .process_from_handle(handle.as_handle())
        .unwrap();
    type Question = fn(&Process) -> crate::Result<()>;
    let questions: &[(&str, Question, &str)] = &[
        (
            "NtQueryInformationProcess",
            |process| process.memory_counters().map(drop),
            "PROCESS_QUERY_LIMITED_INFORMATION",
        ),
        (
            "NtQueryVirtualMemory",
            |process| process.mappings().map(drop),
            "PROCESS_QUERY_INFORMATION",
        ),
        (
            "NtReadVirtualMemory",
            |process| process.read_memory(0x1_0000, &mut [0]).map(drop),
            "PROCESS_VM_READ",
        ),
        (
            "NtTerminateProcess",
            |process| process.terminate(),
            "PROCESS_TERMINATE",
        ),
        (
            "NtWaitForSingleObject",
            |process| process.wait(None).map(drop),
            "SYNCHRONIZE",
        ),
    ];
    for &(call, question, right) in questions {
        let error = refusing(call, Status::ACCESS_DENIED, || question(&process)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AccessDenied, "{call}: {error}");
        assert_eq!(error.raw_os_error(), Some(ACCESS_DENIED));
        let remedy = error.remedy().unwrap_or_else(|| panic!("{error}"));
        assert!(remedy.contains(right), "{call}: {remedy}");
        assert!(error.capabilities().is_empty());
    }
}

/// Windows opens process 8 for the ids 8, 9, 10 and 11, but only 8 is the id of a process.
#[test]
fn id_between_two_ids_is_no_process() {
    let child = child();
    for distance in 1..4 {
        let id = child.id().get() + distance;
        let error = System::new().process(id).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoSuchProcess, "{id}");
        let threads = System::new().thread_ids(id).unwrap();
        assert_eq!(threads, None);
    }
    let threads = System::new().thread_ids(child.id().get()).unwrap().unwrap();
    let name = |thread| System::new().thread_name(child.id().get(), thread).unwrap();
    assert!(name(threads[0]).is_some());
    assert_eq!(name(threads[0] + 1), None);
}

#[test]
fn idle_process_cannot_be_opened() {
    let error = System::new().process(0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSuchProcess);
}

/// An id that belongs to another program by now does not give its file to the row.
#[test]
fn image_by_id_needs_same_name() {
    let child = child();
    let id = child.id().get();
    let read = |name: &str| {
        let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut image = None;
        super::image_file::read_by_id(id, &name, &mut image, &mut Vec::new())?;
        Ok(image)
    };
    let path = read("subject.exe").unwrap().unwrap().path;
    assert!(path.ends_with("subject.exe"), "{path:?}");
    assert_eq!(read("other.exe"), Err(Status::INVALID_CID));
    let mut buffer = [0; 4];
    let class = SystemClass::SystemProcessIdInformation;
    assert!(nt::image_file_by_id(class, id, &mut buffer).is_err());
}

/// The bar is one read per module, paths included, and a constant.
#[test]
fn modules_take_at_most_one_read_each() {
    let child = child();
    let process = System::new().process(child.id().get()).unwrap();
    let mut modules = 0;
    let calls = calls_of(|| modules = process.modules(ModuleFilter::All).unwrap().len());
    let reads = calls.iter().filter(|&&call| call == "NtReadVirtualMemory");
    let reads = reads.count();
    assert!(
        modules > 2 && reads > 0 && reads <= modules + 3,
        "{reads} reads, {modules} modules: {calls:?}"
    );
}

/// The stand-in answers these calls itself.
#[cfg(not(standin))]
#[test]
fn refused_change_names_missing_right() {
    let child = child();
    let process = System::new().process(child.id().get()).unwrap();
    let change = || process.watch_working_set().map(drop);
    let error = refusing("NtSetInformationProcess", Status::ACCESS_DENIED, change).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
    assert!(error.to_string().contains("NtSetInformationProcess("));
    assert!(error.remedy().unwrap().contains("PROCESS_SET_INFORMATION"));
}

/// What a 32-bit program can express is no part of a 64-bit process: it is unknown, not empty.
#[cfg(target_pointer_width = "32")]
#[test]
fn command_line_of_64_bit_process_is_unknown() {
    const PARTIAL_COPY: i32 = 299;
    let windows = std::path::PathBuf::from(std::env::var_os("SystemRoot").unwrap());
    let path = windows.join("sysnative").join("cmd.exe");
    if !path.exists() {
        return testing::skip(&format!("{} is missing", path.display()));
    }
    let arguments = ["/q", "/k", "echo ready"];
    let child = TestProcess::start(std::process::Command::new(&path).args(arguments));
    let found = row(&child, BY_HANDLE);
    assert_eq!(found.command_line, None);
    assert_eq!(found.unreadable, Fields::COMMAND_LINE);
    assert!(found.image.is_some());
    let process = System::new().process(child.id().get()).unwrap();
    let error = process.command_line().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported);
    assert_eq!(error.raw_os_error(), Some(PARTIAL_COPY));
    assert!(error.remedy().unwrap().contains("64-bit version"));
}
