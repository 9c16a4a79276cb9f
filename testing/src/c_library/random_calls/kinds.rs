//! The functions of the library and the kinds of their arguments.

/// The kind of an argument.
#[cfg_attr(
    windows,
    expect(dead_code, reason = "no function of psapi.h has such arguments")
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Process,
    Module,
    Driver,
    /// A pointer to the caller's memory.
    Pointer,
    /// An address in the target process.
    Address,
    Length,
    Id,
    Access,
    Number,
    CallbackA,
    CallbackW,
    /// Memory allocated by `VirtualAlloc`, or a wild pointer.
    Region,
    Size,
    Protection,
    HowToAllocate,
    HowToFree,
    Milliseconds,
    MessageFlags,
    /// Memory allocated by `FormatMessage`, or a wild pointer.
    Local,
    /// Memory allocated by `HeapAlloc`, or a wild pointer.
    Block,
    Heap,
    /// A base address that `LoadLibrary` returned, or of a module that it did not load.
    Library,
    /// A process that must not be terminated, so the handle is invalid.
    Survivor,
    /// A pointer that is not readable, for a function that prints.
    Unreadable,
    /// A process handle or a snapshot of `CreateToolhelp32Snapshot`.
    Snapshot,
    SnapshotFlags,
    /// A token of `OpenProcessToken`.
    Token,
    CodePage,
    /// Zero. Another argument would disable the privileges of the test.
    False,
}

/// The name of a function, and the kinds of its arguments.
pub type Prototype = (&'static str, &'static [Kind]);

use Kind::*;

/// The functions of `psapi.h`. Each is also exported with the prefix `K32`.
pub const FUNCTIONS: &[Prototype] = &[
    ("EnumProcesses", &[Pointer, Length, Pointer]),
    ("EnumProcessModules", &[Process, Pointer, Length, Pointer]),
    (
        "EnumProcessModulesEx",
        &[Process, Pointer, Length, Pointer, Number],
    ),
    ("GetModuleBaseNameA", &[Process, Module, Pointer, Length]),
    ("GetModuleBaseNameW", &[Process, Module, Pointer, Length]),
    ("GetModuleFileNameExA", &[Process, Module, Pointer, Length]),
    ("GetModuleFileNameExW", &[Process, Module, Pointer, Length]),
    ("GetModuleInformation", &[Process, Module, Pointer, Length]),
    ("EnumDeviceDrivers", &[Pointer, Length, Pointer]),
    ("GetDeviceDriverBaseNameA", &[Driver, Pointer, Length]),
    ("GetDeviceDriverBaseNameW", &[Driver, Pointer, Length]),
    ("GetDeviceDriverFileNameA", &[Driver, Pointer, Length]),
    ("GetDeviceDriverFileNameW", &[Driver, Pointer, Length]),
    ("GetMappedFileNameA", &[Process, Address, Pointer, Length]),
    ("GetMappedFileNameW", &[Process, Address, Pointer, Length]),
    ("GetProcessImageFileNameA", &[Process, Pointer, Length]),
    ("GetProcessImageFileNameW", &[Process, Pointer, Length]),
    ("GetProcessMemoryInfo", &[Process, Pointer, Length]),
    ("QueryWorkingSet", &[Process, Pointer, Length]),
    ("QueryWorkingSetEx", &[Process, Pointer, Length]),
    ("InitializeProcessForWsWatch", &[Process]),
    ("GetWsChanges", &[Process, Pointer, Length]),
    ("GetWsChangesEx", &[Process, Pointer, Pointer]),
    ("EmptyWorkingSet", &[Process]),
    ("EnumPageFilesA", &[CallbackA, Pointer]),
    ("EnumPageFilesW", &[CallbackW, Pointer]),
    ("GetPerformanceInfo", &[Pointer, Length]),
];
