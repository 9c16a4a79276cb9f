//! The functions of `windows.h` and `tlhelp32.h`, which Linux lacks.

use super::psapi_h;
use crate::ffi::{call, call_or};
use crate::linux::win32::{
    debug_output, dos_device, heap, image_name, library, local, memory_status, message, module,
    process_control, process_counters, read_memory, system_info, text_conversion, time, times,
    token, toolhelp, virtual_memory, virtual_query,
};
use crate::linux::{handles, last_error};
use crate::types::*;
use crate::win32_error::Result;

fn plain<T>(body: impl FnOnce() -> T) -> T {
    body()
}

/// Runs a body whose function reports failure with `INVALID_HANDLE_VALUE`.
fn call_for_snapshot(body: impl FnOnce() -> Result<HANDLE>) -> HANDLE {
    call_or(std::ptr::without_provenance_mut(usize::MAX), body)
}

/// Runs a body whose function reports failure with `WAIT_FAILED`.
fn call_for_wait(body: impl FnOnce() -> Result<DWORD>) -> DWORD {
    call_or(DWORD::MAX, body)
}

/// Returns the address of a function of any header.
fn procedure(name: &[u8]) -> FARPROC {
    psapi_h::exported(name).or_else(|| exported(name))
}

exports! {
    // windows.h
    [OpenProcess] (access: DWORD, inherit: BOOL, id: DWORD) -> HANDLE = call handles::open;
    [CloseHandle] (handle: HANDLE) -> BOOL = call handles::close;
    [GetCurrentProcess] () -> HANDLE = plain handles::current;
    [GetCurrentProcessId] () -> DWORD = plain std::process::id;
    [GetLastError] () -> DWORD = plain last_error::get;
    [SetLastError] (code: DWORD) -> () = plain last_error::set;
    [TerminateProcess] (process: HANDLE, code: UINT) -> BOOL = call process_control::terminate;
    [WaitForSingleObject] (handle: HANDLE, milliseconds: DWORD) -> DWORD = call_for_wait process_control::wait;
    [GetExitCodeProcess] (process: HANDLE, code: *mut DWORD) -> BOOL = call process_control::exit_code;
    [GetProcessId] (process: HANDLE) -> DWORD = call process_control::id;
    [GetProcessTimes] (process: HANDLE, creation: *mut FILETIME, exit: *mut FILETIME, kernel: *mut FILETIME, user: *mut FILETIME) -> BOOL = call times::process_times;
    [GetProcessIoCounters] (process: HANDLE, counters: *mut IO_COUNTERS) -> BOOL = call process_counters::io;
    [GetProcessHandleCount] (process: HANDLE, count: *mut DWORD) -> BOOL = call process_counters::handles;
    [IsWow64Process] (process: HANDLE, wow64: *mut BOOL) -> BOOL = call process_counters::is_wow64;
    [OpenProcessToken] (process: HANDLE, access: DWORD, token: *mut HANDLE) -> BOOL = call token::open;
    [LookupPrivilegeValueA] (machine: *const CHAR, name: *const CHAR, luid: *mut LUID) -> BOOL = call token::lookup;
    [LookupPrivilegeValueW] (machine: *const WCHAR, name: *const WCHAR, luid: *mut LUID) -> BOOL = call token::lookup;
    [AdjustTokenPrivileges] (token: HANDLE, disable_all: BOOL, new: *mut TOKEN_PRIVILEGES, length: DWORD, previous: *mut TOKEN_PRIVILEGES, needed: *mut DWORD) -> BOOL = call token::adjust;
    [GetModuleHandleA] (name: *const CHAR) -> HMODULE = call module::handle;
    [GetModuleHandleW] (name: *const WCHAR) -> HMODULE = call module::handle;
    [GetModuleHandleExA] (flags: DWORD, name: *const CHAR, module: *mut HMODULE) -> BOOL = call library::handle;
    [GetModuleHandleExW] (flags: DWORD, name: *const WCHAR, module: *mut HMODULE) -> BOOL = call library::handle;
    [LoadLibraryA] (name: *const CHAR) -> HMODULE = call library::load;
    [LoadLibraryW] (name: *const WCHAR) -> HMODULE = call library::load;
    [FreeLibrary] (module: HMODULE) -> BOOL = call library::free;
    [GetProcAddress] (module: HMODULE, name: *const CHAR) -> FARPROC = call (|module, name| library::procedure(module, name, procedure));
    [GetModuleFileNameA] (module: HMODULE, name: *mut CHAR, size: DWORD) -> DWORD = call module::file_name;
    [GetModuleFileNameW] (module: HMODULE, name: *mut WCHAR, size: DWORD) -> DWORD = call module::file_name;
    [QueryFullProcessImageNameA] (process: HANDLE, flags: DWORD, name: *mut CHAR, size: *mut DWORD) -> BOOL = call image_name::query;
    [QueryFullProcessImageNameW] (process: HANDLE, flags: DWORD, name: *mut WCHAR, size: *mut DWORD) -> BOOL = call image_name::query;
    [QueryDosDeviceA] (device: *const CHAR, to: *mut CHAR, size: DWORD) -> DWORD = call dos_device::query;
    [QueryDosDeviceW] (device: *const WCHAR, to: *mut WCHAR, size: DWORD) -> DWORD = call dos_device::query;
    [Sleep] (milliseconds: DWORD) -> () = call time::sleep;
    [GetTickCount] () -> DWORD = plain time::tick_count;
    [GetTickCount64] () -> ULONGLONG = plain time::tick_count_64;
    [QueryPerformanceCounter] (count: *mut LARGE_INTEGER) -> BOOL = call times::performance_counter;
    [QueryPerformanceFrequency] (frequency: *mut LARGE_INTEGER) -> BOOL = call times::performance_frequency;
    [GetSystemTimeAsFileTime] (time: *mut FILETIME) -> () = call times::system_time;
    [GetSystemTimes] (idle: *mut FILETIME, kernel: *mut FILETIME, user: *mut FILETIME) -> BOOL = call times::system_times;
    [GetSystemInfo] (information: *mut SYSTEM_INFO) -> () = call system_info::query;
    [GetNativeSystemInfo] (information: *mut SYSTEM_INFO) -> () = call system_info::query_native;
    [GlobalMemoryStatusEx] (status: *mut MEMORYSTATUSEX) -> BOOL = call memory_status::query;
    [ReadProcessMemory] (process: HANDLE, address: LPCVOID, to: LPVOID, size: SIZE_T, read: *mut SIZE_T) -> BOOL = call read_memory::read;
    [VirtualQuery] (address: LPCVOID, information: *mut MEMORY_BASIC_INFORMATION, size: SIZE_T) -> SIZE_T = call virtual_query::query;
    [VirtualQueryEx] (process: HANDLE, address: LPCVOID, information: *mut MEMORY_BASIC_INFORMATION, size: SIZE_T) -> SIZE_T = call virtual_query::query_ex;
    [VirtualAlloc] (address: LPVOID, size: SIZE_T, flags: DWORD, protection: DWORD) -> LPVOID = call virtual_memory::allocate;
    [VirtualFree] (address: LPVOID, size: SIZE_T, flags: DWORD) -> BOOL = call virtual_memory::free;
    [VirtualProtect] (address: LPVOID, size: SIZE_T, protection: DWORD, old: *mut DWORD) -> BOOL = call virtual_memory::change_protection;
    [VirtualLock] (address: LPVOID, size: SIZE_T) -> BOOL = call virtual_memory::lock;
    [VirtualUnlock] (address: LPVOID, size: SIZE_T) -> BOOL = call virtual_memory::unlock;
    [GetProcessHeap] () -> HANDLE = plain heap::process_heap;
    [HeapAlloc] (heap: HANDLE, flags: DWORD, size: SIZE_T) -> LPVOID = call heap::allocate;
    [HeapFree] (heap: HANDLE, flags: DWORD, memory: LPVOID) -> BOOL = call heap::free;
    [MultiByteToWideChar] (code_page: UINT, flags: DWORD, from: *const CHAR, length: INT, to: *mut WCHAR, capacity: INT) -> INT = call text_conversion::to_wide;
    [WideCharToMultiByte] (code_page: UINT, flags: DWORD, from: *const WCHAR, length: INT, to: *mut CHAR, capacity: INT, default: *const CHAR, used_default: *mut BOOL) -> INT = call text_conversion::to_multi_byte;
    [OutputDebugStringA] (text: *const CHAR) -> () = call debug_output::write;
    [OutputDebugStringW] (text: *const WCHAR) -> () = call debug_output::write;
    [FormatMessageA] (flags: DWORD, source: LPCVOID, id: DWORD, language: DWORD, to: *mut CHAR, size: DWORD, arguments: *mut va_list) -> DWORD = call message::format;
    [FormatMessageW] (flags: DWORD, source: LPCVOID, id: DWORD, language: DWORD, to: *mut WCHAR, size: DWORD, arguments: *mut va_list) -> DWORD = call message::format;
    [LocalFree] (memory: HLOCAL) -> HLOCAL = call local::free;

    // tlhelp32.h
    [CreateToolhelp32Snapshot] (flags: DWORD, process: DWORD) -> HANDLE = call_for_snapshot toolhelp::create;
    [Process32First] (snapshot: HANDLE, entry: *mut PROCESSENTRY32) -> BOOL = call toolhelp::process_first;
    [Process32FirstW] (snapshot: HANDLE, entry: *mut PROCESSENTRY32W) -> BOOL = call toolhelp::process_first;
    [Process32Next] (snapshot: HANDLE, entry: *mut PROCESSENTRY32) -> BOOL = call toolhelp::process_next;
    [Process32NextW] (snapshot: HANDLE, entry: *mut PROCESSENTRY32W) -> BOOL = call toolhelp::process_next;
    [Thread32First] (snapshot: HANDLE, entry: *mut THREADENTRY32) -> BOOL = call toolhelp::thread_first;
    [Thread32Next] (snapshot: HANDLE, entry: *mut THREADENTRY32) -> BOOL = call toolhelp::thread_next;
    [Module32First] (snapshot: HANDLE, entry: *mut MODULEENTRY32) -> BOOL = call toolhelp::module_first;
    [Module32FirstW] (snapshot: HANDLE, entry: *mut MODULEENTRY32W) -> BOOL = call toolhelp::module_first;
    [Module32Next] (snapshot: HANDLE, entry: *mut MODULEENTRY32) -> BOOL = call toolhelp::module_next;
    [Module32NextW] (snapshot: HANDLE, entry: *mut MODULEENTRY32W) -> BOOL = call toolhelp::module_next;
}
