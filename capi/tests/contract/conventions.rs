//! What holds for all functions: the last error, `errno`, the library's own names and needs.

use std::collections::BTreeSet;
use std::process::Command;
use std::ptr::null_mut;

use crate::api::*;
use crate::library;
use crate::support::child::{Program, Subject};

/// The functions of `psapi.h` with both their names, and the helpers that must be there.
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

const HELPERS: &[&str] = &[
    "CloseHandle",
    "GetCurrentProcess",
    "GetCurrentProcessId",
    "GetLastError",
    "OpenProcess",
    "SetLastError",
];

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

#[test]
fn all_functions_are_exported_under_both_names() {
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
    // Nothing of Rust's own, and nothing of the unwinder's.
    let lower = |name: &&&str| !name.starts_with(|first: char| first.is_ascii_uppercase());
    let strangers: Vec<_> = exported.iter().filter(lower).collect();
    assert_eq!(strangers, [&""; 0]);
}

#[test]
fn the_library_needs_only_the_c_library() {
    let dynamic = output("readelf", &["--dynamic", "--wide"]);
    let needed: Vec<&str> = dynamic
        .lines()
        .filter(|line| line.contains("(NEEDED)"))
        .filter_map(|line| line.split(['[', ']']).nth(1))
        .collect();
    // The dynamic linker is a part of it.
    assert!(
        needed
            .iter()
            .all(|name| name.starts_with("libc.so.") || name.starts_with("ld-linux")),
        "{needed:?}"
    );
    assert!(dynamic.contains("Library soname: [libpsapi.so.1]"));
}

#[test]
fn the_last_error_is_a_threads_own() {
    (api().SetLastError)(4711);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            assert_eq!((api().GetLastError)(), 0);
            let code = failed(|api| (api.CloseHandle)(null_mut()));
            assert_eq!(code, INVALID_HANDLE);
        });
    });
    assert_eq!((api().GetLastError)(), 4711);
}

#[test]
fn errno_is_left_alone() {
    let errno = || std::io::Error::last_os_error().raw_os_error();
    let set = |value| {
        // SAFETY: each thread has a place for it.
        unsafe { *libc::__errno_location() = value }
    };
    let me = (api().GetCurrentProcess)();
    let mut needed = 0;
    let calls: [&dyn Fn(*mut u32) -> i32; 6] = [
        &|needed| (api().EnumProcesses)(null_mut(), 0, needed),
        &|_| (api().EnumProcesses)(nowhere(), 4, nowhere()),
        &|needed| (api().EnumProcessModules)(me, null_mut(), 0, needed),
        &|_| (api().CloseHandle)(nowhere()),
        &|_| (api().GetProcessMemoryInfo)(me, nowhere(), 72),
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

/// A filter that forbids what the caller's memory is copied by: the other way is found.
#[test]
fn where_a_filter_forbids_process_vm_calls_bad_pointers_are_told_all_the_same() {
    std::thread::scope(|scope| {
        scope.spawn(|| {
            forbid_process_vm_calls();
            let mut ids = vec![0u32; 1 << 16];
            let mut needed = 0;
            done(|api| (api.EnumProcesses)(ids.as_mut_ptr(), 4 << 16, &mut needed));
            assert!(ids[..needed as usize / 4].contains(&std::process::id()));
            let me = (api().GetCurrentProcess)();
            let mut pages = vec![
                PageInformation {
                    address: ids.as_ptr().addr(),
                    attributes: 0,
                };
                1000
            ];
            done(|api| (api.QueryWorkingSetEx)(me, pages.as_mut_ptr(), 16_000));
            assert!(pages.iter().all(|page| page.attributes & 1 == 1));
            for to in [null_mut(), nowhere(), read_only()] {
                let code = failed(|api| (api.EnumProcesses)(to, 4, &mut needed));
                assert_eq!(code, NOACCESS);
                let code = failed(|api| (api.QueryWorkingSetEx)(me, to.cast(), 16));
                assert_eq!(code, NOACCESS);
            }
        });
    });
}

/// For this thread alone.
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
    // SAFETY: the program is there as long as the call lasts; the kernel checks it.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        let mode = libc::SECCOMP_MODE_FILTER;
        assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, mode, &program), 0);
    }
}

/// Calls from a thread that has outlived the first one, by whose id the kernel knows a process.
#[test]
fn a_thread_that_has_outlived_the_first_one_is_answered() {
    const OUTLIVES: &str = r#"
    #include <dlfcn.h>
    #include <pthread.h>
    #include <stdio.h>
    #include <string.h>
    #include <unistd.h>
    static void *later(void *path) {
        char stat[512] = "";
        while (!strstr(stat, ") Z ")) {
            FILE *file = fopen("/proc/self/stat", "r");
            if (!fgets(stat, sizeof stat, file)) break;
            fclose(file);
        }
        void *library = dlopen(path, RTLD_NOW);
        int (*processes)(unsigned *, unsigned, unsigned *) = dlsym(library, "EnumProcesses");
        unsigned ids[4096], needed = 0;
        int done = processes(ids, sizeof ids, &needed);
        int refused = !processes((unsigned *)8, sizeof ids, &needed);
        printf("%d %d %d\n", done, needed > 0, refused); fflush(stdout);
        getchar();
        _exit(0);
    }
    int main(int argc, char **argv) {
        pthread_t id;
        pthread_create(&id, 0, later, argv[1]);
        pthread_exit(0);
    }"#;
    let program = Program::compile(OUTLIVES, &[]);
    let library = library::directory().join("libpsapi.so");
    let subject = Subject::start(Command::new(&program.path).arg(library));
    assert_eq!(subject.said, "1 1 1");
}
