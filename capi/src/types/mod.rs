//! The types of the API with their published names, fields and layout. Unit tests check the layout
//! here; the test in `exports` checks the names against the headers.

#![allow(missing_docs, reason = "C programs read the headers")]
#![allow(non_camel_case_types, non_snake_case, reason = "the API's own names")]
#![allow(clippy::upper_case_acronyms, reason = "the API's own names")]

use std::ffi::{c_char, c_void};

#[cfg(target_os = "linux")]
mod windows_h;

#[cfg(target_os = "linux")]
pub use windows_h::*;

pub type BOOL = i32;
pub type DWORD = u32;
pub type ULONG64 = u64;
pub type SIZE_T = usize;
pub type ULONG_PTR = usize;
/// An address in another process or a substitute for one. It is never dereferenced here.
pub type PVOID = *mut c_void;
pub type LPVOID = *mut c_void;
pub type HANDLE = *mut c_void;
pub type HMODULE = *mut c_void;
pub type CHAR = c_char;
pub type WCHAR = u16;
pub const TRUE: BOOL = 1;
pub const FALSE: BOOL = 0;

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct MODULEINFO {
    pub lpBaseOfDll: LPVOID,
    pub SizeOfImage: DWORD,
    /// Explicit padding, so that all bytes of the structure are initialized.
    #[cfg(target_pointer_width = "64")]
    pub Reserved: DWORD,
    pub EntryPoint: LPVOID,
}

/// The largest of the three structures that `GetProcessMemoryInfo` can fill. The others,
/// `PROCESS_MEMORY_COUNTERS` and `_EX`, are prefixes of it.
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

/// The parameter type of `GetProcessMemoryInfo`; callers pass any of the three structures.
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
    /// Explicit padding, as is `Reserved2`.
    #[cfg(target_pointer_width = "64")]
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
    #[cfg(target_pointer_width = "64")]
    pub Reserved2: DWORD,
}

pub type PENUM_PAGE_FILE_CALLBACKA =
    Option<unsafe extern "system" fn(LPVOID, *mut ENUM_PAGE_FILE_INFORMATION, *const CHAR) -> BOOL>;
pub type PENUM_PAGE_FILE_CALLBACKW = Option<
    unsafe extern "system" fn(LPVOID, *mut ENUM_PAGE_FILE_INFORMATION, *const WCHAR) -> BOOL,
>;

/// Access rights of a process handle.
pub mod rights {
    use super::DWORD;

    pub const PROCESS_VM_READ: DWORD = 0x0010;
    pub const PROCESS_SET_QUOTA: DWORD = 0x0100;
    pub const PROCESS_QUERY_INFORMATION: DWORD = 0x0400;
    pub const PROCESS_QUERY_LIMITED_INFORMATION: DWORD = 0x1000;
    pub const PROCESS_ALL_ACCESS: DWORD = 0x1F_FFFF;

    #[cfg(target_os = "linux")]
    pub use super::windows_h::rights::*;
}

/// Protections of pages.
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

// On 32-bit architectures, the structures have no padding fields and must need no padding.
#[cfg(target_pointer_width = "32")]
const _: () = {
    assert!(size_of::<PROCESS_MEMORY_COUNTERS_EX2>() == 56);
    assert!(size_of::<MODULEINFO>() == 12);
    assert!(size_of::<PERFORMANCE_INFORMATION>() == 56);
};

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use std::mem::offset_of;

    use super::*;

    /// Checks the size of a structure, and the offset and size of each field.
    macro_rules! assert_layout {
        ($type:ident, $size:literal, $($field:ident $offset:literal $bytes:literal),*) => {
            assert_eq!(size_of::<$type>(), $size, stringify!($type));
            $(
                let actual = (offset_of!($type, $field), size_of_field(|it: &$type| &it.$field));
                let name = concat!(stringify!($type), ".", stringify!($field));
                assert_eq!(actual, ($offset, $bytes), "{name}");
            )*
        };
    }

    fn size_of_field<T, F>(_: impl Fn(&T) -> &F) -> usize {
        size_of::<F>()
    }

    /// `tests/c/layout.c` has the same table for the headers.
    #[test]
    fn layout_matches_published_api() {
        assert_layout!(MODULEINFO, 24, lpBaseOfDll 0 8, SizeOfImage 8 4, EntryPoint 16 8);
        assert_layout!(
            PROCESS_MEMORY_COUNTERS_EX2, 96,
            cb 0 4, PageFaultCount 4 4, PeakWorkingSetSize 8 8, WorkingSetSize 16 8,
            QuotaPeakPagedPoolUsage 24 8, QuotaPagedPoolUsage 32 8,
            QuotaPeakNonPagedPoolUsage 40 8, QuotaNonPagedPoolUsage 48 8,
            PagefileUsage 56 8, PeakPagefileUsage 64 8, PrivateUsage 72 8,
            PrivateWorkingSetSize 80 8, SharedCommitUsage 88 8
        );
        assert_layout!(
            PSAPI_WORKING_SET_EX_INFORMATION, 16,
            VirtualAddress 0 8, VirtualAttributes 8 8
        );
        assert_layout!(PSAPI_WS_WATCH_INFORMATION, 16, FaultingPc 0 8, FaultingVa 8 8);
        assert_layout!(
            PSAPI_WS_WATCH_INFORMATION_EX, 32,
            BasicInfo 0 16, FaultingThreadId 16 8, Flags 24 8
        );
        assert_layout!(
            ENUM_PAGE_FILE_INFORMATION, 32,
            cb 0 4, Reserved 4 4, TotalSize 8 8, TotalInUse 16 8, PeakUsage 24 8
        );
        assert_layout!(
            PERFORMANCE_INFORMATION, 104,
            cb 0 4, CommitTotal 8 8, CommitLimit 16 8, CommitPeak 24 8, PhysicalTotal 32 8,
            PhysicalAvailable 40 8, SystemCache 48 8, KernelTotal 56 8, KernelPaged 64 8,
            KernelNonpaged 72 8, PageSize 80 8, HandleCount 88 4, ProcessCount 92 4,
            ThreadCount 96 4
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn helper_layout_matches_published_api() {
        assert_layout!(
            SYSTEM_INFO, 48,
            wProcessorArchitecture 0 2, wReserved 2 2, dwPageSize 4 4,
            lpMinimumApplicationAddress 8 8, lpMaximumApplicationAddress 16 8,
            dwActiveProcessorMask 24 8, dwNumberOfProcessors 32 4, dwProcessorType 36 4,
            dwAllocationGranularity 40 4, wProcessorLevel 44 2, wProcessorRevision 46 2
        );
        assert_layout!(FILETIME, 8, dwLowDateTime 0 4, dwHighDateTime 4 4);
        assert_layout!(
            IO_COUNTERS, 48,
            ReadOperationCount 0 8, WriteOperationCount 8 8, OtherOperationCount 16 8,
            ReadTransferCount 24 8, WriteTransferCount 32 8, OtherTransferCount 40 8
        );
        assert_layout!(
            MEMORYSTATUSEX, 64,
            dwLength 0 4, dwMemoryLoad 4 4, ullTotalPhys 8 8, ullAvailPhys 16 8,
            ullTotalPageFile 24 8, ullAvailPageFile 32 8, ullTotalVirtual 40 8,
            ullAvailVirtual 48 8, ullAvailExtendedVirtual 56 8
        );
        assert_layout!(
            MEMORY_BASIC_INFORMATION, 48,
            BaseAddress 0 8, AllocationBase 8 8, AllocationProtect 16 4, PartitionId 20 2,
            RegionSize 24 8, State 32 4, Protect 36 4, Type 40 4
        );
        assert_layout!(LUID_AND_ATTRIBUTES, 12, Luid 0 8, Attributes 8 4);
        assert_layout!(TOKEN_PRIVILEGES, 4, PrivilegeCount 0 4, Privileges 4 0);
        assert_layout!(
            PROCESSENTRY32, 304,
            dwSize 0 4, cntUsage 4 4, th32ProcessID 8 4, th32DefaultHeapID 16 8,
            th32ModuleID 24 4, cntThreads 28 4, th32ParentProcessID 32 4, pcPriClassBase 36 4,
            dwFlags 40 4, szExeFile 44 260
        );
        assert_layout!(PROCESSENTRY32W, 568, th32DefaultHeapID 16 8, szExeFile 44 520);
        assert_layout!(
            THREADENTRY32, 28,
            dwSize 0 4, cntUsage 4 4, th32ThreadID 8 4, th32OwnerProcessID 12 4, tpBasePri 16 4,
            tpDeltaPri 20 4, dwFlags 24 4
        );
        assert_layout!(
            MODULEENTRY32, 568,
            dwSize 0 4, th32ModuleID 4 4, th32ProcessID 8 4, GlblcntUsage 12 4, ProccntUsage 16 4,
            modBaseAddr 24 8, modBaseSize 32 4, hModule 40 8, szModule 48 256, szExePath 304 260
        );
        assert_layout!(MODULEENTRY32W, 1080, szModule 48 512, szExePath 560 520);
    }
}
