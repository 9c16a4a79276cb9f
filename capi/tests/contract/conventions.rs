//! Properties of all functions: exports, dependencies, the last error, `errno`, and invalid
//! pointers.

#[cfg(target_os = "linux")]
use std::collections::BTreeSet;
#[cfg(target_os = "linux")]
use std::process::Command;
#[cfg(target_os = "linux")]
use std::ptr::null_mut;

use crate::api::*;

#[cfg(target_os = "linux")]
use testing::c_library::build as library;
#[cfg(target_os = "linux")]
use testing::{Program, TestProcess, programs};

/// The functions of `psapi.h`. Each has a second name with the prefix `K32`.
const FUNCTIONS: &[&str] = &[
    "EmptyWorkingSet",
    "EnumDeviceDrivers",
    "EnumPageFilesA",
    "EnumPageFilesW",
    "EnumProcessModules",
    "EnumProcessModulesEx",
    "EnumProcesses",
    "GetDeviceDriverBaseNameA",
    "GetDeviceDriverBaseNameW",
    "GetDeviceDriverFileNameA",
    "GetDeviceDriverFileNameW",
    "GetMappedFileNameA",
    "GetMappedFileNameW",
    "GetModuleBaseNameA",
    "GetModuleBaseNameW",
    "GetModuleFileNameExA",
    "GetModuleFileNameExW",
    "GetModuleInformation",
    "GetPerformanceInfo",
    "GetProcessImageFileNameA",
    "GetProcessImageFileNameW",
    "GetProcessMemoryInfo",
    "GetWsChanges",
    "GetWsChangesEx",
    "InitializeProcessForWsWatch",
    "QueryWorkingSet",
    "QueryWorkingSetEx",
];

/// The functions of `windows.h` that every program with handles needs.
#[cfg(target_os = "linux")]
const HELPERS: &[&str] = &[
    "CloseHandle",
    "GetCurrentProcess",
    "GetCurrentProcessId",
    "GetLastError",
    "OpenProcess",
    "SetLastError",
];

/// Runs a program with the library's path as its last argument. Returns its standard output.
#[cfg(target_os = "linux")]
fn output(program: &str, arguments: &[&str]) -> String {
    let library = library::directory().join("libpsapi.so");
    let output = Command::new(program)
        .args(arguments)
        .arg(library)
        .output()
        .unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn exports_functions_under_both_names() {
    let symbols = output("nm", &["--dynamic", "--defined-only"]);
    let exported: BTreeSet<&str> = symbols
        .lines()
        .filter_map(|line| line.split(' ').next_back())
        .collect();
    assert_eq!(FUNCTIONS.len(), 27);
    for name in FUNCTIONS {
        assert!(exported.contains(name), "{name}");
        assert!(
            exported.contains(format!("K32{name}").as_str()),
            "K32{name}"
        );
    }
    assert!(HELPERS.iter().all(|name| exported.contains(name)));
    // Symbols of the Rust runtime and of the unwinder begin with a lower-case letter or `_`.
    let is_internal = |name: &&&str| !name.starts_with(|first: char| first.is_ascii_uppercase());
    let internal: Vec<_> = exported.iter().filter(is_internal).collect();
    assert_eq!(internal, [&""; 0]);
}

#[cfg(target_os = "linux")]
#[test]
fn library_needs_only_c_library() {
    let dynamic = output("readelf", &["--dynamic", "--wide"]);
    let needed: Vec<&str> = dynamic
        .lines()
        .filter(|line| line.contains("(NEEDED)"))
        .filter_map(|line| line.split(['[', ']']).nth(1))
        .collect();
    // The dynamic linker belongs to the C library.
    assert!(
        needed
            .iter()
            .all(|name| name.starts_with("libc.so.") || name.starts_with("ld-linux")),
        "{needed:?}"
    );
    assert!(dynamic.contains("Library soname: [libpsapi.so.1]"));
}

/// Without the `K32` names, the library would be Windows' own or Wine's.
#[cfg(windows)]
#[test]
fn exports_functions_under_both_names() {
    // SAFETY: the library has no initializer.
    let library = unsafe { libloading::Library::new(testing::c_library::build::path()) }.unwrap();
    assert_eq!(FUNCTIONS.len(), 27);
    for name in FUNCTIONS {
        for name in [format!("{name}\0"), format!("K32{name}\0")] {
            // SAFETY: the function is not called.
            let found = unsafe { library.get::<unsafe extern "system" fn()>(name.as_bytes()) };
            assert!(found.is_ok(), "{name}");
        }
    }
}

/// The library must not call the system's psapi, under any name.
#[cfg(windows)]
#[test]
fn imports_only_documented_libraries() {
    // SAFETY: the library has no initializer.
    let library = unsafe { libloading::Library::new(testing::c_library::build::path()) }.unwrap();
    let base = libloading::os::windows::Library::from(library).into_raw();
    // The loader places the headers and all sections at their relative addresses.
    let byte = |offset: usize| {
        let byte = std::ptr::with_exposed_provenance::<u8>(base as usize + offset);
        // SAFETY: the callers read headers and import tables of a loaded image.
        unsafe { byte.read() }
    };
    let number = |offset: usize| -> usize {
        let bytes = [0, 1, 2, 3].map(|index| byte(offset + index));
        u32::from_le_bytes(bytes) as usize
    };
    let text = |offset: usize| -> String {
        let bytes = (offset..).map(byte).take_while(|&byte| byte != 0);
        bytes.map(char::from).collect()
    };
    let directories = number(0x3c) + 24 + if WORD == 8 { 112 } else { 96 };
    let imports = number(directories + 8);
    let descriptors = (0..)
        .map(|index| imports + 20 * index)
        .take_while(|&descriptor| number(descriptor + 12) != 0);
    for descriptor in descriptors {
        let name = text(number(descriptor + 12)).to_lowercase();
        // Mingw's startup code needs msvcrt, and Rust's standard library the others. Without
        // optimization, the library contains more of the standard library.
        let names = [
            "kernel32.dll",
            "ntdll.dll",
            "msvcrt.dll",
            "bcryptprimitives.dll",
        ];
        let is_documented = names.contains(&&*name)
            || name.starts_with("api-ms-win-core-synch-")
            || cfg!(debug_assertions) && ["userenv.dll", "ws2_32.dll"].contains(&&*name);
        assert!(is_documented, "{name}");
        // A name of a function follows two bytes of a hint.
        let names = (0..)
            .map(|index| number(number(descriptor) + WORD * index))
            .take_while(|&name| name != 0);
        for name in names {
            let name = text(name + 2);
            assert!(!name.starts_with("K32"), "{name}");
        }
    }
}

/// On Windows, the standard library changes the last error in between.
#[cfg(target_os = "linux")]
#[test]
fn last_error_is_per_thread() {
    (api().SetLastError)(4711);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            assert_eq!((api().GetLastError)(), 0);
            let code = fail(|api| (api.EmptyWorkingSet)(null_mut()));
            assert_eq!(code, INVALID_HANDLE);
        });
    });
    assert_eq!((api().GetLastError)(), 4711);
}

#[cfg(target_os = "linux")]
#[test]
fn calls_preserve_errno() {
    let errno = || std::io::Error::last_os_error().raw_os_error();
    let set = |value| {
        // SAFETY: `__errno_location` returns a valid pointer to the calling thread's `errno`.
        unsafe { *libc::__errno_location() = value }
    };
    let me = (api().GetCurrentProcess)();
    let mut needed = 0;
    let calls: [&dyn Fn(*mut u32) -> i32; 6] = [
        &|needed| (api().EnumProcesses)(null_mut(), 0, needed),
        &|_| (api().EnumProcesses)(unmapped(), 4, unmapped()),
        &|needed| (api().EnumProcessModules)(me, null_mut(), 0, needed),
        &|_| (api().CloseHandle)(unmapped()),
        &|_| (api().GetProcessMemoryInfo)(me, unmapped(), 72),
        &|_| (api().OpenProcess)(LIMITED, 0, u32::MAX).addr() as i32,
    ];
    for call in calls {
        for value in [0, 77] {
            set(value);
            call(&mut needed);
            assert_eq!(errno(), Some(value));
        }
    }
}

/// A container can forbid `process_vm_readv` and `process_vm_writev`. The library then copies by
/// other system calls, and must still detect invalid pointers.
#[cfg(target_os = "linux")]
#[test]
fn invalid_pointers_fail_without_process_vm() {
    std::thread::scope(|scope| {
        scope.spawn(|| {
            forbid_process_vm_calls();
            let mut ids = vec![0u32; 1 << 16];
            let mut needed = 0;
            succeed(|api| (api.EnumProcesses)(ids.as_mut_ptr(), 4 << 16, &mut needed));
            assert!(ids[..needed as usize / 4].contains(&std::process::id()));
            let me = (api().GetCurrentProcess)();
            let mut pages = vec![
                PageInformation {
                    address: ids.as_ptr().addr(),
                    attributes: 0,
                };
                1000
            ];
            succeed(|api| (api.QueryWorkingSetEx)(me, pages.as_mut_ptr(), 16_000));
            assert!(pages.iter().all(|page| page.attributes & 1 == 1));
            for pointer in [null_mut(), unmapped(), read_only()] {
                let code = fail(|api| (api.EnumProcesses)(pointer, 4, &mut needed));
                assert_eq!(code, NOACCESS);
                let code = fail(|api| (api.QueryWorkingSetEx)(me, pointer.cast(), 16));
                assert_eq!(code, NOACCESS);
            }
        });
    });
}

/// Makes both calls fail with `EPERM` in the calling thread.
#[cfg(target_os = "linux")]
fn forbid_process_vm_calls() {
    let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let (load, equal, ret) = (0x20, 0x15, 0x06);
    let calls = [libc::SYS_process_vm_readv, libc::SYS_process_vm_writev];
    let mut filter = [
        step(load, 0, 0, 0),
        step(equal, 2, 0, calls[0] as u32),
        step(equal, 1, 0, calls[1] as u32),
        step(ret, 0, 0, libc::SECCOMP_RET_ALLOW),
        step(ret, 0, 0, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
    ];
    let program = libc::sock_fprog {
        len: filter.len() as u16,
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: `program` points to `filter`, and both outlive the call. The kernel validates the
    // filter.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        let mode = libc::SECCOMP_MODE_FILTER;
        assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, mode, &program), 0);
    }
}

/// The process id is the thread id of the group leader, whose `/proc` files are unreadable after
/// its exit.
#[cfg(target_os = "linux")]
#[test]
fn calls_succeed_after_leader_exit() {
    let program = Program::compile(programs::CALLS_AFTER_LEADER_EXIT, &[]);
    let library = library::directory().join("libpsapi.so");
    let process = TestProcess::start(Command::new(&program.path).arg(library));
    assert_eq!(process.line, "1 1 1");
}
