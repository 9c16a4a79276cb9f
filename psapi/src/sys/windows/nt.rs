//! Native calls of `ntdll.dll`: the only file that calls it.
//!
//! All functions are found once, by name, because import libraries lack most of them. A function
//! that this version of Windows lacks fails with `STATUS_PROCEDURE_NOT_FOUND`.
//!
//! With `--cfg standin`, the module `standin` answers some information classes, so that tests can
//! arrange what Wine does not support.

use std::ffi::{CStr, c_void};
use std::os::windows::io::{AsRawHandle as _, BorrowedHandle, FromRawHandle as _, OwnedHandle};
use std::ptr::{null, null_mut};
use std::sync::OnceLock;

use windows_sys::Win32::Foundation::{HANDLE, NTSTATUS};
use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress};
use windows_sys::w;

use super::class::{MemoryClass, ProcessClass, SystemClass, ThreadClass};
#[cfg(standin)]
use super::standin;
use super::status::Status;

/// Declares the functions, and the table of their addresses.
macro_rules! functions {
    ($($name:ident($($argument:ident: $type:ty),* $(,)?);)*) => {
        #[allow(non_snake_case, reason = "the names are those of ntdll")]
        struct Functions {
            $($name: Option<unsafe extern "system" fn($($type),*) -> NTSTATUS>,)*
        }

        impl Functions {
            fn find() -> Self {
                // SAFETY: the name is a string that ends with NUL. `ntdll` is in every process.
                let ntdll = unsafe { GetModuleHandleW(w!("ntdll.dll")) };
                let find = |name: &CStr| {
                    // SAFETY: `ntdll` is never unloaded, and the name ends with NUL.
                    unsafe { GetProcAddress(ntdll, name.as_ptr().cast()) }
                };
                Functions {
                    $($name: find(
                        CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes())
                            .unwrap_or_default(),
                    )
                    .map(|function| {
                        // SAFETY: the function of this name has these arguments, as the public
                        // headers declare it.
                        unsafe { std::mem::transmute(function) }
                    }),)*
                }
            }
        }

        $(
            /// # Safety
            ///
            /// The arguments must be valid for the native function of this name.
            #[allow(non_snake_case, reason = "the names are those of ntdll")]
            unsafe fn $name($($argument: $type),*) -> Status {
                #[cfg(test)]
                if let Some(status) = super::interception::before_call(stringify!($name)) {
                    return status;
                }
                match functions().$name {
                    // SAFETY: the caller ensures that the arguments are valid.
                    Some(function) => Status(unsafe { function($($argument),*) }),
                    None => Status::PROCEDURE_NOT_FOUND,
                }
            }
        )*
    };
}

functions! {
    NtDuplicateObject(
        from: HANDLE,
        handle: HANDLE,
        to: HANDLE,
        duplicate: *mut HANDLE,
        access: u32,
        attributes: u32,
        options: u32,
    );
    NtOpenProcess(
        process: *mut HANDLE,
        access: u32,
        attributes: *const ObjectAttributes,
        id: *const ClientId,
    );
    NtOpenProcessToken(process: HANDLE, access: u32, token: *mut HANDLE);
    NtOpenSymbolicLinkObject(
        link: *mut HANDLE,
        access: u32,
        attributes: *const ObjectAttributes,
    );
    NtOpenThread(
        thread: *mut HANDLE,
        access: u32,
        attributes: *const ObjectAttributes,
        id: *const ClientId,
    );
    NtQueryInformationProcess(
        process: HANDLE,
        class: i32,
        buffer: *mut c_void,
        length: u32,
        returned: *mut u32,
    );
    NtQueryInformationThread(
        thread: HANDLE,
        class: i32,
        buffer: *mut c_void,
        length: u32,
        returned: *mut u32,
    );
    NtQueryInformationToken(
        token: HANDLE,
        class: i32,
        buffer: *mut c_void,
        length: u32,
        returned: *mut u32,
    );
    NtQueryObject(
        handle: HANDLE,
        class: i32,
        buffer: *mut c_void,
        length: u32,
        returned: *mut u32,
    );
    NtQuerySymbolicLinkObject(link: HANDLE, target: *mut UnicodeString, returned: *mut u32);
    NtQuerySystemInformation(
        class: i32,
        buffer: *mut c_void,
        length: u32,
        returned: *mut u32,
    );
    NtQuerySystemInformationEx(
        class: i32,
        input: *const c_void,
        input_length: u32,
        buffer: *mut c_void,
        length: u32,
        returned: *mut u32,
    );
    NtQueryVirtualMemory(
        process: HANDLE,
        address: *const c_void,
        class: i32,
        buffer: *mut c_void,
        length: usize,
        returned: *mut usize,
    );
    NtReadVirtualMemory(
        process: HANDLE,
        address: *const c_void,
        buffer: *mut c_void,
        length: usize,
        read: *mut usize,
    );
    NtSetInformationProcess(process: HANDLE, class: i32, buffer: *mut c_void, length: u32);
    NtTerminateProcess(process: HANDLE, status: NTSTATUS);
    NtWaitForSingleObject(handle: HANDLE, alertable: u8, timeout: *const i64);
    RtlMultiByteToUnicodeN(
        to: *mut u16,
        length: u32,
        written: *mut u32,
        from: *const u8,
        from_length: u32,
    );
    RtlNtStatusToDosError(status: NTSTATUS);
}

fn functions() -> &'static Functions {
    static FUNCTIONS: OnceLock<Functions> = OnceLock::new();
    FUNCTIONS.get_or_init(Functions::find)
}

/// `OBJECT_ATTRIBUTES`.
#[repr(C)]
struct ObjectAttributes {
    length: u32,
    root: HANDLE,
    name: *const UnicodeString,
    attributes: u32,
    security_descriptor: *const c_void,
    security_quality: *const c_void,
}

/// `UNICODE_STRING`. Lengths are in bytes.
#[repr(C)]
struct UnicodeString {
    length: u16,
    maximum_length: u16,
    buffer: *mut u16,
}

/// `CLIENT_ID`: the ids of a process and a thread, as wide as handles.
#[repr(C)]
struct ClientId {
    process: usize,
    thread: usize,
}

/// `SYSTEM_PROCESS_ID_INFORMATION`.
#[repr(C)]
struct ProcessIdInformation {
    process: usize,
    image_name: UnicodeString,
}

/// What a query returned: its status, and the number of bytes that it wrote or needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: Status,
    pub(crate) length: usize,
}

/// Calls `NtQuerySystemInformation`. The buffer must be aligned to 8 bytes.
pub(crate) fn query_system(class: SystemClass, buffer: &mut [u8]) -> Answer {
    #[cfg(standin)]
    if let Some(answer) = standin::query_system(class, buffer) {
        return answer;
    }
    let mut returned = 0;
    // SAFETY: the buffer can be written, and has this length.
    let status = unsafe {
        NtQuerySystemInformation(
            class.number,
            buffer.as_mut_ptr().cast(),
            length(buffer),
            &mut returned,
        )
    };
    answer(status, returned)
}

/// Calls `NtQuerySystemInformationEx`, whose input is the number of a processor group.
pub(crate) fn query_processor_group(class: SystemClass, group: u16, buffer: &mut [u8]) -> Answer {
    let mut returned = 0;
    // SAFETY: the buffer can be written, and has this length. The input is a `USHORT`.
    let status = unsafe {
        NtQuerySystemInformationEx(
            class.number,
            (&raw const group).cast(),
            size_of::<u16>() as u32,
            buffer.as_mut_ptr().cast(),
            length(buffer),
            &mut returned,
        )
    };
    answer(status, returned)
}

/// Calls `NtQueryInformationProcess`. The buffer must be aligned to 8 bytes.
pub(crate) fn query_process(
    process: BorrowedHandle<'_>,
    class: ProcessClass,
    buffer: &mut [u8],
) -> Answer {
    #[cfg(standin)]
    if let Some(answer) = standin::query_process(process, class, buffer) {
        return answer;
    }
    let mut returned = 0;
    // SAFETY: the handle is open. The buffer can be written, and has this length.
    let status = unsafe {
        NtQueryInformationProcess(
            process.as_raw_handle(),
            class.number,
            buffer.as_mut_ptr().cast(),
            length(buffer),
            &mut returned,
        )
    };
    answer(status, returned)
}

/// Calls `NtSetInformationProcess`.
pub(crate) fn set_process(
    process: BorrowedHandle<'_>,
    class: ProcessClass,
    value: &mut [u8],
) -> Status {
    #[cfg(standin)]
    if let Some(status) = standin::set_process(process, class, value) {
        return status;
    }
    let (pointer, length) = (value.as_mut_ptr().cast(), length(value));
    // SAFETY: the handle is open. The value can be read, and has this length.
    unsafe { NtSetInformationProcess(process.as_raw_handle(), class.number, pointer, length) }
}

/// Calls `NtQueryVirtualMemory`. The buffer must be aligned to 8 bytes.
pub(crate) fn query_memory(
    process: BorrowedHandle<'_>,
    address: u64,
    class: MemoryClass,
    buffer: &mut [u8],
) -> Answer {
    #[cfg(standin)]
    if let Some(answer) = standin::query_memory(process, address, class, buffer) {
        return answer;
    }
    let Some(address) = pointer(address) else {
        return answer(Status::INVALID_PARAMETER, 0);
    };
    let mut returned = 0;
    // SAFETY: the handle is open. The buffer can be written, and has this length. The address is
    // only looked up.
    let status = unsafe {
        NtQueryVirtualMemory(
            process.as_raw_handle(),
            address,
            class.number,
            buffer.as_mut_ptr().cast(),
            buffer.len(),
            &mut returned,
        )
    };
    Answer {
        status,
        length: returned,
    }
}

/// Calls `NtReadVirtualMemory`. The length of the answer is the number of bytes read.
///
/// Addresses that the calling program cannot express fail with `STATUS_PARTIAL_COPY`, as if
/// nothing were there.
pub(crate) fn read_memory(process: BorrowedHandle<'_>, address: u64, buffer: &mut [u8]) -> Answer {
    let Some(address) = pointer(address) else {
        return answer(Status::PARTIAL_COPY, 0);
    };
    let mut read = 0;
    // SAFETY: the handle is open. The buffer can be written, and has this length. The address is
    // one of the other process, which the call checks.
    let status = unsafe {
        NtReadVirtualMemory(
            process.as_raw_handle(),
            address,
            buffer.as_mut_ptr().cast(),
            buffer.len(),
            &mut read,
        )
    };
    Answer {
        status,
        length: read.min(buffer.len()),
    }
}

/// Calls `NtQuerySystemInformation` for `SystemProcessIdInformation`, which writes the native name of
/// the file that a process runs into a buffer. Returns the number of units written.
pub(crate) fn image_file_by_id(
    class: SystemClass,
    id: u32,
    buffer: &mut [u16],
) -> Result<usize, Status> {
    let mut name = UnicodeString::new(buffer).ok_or(Status::NAME_TOO_LONG)?;
    name.length = 0;
    name.buffer = buffer.as_mut_ptr();
    let mut information = ProcessIdInformation {
        process: id as usize,
        image_name: name,
    };
    // SAFETY: the structure lives during the call, and describes a buffer that can be written.
    unsafe {
        NtQuerySystemInformation(
            class.number,
            (&raw mut information).cast(),
            size_of::<ProcessIdInformation>() as u32,
            null_mut(),
        )
    }
    .check()?;
    Ok(usize::from(information.image_name.length) / 2)
}

/// Returns the rights of a handle: `GrantedAccess` of `ObjectBasicInformation`.
pub(crate) fn granted_access(handle: BorrowedHandle<'_>) -> Result<u32, Status> {
    const OBJECT_BASIC_INFORMATION: i32 = 0;
    // `OBJECT_BASIC_INFORMATION`: attributes, then the access, then 12 fields of 32 bits.
    let mut information = [0_u32; 14];
    // SAFETY: the handle is open. The buffer can be written, and has this length.
    unsafe {
        NtQueryObject(
            handle.as_raw_handle(),
            OBJECT_BASIC_INFORMATION,
            information.as_mut_ptr().cast(),
            size_of_val(&information) as u32,
            null_mut(),
        )
    }
    .check()?;
    Ok(information[1])
}

/// Converts a text in the system's ANSI code page to UTF-16.
pub(crate) fn ansi_to_utf16(text: &[u8]) -> Vec<u16> {
    // No code page has characters that become longer.
    let mut units = vec![0; text.len()];
    let mut written = 0;
    // SAFETY: both buffers have these lengths, and the first can be written.
    let status = unsafe {
        RtlMultiByteToUnicodeN(
            units.as_mut_ptr(),
            size_of_val(&units[..]) as u32,
            &mut written,
            text.as_ptr(),
            length(text),
        )
    };
    units.truncate(if status.check().is_ok() {
        written as usize / 2
    } else {
        0
    });
    units
}

/// Calls `NtQueryInformationThread`. The buffer must be aligned to 8 bytes.
pub(crate) fn query_thread(
    thread: BorrowedHandle<'_>,
    class: ThreadClass,
    buffer: &mut [u8],
) -> Answer {
    let mut returned = 0;
    // SAFETY: the handle is open. The buffer can be written, and has this length.
    let status = unsafe {
        NtQueryInformationThread(
            thread.as_raw_handle(),
            class.number,
            buffer.as_mut_ptr().cast(),
            length(buffer),
            &mut returned,
        )
    };
    answer(status, returned)
}

/// Calls `NtQueryInformationToken` for `TokenUser`. The buffer must be aligned to 8 bytes.
pub(crate) fn query_token_user(token: BorrowedHandle<'_>, buffer: &mut [u8]) -> Answer {
    const TOKEN_USER: i32 = 1;
    let mut returned = 0;
    // SAFETY: the handle is open. The buffer can be written, and has this length.
    let status = unsafe {
        NtQueryInformationToken(
            token.as_raw_handle(),
            TOKEN_USER,
            buffer.as_mut_ptr().cast(),
            length(buffer),
            &mut returned,
        )
    };
    answer(status, returned)
}

/// Calls `NtOpenProcess`.
pub(crate) fn open_process(id: u32, access: u32) -> Result<OwnedHandle, Status> {
    let attributes = ObjectAttributes::new(null());
    let id = ClientId {
        process: id as usize,
        thread: 0,
    };
    let mut handle = null_mut();
    // SAFETY: the arguments live during the call.
    unsafe { NtOpenProcess(&mut handle, access, &attributes, &id) }.check()?;
    Ok(owned(handle))
}

/// Calls `NtOpenThread`.
pub(crate) fn open_thread(process: u32, thread: u32, access: u32) -> Result<OwnedHandle, Status> {
    let attributes = ObjectAttributes::new(null());
    let id = ClientId {
        process: process as usize,
        thread: thread as usize,
    };
    let mut handle = null_mut();
    // SAFETY: the arguments live during the call.
    unsafe { NtOpenThread(&mut handle, access, &attributes, &id) }.check()?;
    Ok(owned(handle))
}

/// Calls `NtOpenProcessToken`.
pub(crate) fn open_token(process: BorrowedHandle<'_>, access: u32) -> Result<OwnedHandle, Status> {
    let mut handle = null_mut();
    // SAFETY: the handle is open, and the result lives during the call.
    unsafe { NtOpenProcessToken(process.as_raw_handle(), access, &mut handle) }.check()?;
    Ok(owned(handle))
}

/// Calls `NtDuplicateObject` within the calling process, with the same access.
pub(crate) fn duplicate(handle: BorrowedHandle<'_>) -> Result<OwnedHandle, Status> {
    const DUPLICATE_SAME_ACCESS: u32 = 2;
    let (own, mut duplicate) = (CURRENT_PROCESS, null_mut());
    // SAFETY: the handle is open, and the result lives during the call.
    unsafe {
        NtDuplicateObject(
            own,
            handle.as_raw_handle(),
            own,
            &mut duplicate,
            0,
            0,
            DUPLICATE_SAME_ACCESS,
        )
    }
    .check()?;
    Ok(owned(duplicate))
}

/// Returns the pseudo-handle of the calling process, which needs no closing.
pub(crate) fn current_process() -> BorrowedHandle<'static> {
    // SAFETY: the pseudo-handle is valid as long as the process runs.
    unsafe { BorrowedHandle::borrow_raw(CURRENT_PROCESS) }
}

const CURRENT_PROCESS: HANDLE = -1_isize as HANDLE;

/// Calls `NtTerminateProcess`.
pub(crate) fn terminate_process(process: BorrowedHandle<'_>, status: i32) -> Status {
    // SAFETY: the handle is open.
    unsafe { NtTerminateProcess(process.as_raw_handle(), status) }
}

/// Calls `NtWaitForSingleObject`. The timeout is in units of 100 ns; `None` waits forever.
pub(crate) fn wait(handle: BorrowedHandle<'_>, timeout: Option<i64>) -> Status {
    // A negative time counts from now.
    let timeout = timeout.map(|timeout| -timeout);
    let pointer = timeout.as_ref().map_or(null(), |timeout| timeout);
    // SAFETY: the handle is open, and the timeout lives during the call.
    unsafe { NtWaitForSingleObject(handle.as_raw_handle(), 0, pointer) }
}

/// Reads the target of a symbolic link in the object manager's name space, such as
/// `\GLOBAL??\C:`. The target has no NUL at its end.
pub(crate) fn symbolic_link(name: &[u16]) -> Result<Vec<u16>, Status> {
    const SYMBOLIC_LINK_QUERY: u32 = 1;
    let name = UnicodeString::new(name).ok_or(Status::NAME_TOO_LONG)?;
    let attributes = ObjectAttributes::new(&name);
    let mut handle = null_mut();
    // SAFETY: the arguments live during the call, which only reads the name.
    unsafe { NtOpenSymbolicLinkObject(&mut handle, SYMBOLIC_LINK_QUERY, &attributes) }.check()?;
    let link = owned(handle);
    let mut target = vec![0; usize::from(u16::MAX) / 2];
    let mut text = UnicodeString::new(&target).ok_or(Status::NAME_TOO_LONG)?;
    text.length = 0;
    text.buffer = target.as_mut_ptr();
    // SAFETY: the handle is open. The text describes a buffer that can be written.
    unsafe { NtQuerySymbolicLinkObject(link.as_raw_handle(), &mut text, null_mut()) }.check()?;
    target.truncate(usize::from(text.length) / 2);
    Ok(target)
}

/// Converts a status to Windows' error code.
pub(crate) fn dos_error(status: Status) -> u32 {
    // SAFETY: the function only reads the number.
    unsafe { RtlNtStatusToDosError(status.0) }.0 as u32
}

impl ObjectAttributes {
    fn new(name: *const UnicodeString) -> Self {
        const OBJ_CASE_INSENSITIVE: u32 = 0x40;
        ObjectAttributes {
            length: size_of::<Self>() as u32,
            root: null_mut(),
            name,
            attributes: OBJ_CASE_INSENSITIVE,
            security_descriptor: null(),
            security_quality: null(),
        }
    }
}

impl UnicodeString {
    /// Describes a text; `None` if it has more bytes than a length can express.
    fn new(text: &[u16]) -> Option<Self> {
        let length = size_of_val(text).try_into().ok()?;
        Some(UnicodeString {
            length,
            maximum_length: length,
            buffer: text.as_ptr().cast_mut(),
        })
    }
}

fn owned(handle: HANDLE) -> OwnedHandle {
    // SAFETY: a call has just returned the handle, and nothing else owns it.
    unsafe { OwnedHandle::from_raw_handle(handle) }
}

fn answer(status: Status, length: u32) -> Answer {
    Answer {
        status,
        length: length as usize,
    }
}

/// Returns an address as a pointer; `None` if it is too large for one.
fn pointer(address: u64) -> Option<*const c_void> {
    usize::try_from(address)
        .ok()
        .map(|address| address as *const c_void)
}

/// Returns the length of a buffer as calls take it. A longer one is used in part.
fn length(buffer: &[u8]) -> u32 {
    buffer.len().try_into().unwrap_or(u32::MAX)
}
