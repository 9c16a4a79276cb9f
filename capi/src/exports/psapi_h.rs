//! The functions of `psapi.h`. Each has a second name with the prefix `K32`.

use crate::ffi::call;
use crate::types::*;
use crate::{
    drivers, mapped_file, memory, modules, page_files, performance, processes, watch, working_set,
};

exports! {
    [K32EnumProcesses EnumProcesses] (ids: *mut DWORD, cb: DWORD, needed: *mut DWORD) -> BOOL = call processes::enumerate;
    [K32EnumProcessModules EnumProcessModules] (process: HANDLE, modules: *mut HMODULE, cb: DWORD, needed: *mut DWORD) -> BOOL = call modules::enumerate;
    [K32EnumProcessModulesEx EnumProcessModulesEx] (process: HANDLE, modules: *mut HMODULE, cb: DWORD, needed: *mut DWORD, filter: DWORD) -> BOOL = call modules::enumerate_filtered;
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
}
