//! Linux: the library also has the functions of `windows.h`.

use std::path::Path;
pub use std::process::Child;
use std::process::{Command, Stdio};
use std::ptr::null_mut;

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect};

use super::super::function::{Function, MAX_ARGUMENTS, find};
use super::super::kinds::Kind::*;
use super::super::kinds::Prototype;
use super::super::random::Random;
use super::super::resources::Resources;

/// The functions of `windows.h` and `tlhelp32.h`.
pub const HELPERS: &[Prototype] = &[
    ("OpenProcess", &[Access, Number, Id]),
    ("CloseHandle", &[Process]),
    ("GetCurrentProcess", &[]),
    ("GetCurrentProcessId", &[]),
    ("GetLastError", &[]),
    ("SetLastError", &[Number]),
    ("TerminateProcess", &[Survivor, Number]),
    ("WaitForSingleObject", &[Process, Milliseconds]),
    ("GetExitCodeProcess", &[Process, Pointer]),
    ("GetProcessId", &[Process]),
    (
        "GetProcessTimes",
        &[Process, Pointer, Pointer, Pointer, Pointer],
    ),
    ("GetProcessIoCounters", &[Process, Pointer]),
    ("GetProcessHandleCount", &[Process, Pointer]),
    ("IsWow64Process", &[Process, Pointer]),
    ("OpenProcessToken", &[Process, Access, Pointer]),
    ("LookupPrivilegeValueA", &[Pointer, Pointer, Pointer]),
    ("LookupPrivilegeValueW", &[Pointer, Pointer, Pointer]),
    (
        "AdjustTokenPrivileges",
        &[Token, False, Pointer, Length, Pointer, Pointer],
    ),
    ("GetModuleHandleExA", &[Number, Pointer, Pointer]),
    ("GetModuleHandleExW", &[Number, Pointer, Pointer]),
    ("LoadLibraryA", &[Pointer]),
    ("LoadLibraryW", &[Pointer]),
    ("FreeLibrary", &[Library]),
    ("GetProcAddress", &[Module, Pointer]),
    ("GetModuleHandleA", &[Pointer]),
    ("GetModuleHandleW", &[Pointer]),
    ("GetModuleFileNameA", &[Module, Pointer, Length]),
    ("GetModuleFileNameW", &[Module, Pointer, Length]),
    (
        "QueryFullProcessImageNameA",
        &[Process, Number, Pointer, Pointer],
    ),
    (
        "QueryFullProcessImageNameW",
        &[Process, Number, Pointer, Pointer],
    ),
    ("QueryDosDeviceA", &[Pointer, Pointer, Length]),
    ("QueryDosDeviceW", &[Pointer, Pointer, Length]),
    ("QueryPerformanceCounter", &[Pointer]),
    ("QueryPerformanceFrequency", &[Pointer]),
    ("GetSystemTimeAsFileTime", &[Pointer]),
    ("GetSystemTimes", &[Pointer, Pointer, Pointer]),
    ("GlobalMemoryStatusEx", &[Pointer]),
    ("GetNativeSystemInfo", &[Pointer]),
    (
        "ReadProcessMemory",
        &[Process, Address, Pointer, Length, Pointer],
    ),
    ("VirtualQuery", &[Address, Pointer, Length]),
    ("VirtualQueryEx", &[Process, Address, Pointer, Length]),
    ("GetProcessHeap", &[]),
    ("HeapAlloc", &[Heap, Number, Length]),
    ("HeapFree", &[Heap, Number, Block]),
    (
        "MultiByteToWideChar",
        &[CodePage, Number, Pointer, Length, Pointer, Length],
    ),
    (
        "WideCharToMultiByte",
        &[
            CodePage, Number, Pointer, Length, Pointer, Length, Pointer, Pointer,
        ],
    ),
    ("OutputDebugStringA", &[Unreadable]),
    ("OutputDebugStringW", &[Unreadable]),
    ("CreateToolhelp32Snapshot", &[SnapshotFlags, Id]),
    ("Process32First", &[Snapshot, Pointer]),
    ("Process32FirstW", &[Snapshot, Pointer]),
    ("Process32Next", &[Snapshot, Pointer]),
    ("Process32NextW", &[Snapshot, Pointer]),
    ("Thread32First", &[Snapshot, Pointer]),
    ("Thread32Next", &[Snapshot, Pointer]),
    ("Module32First", &[Snapshot, Pointer]),
    ("Module32FirstW", &[Snapshot, Pointer]),
    ("Module32Next", &[Snapshot, Pointer]),
    ("Module32NextW", &[Snapshot, Pointer]),
    ("Sleep", &[Milliseconds]),
    ("GetTickCount", &[]),
    ("GetTickCount64", &[]),
    ("GetSystemInfo", &[Pointer]),
    ("VirtualAlloc", &[Region, Size, HowToAllocate, Protection]),
    ("VirtualFree", &[Region, Size, HowToFree]),
    ("VirtualProtect", &[Region, Size, Protection, Pointer]),
    ("VirtualLock", &[Region, Size]),
    ("VirtualUnlock", &[Region, Size]),
    (
        "FormatMessageA",
        &[
            MessageFlags,
            Pointer,
            Number,
            Number,
            Pointer,
            Length,
            Pointer,
        ],
    ),
    (
        "FormatMessageW",
        &[
            MessageFlags,
            Pointer,
            Number,
            Number,
            Pointer,
            Length,
            Pointer,
        ],
    ),
    ("LocalFree", &[Local]),
];

/// Returns the number of names that the library exports.
pub fn exported(library: &Path) -> usize {
    let listed = Command::new("nm")
        .args(["--dynamic", "--defined-only"])
        .arg(library)
        .output()
        .expect("start nm");
    String::from_utf8_lossy(&listed.stdout).lines().count()
}

/// Maps writable memory, followed by an inaccessible page.
pub fn writable_memory(size: usize) -> usize {
    let both = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: the mapping is new, so no other code uses it, and it is never unmapped.
    unsafe {
        let start = mmap_anonymous(null_mut(), size + 4096, both, MapFlags::PRIVATE);
        let start = start.expect("map memory");
        let end = start.byte_add(size);
        mprotect(end, 4096, MprotectFlags::empty()).expect("protect the guard page");
        start.expose_provenance()
    }
}

/// Maps a page that can only be read.
pub fn read_only_page() -> usize {
    // SAFETY: the mapping is new, so no other code uses it, and it is never unmapped.
    let page = unsafe { mmap_anonymous(null_mut(), 4096, ProtFlags::READ, MapFlags::PRIVATE) };
    page.expect("map memory").addr()
}

/// Returns the number of open descriptors.
pub fn open_handles() -> i64 {
    let open = std::fs::read_dir("/proc/self/fd");
    open.expect("list the open descriptors").count() as i64
}

/// A process that waits until it is killed.
pub fn start_child() -> Child {
    let child = Command::new("cat").stdin(Stdio::piped()).spawn();
    child.expect("start cat")
}

/// Returns the heap for the functions that take one.
pub fn heap(functions: &[Function]) -> usize {
    // SAFETY: the function takes no arguments.
    unsafe { find(functions, "GetProcessHeap").call([0; MAX_ARGUMENTS]) }
}

/// Opens nothing: the random calls do.
pub fn open_process(_: &mut Resources, _: &mut Random, _child: u32) {}

/// Closes all handles and frees all memory. Anything that remains is a leak.
pub fn release(kept: &mut Resources, heap: usize, functions: &[Function]) {
    let call = |name, arguments: &[usize]| {
        let mut all = [0; MAX_ARGUMENTS];
        all[..arguments.len()].copy_from_slice(arguments);
        // SAFETY: the library returned each value for the function that releases it.
        unsafe { find(functions, name).call(all) }
    };
    for handle in kept.open.drain(..) {
        let closed = call("CloseHandle", &[handle]);
        assert_ne!(closed as u32, 0, "cannot close a handle");
    }
    for region in kept.regions.drain(..) {
        let freed = call("VirtualFree", &[region, 0, 0x8000]);
        assert_ne!(freed as u32, 0, "cannot free a region");
    }
    for memory in kept.locals.drain(..) {
        assert_eq!(call("LocalFree", &[memory]), 0, "cannot free a message");
    }
    for block in kept.blocks.drain(..) {
        let freed = call("HeapFree", &[heap, 0, block]);
        assert_ne!(freed as u32, 0, "cannot free a block");
    }
    // Not every base that `GetModuleHandleEx` returns is to be freed.
    for library in kept.libraries.drain(..) {
        call("FreeLibrary", &[library]);
    }
    kept.processes.clear();
    kept.snapshots.clear();
    kept.tokens.clear();
}
