//! The library as C programs see it: loaded at run time, called by name.

#![allow(non_snake_case, reason = "the API's own names")]

use std::ffi::{CStr, c_char, c_void};
use std::sync::OnceLock;

use libloading::Library;

use crate::library;
use crate::support::privilege;

pub type Handle = *mut c_void;
pub type Address = *mut c_void;

/// `PSAPI_WS_WATCH_INFORMATION_EX`, whose beginning is the plain one.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchInformation {
    pub pc: usize,
    pub va: usize,
}

#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchInformationEx {
    pub basic: WatchInformation,
    pub thread: usize,
    pub flags: usize,
}

#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageFileInformation {
    pub cb: u32,
    pub reserved: u32,
    pub total: usize,
    pub in_use: usize,
    pub peak: usize,
}

#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ModuleInformation {
    pub base: usize,
    pub size: u32,
    pub entry: usize,
}

#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PageInformation {
    pub address: usize,
    pub attributes: usize,
}

pub type PageFileCallbackA =
    unsafe extern "C" fn(*mut c_void, *mut PageFileInformation, *const c_char) -> i32;
pub type PageFileCallbackW =
    unsafe extern "C" fn(*mut c_void, *mut PageFileInformation, *const u16) -> i32;

macro_rules! api {
    ($($name:ident($($type:ty),*) -> $result:ty;)*) => {
        pub struct Api {
            $(pub $name: extern "C" fn($($type),*) -> $result,)*
        }

        fn load(library: &'static Library) -> Api {
            Api {
                // SAFETY: the types are those of the function in the published headers, which the
                // library is checked against, and it stays loaded.
                $($name: unsafe {
                    *library.get(concat!(stringify!($name), "\0").as_bytes()).unwrap()
                },)*
            }
        }
    };
}

api! {
    GetLastError() -> u32;
    SetLastError(u32) -> ();
    OpenProcess(u32, i32, u32) -> Handle;
    CloseHandle(Handle) -> i32;
    GetCurrentProcess() -> Handle;
    GetCurrentProcessId() -> u32;
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
    GetProcessMemoryInfo(Handle, *mut u64, u32) -> i32;
    QueryWorkingSet(Handle, *mut usize, u32) -> i32;
    QueryWorkingSetEx(Handle, *mut PageInformation, u32) -> i32;
    InitializeProcessForWsWatch(Handle) -> i32;
    GetWsChanges(Handle, *mut WatchInformation, u32) -> i32;
    GetWsChangesEx(Handle, *mut WatchInformationEx, *mut u32) -> i32;
    EmptyWorkingSet(Handle) -> i32;
    EnumPageFilesA(Option<PageFileCallbackA>, *mut c_void) -> i32;
    EnumPageFilesW(Option<PageFileCallbackW>, *mut c_void) -> i32;
    GetPerformanceInfo(*mut u64, u32) -> i32;
}

pub fn api() -> &'static Api {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    static API: OnceLock<Api> = OnceLock::new();
    API.get_or_init(|| {
        let path = library::directory().join("libpsapi.so");
        // SAFETY: what it does when it is loaded is to register what a fork calls.
        load(LIBRARY.get_or_init(|| unsafe { Library::new(path) }.unwrap()))
    })
}

/// A code of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code(pub u32);

pub const ACCESS_DENIED: Code = Code(5);
pub const INVALID_HANDLE: Code = Code(6);
pub const BAD_LENGTH: Code = Code(24);
pub const GEN_FAILURE: Code = Code(31);
pub const UNEXP_NET_ERR: Code = Code(59);
pub const INVALID_PARAMETER: Code = Code(87);
pub const INSUFFICIENT_BUFFER: Code = Code(122);
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

/// What no function sets: a test that finds it knows that the last error was left alone.
pub const UNTOUCHED: Code = Code(0xdead_beef);

/// What a function returns where 0 says that it failed.
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

/// Calls a function; success must leave the last error alone.
#[track_caller]
pub fn done<T: Outcome>(call: impl FnOnce(&Api) -> T) -> T {
    (api().SetLastError)(UNTOUCHED.0);
    let outcome = call(api());
    let code = (api().GetLastError)();
    assert!(!outcome.is_zero(), "failed with {code}");
    assert_eq!(Code(code), UNTOUCHED);
    outcome
}

/// Calls a function that must fail; tells with which code.
#[track_caller]
pub fn failed<T: Outcome>(call: impl FnOnce(&Api) -> T) -> Code {
    (api().SetLastError)(UNTOUCHED.0);
    assert!(call(api()).is_zero(), "it succeeded");
    let code = Code((api().GetLastError)());
    assert_ne!(code, UNTOUCHED);
    code
}

/// A handle that is closed when dropped.
pub struct Opened(pub Handle);

impl Opened {
    #[track_caller]
    pub fn new(access: u32, id: u32) -> Self {
        Opened(done(|api| (api.OpenProcess)(access, 0, id)))
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        (api().CloseHandle)(self.0);
    }
}

/// A text that a function wrote, which must be ended by a NUL.
pub fn text(buffer: &[u8]) -> String {
    CStr::from_bytes_until_nul(buffer)
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned()
}

pub fn wide_text(buffer: &[u16]) -> String {
    let end = buffer.iter().position(|&unit| unit == 0).unwrap();
    String::from_utf16_lossy(&buffer[..end])
}

/// An address that nothing is mapped at.
pub fn nowhere<T>() -> *mut T {
    std::ptr::without_provenance_mut(8)
}

/// A place that may be read but not written to.
pub fn read_only<T>() -> *mut T {
    static PLACE: [u64; 512] = [0x0707_0707_0707_0707; 512];
    PLACE.as_ptr().cast_mut().cast()
}

/// As [`privilege::as_nobody`], to whom the library may be out of reach: it is loaded before.
pub fn as_nobody<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    api();
    privilege::as_nobody(run)
}
