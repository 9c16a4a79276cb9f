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
    #[cfg(target_pointer_width = "64")]
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

/// Here nothing is padded.
#[cfg(target_pointer_width = "32")]
const _: () = {
    assert!(size_of::<MODULEINFO>() == 12);
    assert!(size_of::<PERFORMANCE_INFORMATION>() == 56);
};

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use std::mem::offset_of;

    use super::*;

    /// Compares a structure with the contract's table: its size, and where its fields are.
    macro_rules! assert_layout {
        ($type:ident, $size:literal, $($field:ident $offset:literal $bytes:literal),*) => {
            assert_eq!(size_of::<$type>(), $size, stringify!($type));
            $(
                let place = (offset_of!($type, $field), size_of_field(|it: &$type| &it.$field));
                let name = concat!(stringify!($type), ".", stringify!($field));
                assert_eq!(place, ($offset, $bytes), "{name}");
            )*
        };
    }

    fn size_of_field<T, F>(_: impl Fn(&T) -> &F) -> usize {
        size_of::<F>()
    }

    /// The same table is in `tests/c/layout.c` for the headers.
    #[test]
    fn sizes_and_offsets_are_those_of_the_contract() {
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
        assert_layout!(
            SYSTEM_INFO, 48,
            wProcessorArchitecture 0 2, wReserved 2 2, dwPageSize 4 4,
            lpMinimumApplicationAddress 8 8, lpMaximumApplicationAddress 16 8,
            dwActiveProcessorMask 24 8, dwNumberOfProcessors 32 4, dwProcessorType 36 4,
            dwAllocationGranularity 40 4, wProcessorLevel 44 2, wProcessorRevision 46 2
        );
    }
}
