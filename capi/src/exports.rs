//! Every function that the library exports, as C has it. The headers are checked against this list.

use crate::boundary::call;
use crate::types::*;
use crate::windows::{image_name, local, message, module, system_info, time, virtual_memory};
use crate::{
    drivers, handles, last_error, mapped_file, memory, modules, page_files, performance, processes,
    watch, working_set,
};

/// Exports functions, some under a second name, too. The body of most gives its answer or a code;
/// `plain` ones can't fail.
macro_rules! exports {
    ($([$name:ident $($other:ident)?] $arguments:tt -> $result:tt = $manner:ident $body:expr;)*) => {
        $(
            export!($name $arguments $result $manner $body);
            $(export!($other $arguments $result $manner $body);)?
        )*

        /// Each as a C prototype, with the types as Rust writes them: its name, its arguments, what
        /// it returns.
        #[cfg(test)]
        const PROTOTYPES: &[(&str, &str, &str)] = &[
            $(
                (stringify!($name), stringify!($arguments), stringify!($result)),
                $((stringify!($other), stringify!($arguments), stringify!($result)),)?
            )*
        ];
    };
}

macro_rules! export {
    ($name:ident ($($argument:ident: $type:ty),*) $result:tt $manner:ident $body:expr) => {
        #[unsafe(no_mangle)]
        extern "C" fn $name($($argument: $type),*) -> $result {
            $manner(|| $body($($argument),*))
        }
    };
}

fn plain<T>(body: impl FnOnce() -> T) -> T {
    body()
}

exports! {
    // psapi.h
    [K32EnumProcesses EnumProcesses] (ids: *mut DWORD, cb: DWORD, needed: *mut DWORD) -> BOOL = call processes::enumerate;
    [K32EnumProcessModules EnumProcessModules] (process: HANDLE, modules: *mut HMODULE, cb: DWORD, needed: *mut DWORD) -> BOOL = call modules::enumerate;
    [K32EnumProcessModulesEx EnumProcessModulesEx] (process: HANDLE, modules: *mut HMODULE, cb: DWORD, needed: *mut DWORD, filter: DWORD) -> BOOL = call modules::enumerate_some;
    [K32GetModuleBaseNameA GetModuleBaseNameA] (process: HANDLE, module: HMODULE, name: *mut CHAR, size: DWORD) -> DWORD = call modules::base_name;
    [K32GetModuleBaseNameW GetModuleBaseNameW] (process: HANDLE, module: HMODULE, name: *mut WCHAR, size: DWORD) -> DWORD = call modules::base_name;
    [K32GetModuleFileNameExA GetModuleFileNameExA] (process: HANDLE, module: HMODULE, name: *mut CHAR, size: DWORD) -> DWORD = call modules::file_name;
    [K32GetModuleFileNameExW GetModuleFileNameExW] (process: HANDLE, module: HMODULE, name: *mut WCHAR, size: DWORD) -> DWORD = call modules::file_name;
    [K32GetModuleInformation GetModuleInformation] (process: HANDLE, module: HMODULE, information: *mut MODULEINFO, cb: DWORD) -> BOOL = call modules::information;
    [K32EnumDeviceDrivers EnumDeviceDrivers] (bases: *mut LPVOID, cb: DWORD, needed: *mut DWORD) -> BOOL = call drivers::enumerate;
    [K32GetDeviceDriverBaseNameA GetDeviceDriverBaseNameA] (base: LPVOID, name: *mut CHAR, size: DWORD) -> DWORD = call drivers::base_name;
    [K32GetDeviceDriverBaseNameW GetDeviceDriverBaseNameW] (base: LPVOID, name: *mut WCHAR, size: DWORD) -> DWORD = call drivers::base_name;
    [K32GetDeviceDriverFileNameA GetDeviceDriverFileNameA] (base: LPVOID, name: *mut CHAR, size: DWORD) -> DWORD = call drivers::file_name;
    [K32GetDeviceDriverFileNameW GetDeviceDriverFileNameW] (base: LPVOID, name: *mut WCHAR, size: DWORD) -> DWORD = call drivers::file_name;
    [K32GetMappedFileNameA GetMappedFileNameA] (process: HANDLE, address: LPVOID, name: *mut CHAR, size: DWORD) -> DWORD = call mapped_file::name;
    [K32GetMappedFileNameW GetMappedFileNameW] (process: HANDLE, address: LPVOID, name: *mut WCHAR, size: DWORD) -> DWORD = call mapped_file::name;
    [K32GetProcessImageFileNameA GetProcessImageFileNameA] (process: HANDLE, name: *mut CHAR, size: DWORD) -> DWORD = call processes::image_file_name;
    [K32GetProcessImageFileNameW GetProcessImageFileNameW] (process: HANDLE, name: *mut WCHAR, size: DWORD) -> DWORD = call processes::image_file_name;
    [K32GetProcessMemoryInfo GetProcessMemoryInfo] (process: HANDLE, counters: *mut PROCESS_MEMORY_COUNTERS, cb: DWORD) -> BOOL = call memory::information;
    [K32QueryWorkingSet QueryWorkingSet] (process: HANDLE, to: PVOID, cb: DWORD) -> BOOL = call working_set::query;
    [K32QueryWorkingSetEx QueryWorkingSetEx] (process: HANDLE, pages: PVOID, cb: DWORD) -> BOOL = call working_set::query_ex;
    [K32InitializeProcessForWsWatch InitializeProcessForWsWatch] (process: HANDLE) -> BOOL = call watch::initialize;
    [K32GetWsChanges GetWsChanges] (process: HANDLE, changes: *mut PSAPI_WS_WATCH_INFORMATION, cb: DWORD) -> BOOL = call watch::ws_changes;
    [K32GetWsChangesEx GetWsChangesEx] (process: HANDLE, changes: *mut PSAPI_WS_WATCH_INFORMATION_EX, cb: *mut DWORD) -> BOOL = call watch::ws_changes_ex;
    [K32EmptyWorkingSet EmptyWorkingSet] (process: HANDLE) -> BOOL = call working_set::empty;
    [K32EnumPageFilesA EnumPageFilesA] (callback: PENUM_PAGE_FILE_CALLBACKA, context: LPVOID) -> BOOL = call page_files::enumerate;
    [K32EnumPageFilesW EnumPageFilesW] (callback: PENUM_PAGE_FILE_CALLBACKW, context: LPVOID) -> BOOL = call page_files::enumerate;
    [K32GetPerformanceInfo GetPerformanceInfo] (information: *mut PERFORMANCE_INFORMATION, cb: DWORD) -> BOOL = call performance::information;

    // windows.h
    [OpenProcess] (access: DWORD, inherit: BOOL, id: DWORD) -> HANDLE = call handles::open;
    [CloseHandle] (handle: HANDLE) -> BOOL = call handles::close;
    [GetCurrentProcess] () -> HANDLE = plain handles::current;
    [GetCurrentProcessId] () -> DWORD = plain std::process::id;
    [GetLastError] () -> DWORD = plain last_error::get;
    [SetLastError] (code: DWORD) -> () = plain last_error::set;
    [GetModuleHandleA] (name: *const CHAR) -> HMODULE = call module::handle;
    [GetModuleHandleW] (name: *const WCHAR) -> HMODULE = call module::handle;
    [GetModuleFileNameA] (module: HMODULE, name: *mut CHAR, size: DWORD) -> DWORD = call module::file_name;
    [GetModuleFileNameW] (module: HMODULE, name: *mut WCHAR, size: DWORD) -> DWORD = call module::file_name;
    [QueryFullProcessImageNameA] (process: HANDLE, flags: DWORD, name: *mut CHAR, size: *mut DWORD) -> BOOL = call image_name::query;
    [QueryFullProcessImageNameW] (process: HANDLE, flags: DWORD, name: *mut WCHAR, size: *mut DWORD) -> BOOL = call image_name::query;
    [Sleep] (milliseconds: DWORD) -> () = call time::sleep;
    [GetTickCount] () -> DWORD = plain time::tick_count;
    [GetTickCount64] () -> ULONGLONG = plain time::tick_count_64;
    [GetSystemInfo] (information: *mut SYSTEM_INFO) -> () = call system_info::query;
    [VirtualAlloc] (address: LPVOID, size: SIZE_T, how: DWORD, protection: DWORD) -> LPVOID = call virtual_memory::allocate;
    [VirtualFree] (address: LPVOID, size: SIZE_T, how: DWORD) -> BOOL = call virtual_memory::free;
    [VirtualProtect] (address: LPVOID, size: SIZE_T, protection: DWORD, old: *mut DWORD) -> BOOL = call virtual_memory::change_protection;
    [VirtualLock] (address: LPVOID, size: SIZE_T) -> BOOL = call virtual_memory::lock;
    [VirtualUnlock] (address: LPVOID, size: SIZE_T) -> BOOL = call virtual_memory::unlock;
    [FormatMessageA] (flags: DWORD, source: LPCVOID, id: DWORD, language: DWORD, to: *mut CHAR, size: DWORD, arguments: *mut va_list) -> DWORD = call message::format;
    [FormatMessageW] (flags: DWORD, source: LPCVOID, id: DWORD, language: DWORD, to: *mut WCHAR, size: DWORD, arguments: *mut va_list) -> DWORD = call message::format;
    [LocalFree] (memory: HLOCAL) -> HLOCAL = call local::free;
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::process::Command;

    use super::*;

    /// A C type as Rust writes it: `*mut T`, `T`.
    fn c_type(rust: &str) -> String {
        match rust.split_once(' ').unwrap_or(("", rust)) {
            ("*mut", to) => format!("{to} *"),
            ("*const", to) => format!("const {to} *"),
            _ if rust == "()" => "void".into(),
            _ => rust.into(),
        }
    }

    fn prototype((name, arguments, result): &(&str, &str, &str)) -> String {
        let arguments = arguments.trim_start_matches('(').trim_end_matches(')');
        let types: Vec<String> = arguments
            .split(',')
            .filter_map(|argument| argument.split_once(':'))
            .map(|(_, of)| c_type(of.trim()))
            .collect();
        let types = match types.is_empty() {
            true => "void".into(),
            false => types.join(", "),
        };
        format!("{} WINAPI {name}({types});\n", c_type(result))
    }

    #[test]
    fn the_headers_declare_what_is_exported() {
        let mut code = String::from("#include <windows.h>\n#include <psapi.h>\n");
        PROTOTYPES
            .iter()
            .for_each(|it| code.push_str(&prototype(it)));
        assert_compiles(&code);
    }

    fn assert_compiles(code: &str) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("check.c");
        std::fs::write(&file, code).unwrap();
        // `cargo xtask test` copies them to where nobody may read.
        let copied = std::env::var_os("PSAPI_CAPI_DIR").map(PathBuf::from);
        let capi = copied.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let headers = capi.join("include/psapi");
        let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
        let output = Command::new(compiler)
            .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"])
            // The plain names are functions of their own, as with a version of 1.
            .args(["-DPSAPI_VERSION=1", "-I"])
            .arg(&headers)
            .arg(&file)
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
    }
}
