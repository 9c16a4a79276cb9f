//! The types of `windows.h` and `tlhelp32.h`.

use std::ffi::c_void;

use super::{CHAR, DWORD, HMODULE, LPVOID, PVOID, SIZE_T, ULONG_PTR, WCHAR};

pub type INT = i32;
pub type UINT = u32;
pub type LONG = i32;
pub type WORD = u16;
pub type ULONGLONG = u64;
pub type DWORD_PTR = usize;
pub type LPCVOID = *const c_void;
pub type HLOCAL = *mut c_void;
/// In C, a union of the 64-bit number and its halves.
pub type LARGE_INTEGER = i64;
/// The address of a function, which the caller converts to the function's own type.
pub type FARPROC = Option<unsafe extern "system" fn()>;
/// Opaque: the arguments of `FormatMessage` are never read.
pub type va_list = c_void;

/// In C, the first two fields are in a union with `dwOemId`.
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

/// Units of 100 ns. A date is the time since 1601.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FILETIME {
    pub dwLowDateTime: DWORD,
    pub dwHighDateTime: DWORD,
}

#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IO_COUNTERS {
    pub ReadOperationCount: ULONGLONG,
    pub WriteOperationCount: ULONGLONG,
    pub OtherOperationCount: ULONGLONG,
    pub ReadTransferCount: ULONGLONG,
    pub WriteTransferCount: ULONGLONG,
    pub OtherTransferCount: ULONGLONG,
}

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct MEMORYSTATUSEX {
    pub dwLength: DWORD,
    pub dwMemoryLoad: DWORD,
    pub ullTotalPhys: ULONGLONG,
    pub ullAvailPhys: ULONGLONG,
    pub ullTotalPageFile: ULONGLONG,
    pub ullAvailPageFile: ULONGLONG,
    pub ullTotalVirtual: ULONGLONG,
    pub ullAvailVirtual: ULONGLONG,
    pub ullAvailExtendedVirtual: ULONGLONG,
}

#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MEMORY_BASIC_INFORMATION {
    pub BaseAddress: PVOID,
    pub AllocationBase: PVOID,
    pub AllocationProtect: DWORD,
    #[cfg(target_pointer_width = "64")]
    pub PartitionId: WORD,
    /// Explicit padding, as is `Reserved2`.
    #[cfg(target_pointer_width = "64")]
    pub Reserved: WORD,
    pub RegionSize: SIZE_T,
    pub State: DWORD,
    pub Protect: DWORD,
    pub Type: DWORD,
    #[cfg(target_pointer_width = "64")]
    pub Reserved2: DWORD,
}

/// A number that stands for a privilege.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LUID {
    pub LowPart: DWORD,
    pub HighPart: LONG,
}

#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LUID_AND_ATTRIBUTES {
    pub Luid: LUID,
    pub Attributes: DWORD,
}

/// In C, `Privileges` has `PrivilegeCount` elements.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct TOKEN_PRIVILEGES {
    pub PrivilegeCount: DWORD,
    pub Privileges: [LUID_AND_ATTRIBUTES; 0],
}

/// The length of `szExeFile`, `szExePath` and other paths.
pub const MAX_PATH: usize = 260;

/// `PROCESSENTRY32` and, with `WCHAR`, `PROCESSENTRY32W`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct ProcessEntry<U> {
    pub dwSize: DWORD,
    pub cntUsage: DWORD,
    pub th32ProcessID: DWORD,
    /// Explicit padding.
    #[cfg(target_pointer_width = "64")]
    pub Reserved: DWORD,
    pub th32DefaultHeapID: ULONG_PTR,
    pub th32ModuleID: DWORD,
    pub cntThreads: DWORD,
    pub th32ParentProcessID: DWORD,
    pub pcPriClassBase: LONG,
    pub dwFlags: DWORD,
    pub szExeFile: [U; MAX_PATH],
}

pub type PROCESSENTRY32 = ProcessEntry<CHAR>;
pub type PROCESSENTRY32W = ProcessEntry<WCHAR>;

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct THREADENTRY32 {
    pub dwSize: DWORD,
    pub cntUsage: DWORD,
    pub th32ThreadID: DWORD,
    pub th32OwnerProcessID: DWORD,
    pub tpBasePri: LONG,
    pub tpDeltaPri: LONG,
    pub dwFlags: DWORD,
}

/// `MODULEENTRY32` and, with `WCHAR`, `MODULEENTRY32W`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct ModuleEntry<U> {
    pub dwSize: DWORD,
    pub th32ModuleID: DWORD,
    pub th32ProcessID: DWORD,
    pub GlblcntUsage: DWORD,
    pub ProccntUsage: DWORD,
    /// Explicit padding, as is `Reserved2`.
    #[cfg(target_pointer_width = "64")]
    pub Reserved: DWORD,
    pub modBaseAddr: LPVOID,
    pub modBaseSize: DWORD,
    #[cfg(target_pointer_width = "64")]
    pub Reserved2: DWORD,
    pub hModule: HMODULE,
    pub szModule: [U; 256],
    pub szExePath: [U; MAX_PATH],
}

pub type MODULEENTRY32 = ModuleEntry<CHAR>;
pub type MODULEENTRY32W = ModuleEntry<WCHAR>;

/// Flags of `VirtualAlloc` and `VirtualFree`; states and types that `VirtualQuery` returns.
pub mod allocation {
    use super::DWORD;

    pub const MEM_COMMIT: DWORD = 0x1000;
    pub const MEM_RESERVE: DWORD = 0x2000;
    pub const MEM_DECOMMIT: DWORD = 0x4000;
    pub const MEM_RELEASE: DWORD = 0x8000;
    pub const MEM_FREE: DWORD = 0x1_0000;
    pub const MEM_PRIVATE: DWORD = 0x2_0000;
    pub const MEM_MAPPED: DWORD = 0x4_0000;
    pub const MEM_IMAGE: DWORD = 0x100_0000;
}

/// Flags of `FormatMessage`.
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

/// Further access rights of a process handle, and those of a token handle.
pub mod rights {
    use super::DWORD;

    pub const PROCESS_TERMINATE: DWORD = 0x0001;
    pub const SYNCHRONIZE: DWORD = 0x0010_0000;
    pub const MAXIMUM_ALLOWED: DWORD = 0x0200_0000;

    pub const TOKEN_QUERY: DWORD = 0x0008;
    pub const TOKEN_ADJUST_PRIVILEGES: DWORD = 0x0020;
}
