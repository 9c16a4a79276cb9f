//! The types of the API as C programs have them: the names, the fields and the layout are the
//! published ones, and `exports.rs` is checked against the headers.

#![allow(missing_docs, reason = "C programs read the headers")]
#![allow(non_camel_case_types, non_snake_case, reason = "the API's own names")]
#![allow(clippy::upper_case_acronyms, reason = "the API's own names")]

use std::ffi::{c_char, c_void};

pub type BOOL = i32;
pub type DWORD = u32;
pub type WORD = u16;
pub type ULONG64 = u64;
pub type ULONGLONG = u64;
pub type SIZE_T = usize;
pub type ULONG_PTR = usize;
pub type DWORD_PTR = usize;
/// An address in another process, or what stands for it: never followed here.
pub type PVOID = *mut c_void;
pub type LPVOID = *mut c_void;
pub type LPCVOID = *const c_void;
pub type HANDLE = *mut c_void;
pub type HMODULE = *mut c_void;
pub type HLOCAL = *mut c_void;
pub type CHAR = c_char;
pub type WCHAR = u16;
/// Never looked into.
pub type va_list = c_void;

pub const TRUE: BOOL = 1;
pub const FALSE: BOOL = 0;

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct MODULEINFO {
    pub lpBaseOfDll: LPVOID,
    pub SizeOfImage: DWORD,
    /// In place of padding, so that all of it is written.
    pub Reserved: DWORD,
    pub EntryPoint: LPVOID,
}

/// The longest of the three structures that `GetProcessMemoryInfo` fills. The other two,
/// `PROCESS_MEMORY_COUNTERS` and `_EX`, are its beginning.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct PROCESS_MEMORY_COUNTERS_EX2 {
    pub cb: DWORD,
    pub PageFaultCount: DWORD,
    pub PeakWorkingSetSize: SIZE_T,
    pub WorkingSetSize: SIZE_T,
    pub QuotaPeakPagedPoolUsage: SIZE_T,
    pub QuotaPagedPoolUsage: SIZE_T,
    pub QuotaPeakNonPagedPoolUsage: SIZE_T,
    pub QuotaNonPagedPoolUsage: SIZE_T,
    pub PagefileUsage: SIZE_T,
    pub PeakPagefileUsage: SIZE_T,
    pub PrivateUsage: SIZE_T,
    pub PrivateWorkingSetSize: SIZE_T,
    pub SharedCommitUsage: ULONG64,
}

/// As what the function takes: the largest it may be.
pub type PROCESS_MEMORY_COUNTERS = PROCESS_MEMORY_COUNTERS_EX2;

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct PSAPI_WORKING_SET_EX_INFORMATION {
    pub VirtualAddress: PVOID,
    pub VirtualAttributes: ULONG_PTR,
}

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct PSAPI_WS_WATCH_INFORMATION {
    pub FaultingPc: LPVOID,
    pub FaultingVa: LPVOID,
}

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct PSAPI_WS_WATCH_INFORMATION_EX {
    pub BasicInfo: PSAPI_WS_WATCH_INFORMATION,
    pub FaultingThreadId: ULONG_PTR,
    pub Flags: ULONG_PTR,
}

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct ENUM_PAGE_FILE_INFORMATION {
    pub cb: DWORD,
    pub Reserved: DWORD,
    pub TotalSize: SIZE_T,
    pub TotalInUse: SIZE_T,
    pub PeakUsage: SIZE_T,
}

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct PERFORMANCE_INFORMATION {
    pub cb: DWORD,
    /// In place of padding, as is the last one.
    pub Reserved: DWORD,
    pub CommitTotal: SIZE_T,
    pub CommitLimit: SIZE_T,
    pub CommitPeak: SIZE_T,
    pub PhysicalTotal: SIZE_T,
    pub PhysicalAvailable: SIZE_T,
    pub SystemCache: SIZE_T,
    pub KernelTotal: SIZE_T,
    pub KernelPaged: SIZE_T,
    pub KernelNonpaged: SIZE_T,
    pub PageSize: SIZE_T,
    pub HandleCount: DWORD,
    pub ProcessCount: DWORD,
    pub ThreadCount: DWORD,
    pub Reserved2: DWORD,
}

/// It begins with a union of `dwOemId` and the first two.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct SYSTEM_INFO {
    pub wProcessorArchitecture: WORD,
    pub wReserved: WORD,
    pub dwPageSize: DWORD,
    pub lpMinimumApplicationAddress: LPVOID,
    pub lpMaximumApplicationAddress: LPVOID,
    pub dwActiveProcessorMask: DWORD_PTR,
    pub dwNumberOfProcessors: DWORD,
    pub dwProcessorType: DWORD,
    pub dwAllocationGranularity: DWORD,
    pub wProcessorLevel: WORD,
    pub wProcessorRevision: WORD,
}

pub type PENUM_PAGE_FILE_CALLBACKA =
    Option<unsafe extern "C" fn(LPVOID, *mut ENUM_PAGE_FILE_INFORMATION, *const CHAR) -> BOOL>;
pub type PENUM_PAGE_FILE_CALLBACKW =
    Option<unsafe extern "C" fn(LPVOID, *mut ENUM_PAGE_FILE_INFORMATION, *const WCHAR) -> BOOL>;

/// What a process handle may be used for.
pub mod rights {
    use super::DWORD;

    pub const PROCESS_VM_READ: DWORD = 0x0010;
    pub const PROCESS_SET_QUOTA: DWORD = 0x0100;
    pub const PROCESS_QUERY_INFORMATION: DWORD = 0x0400;
    pub const PROCESS_QUERY_LIMITED_INFORMATION: DWORD = 0x1000;
    pub const PROCESS_ALL_ACCESS: DWORD = 0x1F_FFFF;
    pub const MAXIMUM_ALLOWED: DWORD = 0x0200_0000;
}

/// How memory is allocated and freed.
pub mod allocation {
    use super::DWORD;

    pub const MEM_COMMIT: DWORD = 0x1000;
    pub const MEM_RESERVE: DWORD = 0x2000;
    pub const MEM_DECOMMIT: DWORD = 0x4000;
    pub const MEM_RELEASE: DWORD = 0x8000;
}

/// What may be done with a page.
pub mod protection {
    use super::DWORD;

    pub const PAGE_NOACCESS: DWORD = 0x01;
    pub const PAGE_READONLY: DWORD = 0x02;
    pub const PAGE_READWRITE: DWORD = 0x04;
    pub const PAGE_WRITECOPY: DWORD = 0x08;
    pub const PAGE_EXECUTE: DWORD = 0x10;
    pub const PAGE_EXECUTE_READ: DWORD = 0x20;
    pub const PAGE_EXECUTE_READWRITE: DWORD = 0x40;
    pub const PAGE_EXECUTE_WRITECOPY: DWORD = 0x80;
}

/// What `FormatMessage` is asked for.
pub mod format_message {
    use super::DWORD;

    pub const FORMAT_MESSAGE_MAX_WIDTH_MASK: DWORD = 0x00FF;
    pub const FORMAT_MESSAGE_ALLOCATE_BUFFER: DWORD = 0x0100;
    pub const FORMAT_MESSAGE_IGNORE_INSERTS: DWORD = 0x0200;
    pub const FORMAT_MESSAGE_FROM_STRING: DWORD = 0x0400;
    pub const FORMAT_MESSAGE_FROM_HMODULE: DWORD = 0x0800;
    pub const FORMAT_MESSAGE_FROM_SYSTEM: DWORD = 0x1000;
    pub const FORMAT_MESSAGE_ARGUMENT_ARRAY: DWORD = 0x2000;
}
