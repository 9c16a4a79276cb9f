//! `GetModuleHandle` and `GetModuleFileName`: the modules of the caller's own process.

use psapi::{ErrorKind, Module, ModuleFields, ModuleFilter};

use super::own_process;
use crate::address::pointer;
use crate::boundary::Answer;
use crate::caller;
use crate::code::Code;
use crate::last_error;
use crate::text::{Room, Unit};
use crate::types::{DWORD, HMODULE};

/// As long as the API lets a path be. A longer name is no module's.
const LONGEST: usize = 32_767;

/// The base of the module of a name; that of the executable without one.
pub fn handle<U: Unit>(name: *const U) -> Answer<HMODULE> {
    if name.is_null() {
        return Ok(pointer(find(std::ptr::null_mut())?.base));
    }
    let name = caller::read_until_zero(name, LONGEST)?;
    let modules = own_process()?
        .process
        .modules_with(ModuleFilter::All, ModuleFields::SONAME)
        .map_err(|error| Code::of_memory(&error))?;
    let module = named(&modules, &name).ok_or(Code::MOD_NOT_FOUND)?;
    Ok(pointer(module.base))
}

/// The module whose path it is, if it has a slash; else the one whose file has the name, or the one
/// that calls itself so: of a library that is a symbolic link, the kernel knows only where it leads.
///
/// Names are compared as the functions that tell them write them.
fn named<'a, U: Unit>(modules: &'a [Module], name: &[U]) -> Option<&'a Module> {
    use std::os::unix::ffi::OsStrExt as _;

    let is_it = |text: &std::ffi::OsStr| U::encode(text.as_bytes()) == name;
    if name.contains(&U::SLASH) {
        return modules.iter().find(|it| is_it(it.path.as_os_str()));
    }
    let calls_itself_so = |it: &&Module| it.soname.as_deref().is_some_and(is_it);
    let mut modules = modules.iter();
    let file = modules.clone().find(|it| is_it(it.name()));
    file.or_else(|| modules.find(calls_itself_so))
}

/// The path of a module, or as much of it as fits: then the last error says so, which the function
/// has no other way to tell.
pub fn file_name<U: Unit>(module: HMODULE, to: *mut U, units: DWORD) -> Answer<DWORD> {
    let module = find(module)?;
    let length = Room { to, units }.fill(module.path)?;
    if length == units {
        last_error::set(Code::INSUFFICIENT_BUFFER.0);
    }
    Ok(length)
}

fn find(module: HMODULE) -> Answer<Module> {
    let process = own_process()?;
    let found = match module.is_null() {
        true => process.process.executable(),
        false => process.process.module(module.addr() as u64),
    };
    found.map_err(|error| match error.kind() {
        ErrorKind::InvalidParameter => Code::MOD_NOT_FOUND,
        _ => Code::of_memory(&error),
    })
}

#[cfg(test)]
mod tests {
    use std::ffi::{CStr, CString};
    use std::os::unix::ffi::OsStrExt as _;
    use std::ptr::{null, null_mut};

    use super::*;
    use crate::types::{CHAR, WCHAR};
    use crate::windows::tests::Pages;

    /// The image that a function of the C library is in, as the dynamic linker knows it.
    fn c_library() -> (CString, HMODULE) {
        let mut found = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
        let function = libc::getpid as *const () as *const _;
        // SAFETY: there is room for the answer.
        assert_ne!(unsafe { libc::dladdr(function, found.as_mut_ptr()) }, 0);
        // SAFETY: it was written, and any bytes are one.
        let found = unsafe { found.assume_init() };
        // SAFETY: it is a string of the linker's, which keeps it.
        let path = unsafe { CStr::from_ptr(found.dli_fname) };
        (path.to_owned(), found.dli_fbase)
    }

    fn wide(text: &str) -> Vec<WCHAR> {
        text.encode_utf16().chain([0]).collect()
    }

    #[test]
    fn without_a_name_it_is_the_executable() {
        let base = handle::<CHAR>(null()).unwrap();
        assert_eq!(handle::<WCHAR>(null()), Ok(base));
        let first = &own_process()
            .unwrap()
            .process
            .modules(ModuleFilter::All)
            .unwrap()[0];
        assert_eq!(base.addr() as u64, first.base);
    }

    #[test]
    fn a_module_is_found_by_its_name_and_by_its_path() {
        let (path, base) = c_library();
        let path = std::fs::canonicalize(path.to_str().unwrap()).unwrap();
        let whole = CString::new(path.as_os_str().as_bytes()).unwrap();
        assert_eq!(handle(whole.as_ptr()), Ok(base));
        let name = path.file_name().unwrap();
        let base_name = CString::new(name.as_bytes()).unwrap();
        assert_eq!(handle(base_name.as_ptr()), Ok(base));
        assert_eq!(handle(wide(name.to_str().unwrap()).as_ptr()), Ok(base));
        assert_eq!(handle(wide(path.to_str().unwrap()).as_ptr()), Ok(base));
    }

    #[test]
    fn a_name_that_no_module_has() {
        let too_long = CString::new(vec![b'x'; LONGEST + 10]).unwrap();
        for name in [c"", c"libno.so.7", c"/", c"./libc.so.6", &too_long] {
            assert_eq!(handle(name.as_ptr()), Err(Code::MOD_NOT_FOUND), "{name:?}");
        }
        assert_eq!(
            handle(wide("libno.so.7").as_ptr()),
            Err(Code::MOD_NOT_FOUND)
        );
    }

    #[test]
    fn a_name_that_cannot_be_read() {
        let pages = Pages::new(1);
        pages.protect(libc::PROT_NONE);
        for at in [
            pages.at(0),
            null_mut::<std::ffi::c_void>().wrapping_byte_add(1),
        ] {
            assert_eq!(handle::<CHAR>(at.cast()), Err(Code::NOACCESS));
            assert_eq!(handle::<WCHAR>(at.cast()), Err(Code::NOACCESS));
        }
    }

    #[test]
    fn a_library_is_found_by_what_it_calls_itself() {
        let module = |path: &str, base, soname: Option<&str>| {
            // There is no other way to make one than to have one.
            let mut module = find(null_mut()).unwrap();
            (module.path, module.base, module.soname) = (path.into(), base, soname.map(Into::into));
            module
        };
        let modules = [
            module("/lib/libz.so.1.3", 1, Some("libz.so.1")),
            module("/opt/libz.so.1", 2, None),
            module("/lib/libm.so.6.0", 3, Some("libm.so.6")),
        ];
        let base = |name: &str| {
            let name: Vec<CHAR> = CHAR::encode(name.as_bytes());
            named(&modules, &name).map(|it| it.base)
        };
        assert_eq!(base("libz.so.1"), Some(2));
        assert_eq!(base("libz.so.1.3"), Some(1));
        assert_eq!(base("libm.so.6"), Some(3));
        assert_eq!(base("/opt/libz.so.1"), Some(2));
        assert_eq!(base("/lib/libm.so.6"), None);
    }

    #[test]
    fn the_path_of_the_executable() {
        let exe = std::fs::read_link("/proc/self/exe").unwrap();
        let exe = exe.to_str().unwrap();
        let mut room = [0 as WCHAR; 4096];
        let length = file_name(null_mut(), room.as_mut_ptr(), 4096).unwrap() as usize;
        assert_eq!(String::from_utf16(&room[..length]).unwrap(), exe);
        assert_eq!(room[length], 0);
        let base = handle::<CHAR>(null()).unwrap();
        let mut room = [1 as CHAR; 4096];
        let length = file_name(base, room.as_mut_ptr(), 4096).unwrap() as usize;
        assert_eq!(&room[..length], CHAR::encode(exe.as_bytes()));
        assert_eq!(room[length..][..2], [0, 1]);
    }

    #[test]
    fn a_path_that_is_cut_says_so() {
        let length = std::fs::read_link("/proc/self/exe")
            .unwrap()
            .as_os_str()
            .len();
        for units in [1, 5, length] {
            let mut room = vec![1 as CHAR; length + 1];
            last_error::set(0);
            let answer = file_name(null_mut(), room.as_mut_ptr(), units as DWORD);
            assert_eq!(answer, Ok(units as DWORD));
            assert_eq!(last_error::get(), Code::INSUFFICIENT_BUFFER.0);
            assert_eq!(room[units - 1..][..2], [0, 1]);
        }
        last_error::set(0);
        assert_eq!(file_name::<CHAR>(null_mut(), null_mut(), 0), Ok(0));
        assert_eq!(last_error::get(), Code::INSUFFICIENT_BUFFER.0);
        // What just fits is not cut.
        let mut room = vec![1 as CHAR; length + 1];
        last_error::set(7);
        let answer = file_name(null_mut(), room.as_mut_ptr(), length as DWORD + 1);
        assert_eq!(answer, Ok(length as DWORD));
        assert_eq!(last_error::get(), 7);
    }

    #[test]
    fn a_path_of_nothing_and_to_nowhere() {
        let mut room = [0 as CHAR; 64];
        let within = handle::<CHAR>(null()).unwrap().wrapping_byte_add(1);
        for module in [within, room.as_mut_ptr().cast()] {
            let answer = file_name(module, room.as_mut_ptr(), 64);
            assert_eq!(answer, Err(Code::MOD_NOT_FOUND));
        }
        let answer = file_name::<CHAR>(null_mut(), null_mut(), 64);
        assert_eq!(answer, Err(Code::NOACCESS));
        let pages = Pages::new(1);
        pages.protect(libc::PROT_READ);
        let answer = file_name::<CHAR>(null_mut(), pages.at(0).cast(), 64);
        assert_eq!(answer, Err(Code::NOACCESS));
    }
}
