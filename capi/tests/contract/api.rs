//! The shared library, loaded at run time, and helpers that call its functions.
//!
//! On Windows, the functions of `windows.h` come from `kernel32.dll`.

#![allow(non_snake_case, reason = "the names of the C API")]

use std::ffi::{CStr, c_char, c_void};
use std::path::PathBuf;
use std::sync::OnceLock;

use libloading::Library;

use testing::c_library::build as library;
#[cfg(target_os = "linux")]
use testing::privilege;
use testing::{Program, TestProcess};

pub type Handle = *mut c_void;
pub type Address = *mut c_void;

/// `PSAPI_WS_WATCH_INFORMATION`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchInformation {
    pub pc: usize,
    pub va: usize,
}

/// `PSAPI_WS_WATCH_INFORMATION_EX`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchInformationEx {
    pub basic: WatchInformation,
    pub thread: usize,
    pub flags: usize,
}

/// `ENUM_PAGE_FILE_INFORMATION`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageFileInformation {
    pub cb: u32,
    pub reserved: u32,
    pub total: usize,
    pub in_use: usize,
    pub peak: usize,
}

/// `MODULEINFO`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ModuleInformation {
    pub base: usize,
    pub size: u32,
    pub entry: usize,
}

/// `PSAPI_WORKING_SET_EX_INFORMATION`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PageInformation {
    pub address: usize,
    pub attributes: usize,
}

pub type PageFileCallbackA =
    unsafe extern "system" fn(*mut c_void, *mut PageFileInformation, *const c_char) -> i32;
pub type PageFileCallbackW =
    unsafe extern "system" fn(*mut c_void, *mut PageFileInformation, *const u16) -> i32;

/// The number of bytes of an address, and of a number as wide as one.
pub const WORD: usize = size_of::<usize>();

/// Declares [`Api`], a table of function pointers, and `load`, which fills it from the library and
/// from the one that has the helpers. `symbol` returns the name that a function has in the library.
macro_rules! api {
    (
        $($name:ident($($type:ty),*) -> $result:ty;)*;
        $($helper:ident($($helper_type:ty),*) -> $helper_result:ty;)*
    ) => {
        pub struct Api {
            $(pub $name: extern "system" fn($($type),*) -> $result,)*
            $(pub $helper: extern "system" fn($($helper_type),*) -> $helper_result,)*
        }

        fn load(
            library: &'static Library,
            helpers: &'static Library,
            symbol: fn(&str) -> String,
        ) -> Api {
            Api {
                // SAFETY: the signature matches the published header, which other tests compare with
                // the library. A `'static` library is never unloaded.
                $($name: unsafe {
                    *library.get(symbol(stringify!($name)).as_bytes()).unwrap()
                },)*
                // SAFETY: as above.
                $($helper: unsafe {
                    *helpers.get(concat!(stringify!($helper), "\0").as_bytes()).unwrap()
                },)*
            }
        }
    };
}

api! {
    EnumProcesses(*mut u32, u32, *mut u32) -> i32;
    K32EnumProcesses(*mut u32, u32, *mut u32) -> i32;
    EnumProcessModules(Handle, *mut Address, u32, *mut u32) -> i32;
    EnumProcessModulesEx(Handle, *mut Address, u32, *mut u32, u32) -> i32;
    GetModuleBaseNameA(Handle, Address, *mut u8, u32) -> u32;
    GetModuleBaseNameW(Handle, Address, *mut u16, u32) -> u32;
    GetModuleFileNameExA(Handle, Address, *mut u8, u32) -> u32;
    GetModuleFileNameExW(Handle, Address, *mut u16, u32) -> u32;
    GetModuleInformation(Handle, Address, *mut ModuleInformation, u32) -> i32;
    EnumDeviceDrivers(*mut Address, u32, *mut u32) -> i32;
    GetDeviceDriverBaseNameA(Address, *mut u8, u32) -> u32;
    GetDeviceDriverBaseNameW(Address, *mut u16, u32) -> u32;
    GetDeviceDriverFileNameA(Address, *mut u8, u32) -> u32;
    GetDeviceDriverFileNameW(Address, *mut u16, u32) -> u32;
    GetMappedFileNameA(Handle, Address, *mut u8, u32) -> u32;
    GetMappedFileNameW(Handle, Address, *mut u16, u32) -> u32;
    GetProcessImageFileNameA(Handle, *mut u8, u32) -> u32;
    GetProcessImageFileNameW(Handle, *mut u16, u32) -> u32;
    GetProcessMemoryInfo(Handle, *mut usize, u32) -> i32;
    QueryWorkingSet(Handle, *mut usize, u32) -> i32;
    QueryWorkingSetEx(Handle, *mut PageInformation, u32) -> i32;
    InitializeProcessForWsWatch(Handle) -> i32;
    GetWsChanges(Handle, *mut WatchInformation, u32) -> i32;
    GetWsChangesEx(Handle, *mut WatchInformationEx, *mut u32) -> i32;
    EmptyWorkingSet(Handle) -> i32;
    EnumPageFilesA(Option<PageFileCallbackA>, *mut c_void) -> i32;
    EnumPageFilesW(Option<PageFileCallbackW>, *mut c_void) -> i32;
    GetPerformanceInfo(*mut usize, u32) -> i32;
    ;
    GetLastError() -> u32;
    SetLastError(u32) -> ();
    OpenProcess(u32, i32, u32) -> Handle;
    CloseHandle(Handle) -> i32;
    GetCurrentProcess() -> Handle;
    GetCurrentProcessId() -> u32;
    VirtualAlloc(Address, usize, u32, u32) -> Address;
    VirtualFree(Address, usize, u32) -> i32;
}

/// Returns the functions of the shared library, which the first call loads.
pub fn api() -> &'static Api {
    static LIBRARIES: OnceLock<(Library, Option<Library>)> = OnceLock::new();
    static API: OnceLock<Api> = OnceLock::new();
    API.get_or_init(|| {
        let (library, helpers) = LIBRARIES.get_or_init(|| {
            // SAFETY: the library's only initializer registers its `pthread_atfork` handlers.
            // `kernel32.dll` is in every process.
            unsafe {
                let library = Library::new(library::path()).unwrap();
                let helpers = cfg!(windows).then(|| Library::new("kernel32.dll").unwrap());
                (library, helpers)
            }
        });
        load(library, helpers.as_ref().unwrap_or(library), str::to_owned)
    })
}

/// Returns the functions of the system itself, which are in `kernel32.dll`.
#[cfg(windows)]
pub fn system_api() -> &'static Api {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    static API: OnceLock<Api> = OnceLock::new();
    API.get_or_init(|| {
        // SAFETY: the library is in every process.
        let library = LIBRARY.get_or_init(|| unsafe { Library::new("kernel32.dll") }.unwrap());
        let symbol = |name: &str| format!("K32{}", name.trim_start_matches("K32"));
        load(library, library, symbol)
    })
}

/// An error code of `GetLastError`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code(pub u32);

pub const ACCESS_DENIED: Code = Code(5);
pub const INVALID_HANDLE: Code = Code(6);
pub const BAD_LENGTH: Code = Code(24);
pub const GEN_FAILURE: Code = Code(31);
#[cfg(windows)]
pub const NOT_SUPPORTED: Code = Code(50);
pub const UNEXP_NET_ERR: Code = Code(59);
pub const INVALID_PARAMETER: Code = Code(87);
pub const INSUFFICIENT_BUFFER: Code = Code(122);
#[cfg(target_os = "linux")]
pub const NO_MORE_ITEMS: Code = Code(259);
pub const PARTIAL_COPY: Code = Code(299);
pub const NOACCESS: Code = Code(998);
pub const FILE_INVALID: Code = Code(1006);

pub const VM_READ: u32 = 0x0010;
pub const SET_QUOTA: u32 = 0x0100;
pub const QUERY: u32 = 0x0400;
pub const LIMITED: u32 = 0x1000;
pub const ALL_ACCESS: u32 = 0x1f_ffff;
pub const STANDARD_RIGHTS_REQUIRED: u32 = 0x000f_0000;
pub const MAXIMUM_ALLOWED: u32 = 0x0200_0000;

/// A value for the last error that no function sets. A call that leaves it in place set no error.
pub const UNTOUCHED: Code = Code(0xdead_beef);

/// A return type whose zero value means failure.
pub trait Outcome: Copy {
    fn is_zero(self) -> bool;
}

impl Outcome for i32 {
    fn is_zero(self) -> bool {
        self == 0
    }
}

impl Outcome for u32 {
    fn is_zero(self) -> bool {
        self == 0
    }
}

impl Outcome for Handle {
    fn is_zero(self) -> bool {
        self.is_null()
    }
}

/// Calls a function, which must succeed and must not change the last error. Returns its result.
#[track_caller]
pub fn succeed<T: Outcome>(call: impl FnOnce(&Api) -> T) -> T {
    (api().SetLastError)(UNTOUCHED.0);
    let outcome = call(api());
    let code = (api().GetLastError)();
    assert!(!outcome.is_zero(), "the call failed with error {code}");
    assert_eq!(Code(code), UNTOUCHED);
    outcome
}

/// Calls a function, which must succeed if the system supports it. Skips otherwise, as on Wine, and
/// returns false.
pub fn succeed_if_supported(call: impl FnOnce(&Api) -> i32) -> bool {
    (api().SetLastError)(UNTOUCHED.0);
    let succeeded = call(api()) != 0;
    let code = Code((api().GetLastError)());
    let expected = if succeeded || cfg!(target_os = "linux") {
        UNTOUCHED
    } else {
        Code(50)
    };
    assert_eq!(code, expected);
    if !succeeded {
        testing::skip("this system supports only a part of the API");
    }
    succeeded
}

/// Calls a function, which must fail. Returns its error code.
#[track_caller]
pub fn fail<T: Outcome>(call: impl FnOnce(&Api) -> T) -> Code {
    (api().SetLastError)(UNTOUCHED.0);
    assert!(call(api()).is_zero(), "the call succeeded");
    let code = Code((api().GetLastError)());
    assert_ne!(code, UNTOUCHED);
    code
}

/// An open process handle, closed on drop.
pub struct OpenHandle(pub Handle);

impl OpenHandle {
    #[track_caller]
    pub fn new(access: u32, id: u32) -> Self {
        OpenHandle(succeed(|api| (api.OpenProcess)(access, 0, id)))
    }
}

impl Drop for OpenHandle {
    fn drop(&mut self) {
        (api().CloseHandle)(self.0);
    }
}

/// Returns the text in a buffer, which must contain a NUL terminator.
#[cfg(target_os = "linux")]
pub fn text(buffer: &[u8]) -> String {
    CStr::from_bytes_until_nul(buffer)
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned()
}

/// Returns the text in a buffer, which must contain a NUL terminator. The code page of the tests is
/// one of those that agree with Latin-1.
#[cfg(windows)]
pub fn text(buffer: &[u8]) -> String {
    let text = CStr::from_bytes_until_nul(buffer).unwrap();
    text.to_bytes().iter().copied().map(char::from).collect()
}

/// Like [`text`], for UTF-16.
pub fn wide_text(buffer: &[u16]) -> String {
    let end = buffer.iter().position(|&unit| unit == 0).unwrap();
    String::from_utf16_lossy(&buffer[..end])
}

/// Returns true if no other test runs in this process. Otherwise runs the calling test, by its
/// name, in a process of its own, checks that it passes there, and returns false.
#[cfg(target_os = "linux")]
pub fn is_alone(test: &str) -> bool {
    const ALONE: &str = "PSAPI_TEST_ALONE";
    let nextest = std::env::var_os("NEXTEST_EXECUTION_MODE");
    if nextest.is_some_and(|mode| mode == "process-per-test") || std::env::var_os(ALONE).is_some() {
        return true;
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
    false
}

/// Returns a pointer to unmapped memory.
pub fn unmapped<T>() -> *mut T {
    std::ptr::without_provenance_mut(8)
}

/// Returns a pointer to read-only memory.
pub fn read_only<T>() -> *mut T {
    static MEMORY: [u64; 512] = [0x0707_0707_0707_0707; 512];
    MEMORY.as_ptr().cast_mut().cast()
}

/// Returns the path of a program under which the system knows the process that runs it.
pub fn path_of(process: &TestProcess, program: &Program) -> PathBuf {
    if cfg!(windows) {
        return program.path.clone();
    }
    std::fs::read_link(format!("/proc/{}/exe", process.id())).unwrap()
}

/// Returns the name that the system itself has for the file at an address of a process. Wine has the
/// drive in it, and Windows the device.
#[cfg(windows)]
pub fn system_mapped_name(handle: Handle, address: Address) -> String {
    type Query = unsafe extern "system" fn(Handle, Address, *mut u16, u32) -> u32;
    // SAFETY: the library is in every process.
    let kernel32 = unsafe { Library::new("kernel32.dll") }.unwrap();
    let mut name = [0; 4096];
    // SAFETY: the function has this type, and the buffer has this length.
    let length = unsafe {
        let query = kernel32.get::<Query>(b"K32GetMappedFileNameW").unwrap();
        query(handle, address, name.as_mut_ptr(), 4096)
    };
    assert_ne!(length, 0, "the system knows no file");
    wide_text(&name)
}

/// Returns what the system's own function reports as the program of a process.
#[cfg(windows)]
pub fn system_image_name(handle: Handle) -> String {
    type Query = unsafe extern "system" fn(Handle, *mut u16, u32) -> u32;
    // SAFETY: the library is in every process.
    let kernel32 = unsafe { Library::new("kernel32.dll") }.unwrap();
    let mut name = [0; 4096];
    // SAFETY: the function has this type, and the buffer has this length.
    let length = unsafe {
        let query = kernel32
            .get::<Query>(b"K32GetProcessImageFileNameW")
            .unwrap();
        query(handle, name.as_mut_ptr(), 4096)
    };
    assert_ne!(length, 0, "the system knows no program");
    wide_text(&name)
}

/// Returns the length of a text in the functions for `CHAR`: UTF-8 on Linux, one byte for each
/// character of the code page on Windows.
pub fn bytes(text: &str) -> usize {
    if cfg!(windows) {
        text.chars().count()
    } else {
        text.len()
    }
}

/// Returns the file name of a program that was compiled with a name.
pub fn file_name(name: &str) -> String {
    format!("{name}{}", std::env::consts::EXE_SUFFIX)
}

/// Like [`privilege::unprivileged`]. Loads the library first, because its file might not be readable
/// without privileges.
#[cfg(target_os = "linux")]
pub fn unprivileged<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    api();
    privilege::unprivileged(run)
}
