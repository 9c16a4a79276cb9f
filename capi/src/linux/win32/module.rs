//! `GetModuleHandle` and `GetModuleFileName`: the modules of the caller's own process.

use psapi::{Module, ModuleFields, ModuleFilter};

use super::own_modules::{find, is_this_library, this_library};
use crate::convert::to_pointer;
use crate::linux::caller_strings::read_until_zero;
use crate::linux::handles::own_process;
use crate::linux::last_error;
use crate::linux::win32::name::NameUnit;
use crate::text::OutBuffer;
use crate::types::{DWORD, HMODULE};
use crate::win32_error::{Result, Win32Error};

/// The API's limit for the length of a path. No module has a longer name.
const MAX_NAME: usize = 32_767;

/// Implements `GetModuleHandle`. Returns the base address of a module; a null pointer means the
/// executable.
pub fn handle<U: NameUnit>(name: *const U) -> Result<HMODULE> {
    if name.is_null() {
        return Ok(to_pointer(find(std::ptr::null_mut())?.base));
    }
    let name = read_until_zero(name, MAX_NAME)?;
    let modules = own_process()?
        .process
        .modules_with(ModuleFilter::All, ModuleFields::SONAME)
        .map_err(|error| Win32Error::from_memory_error(&error))?;
    if let Some(module) = find_by_name(&modules, &name) {
        return Ok(to_pointer(module.base));
    }
    if is_this_library(&U::decode(&name)) {
        return Ok(to_pointer(this_library()?.base));
    }
    Err(Win32Error::MOD_NOT_FOUND)
}

/// Finds a module by its path, if `name` has a slash. Otherwise finds it by the base name of its
/// file or, if there is no such file, by its soname.
///
/// A library is often opened through a symbolic link with the soname, but the kernel reports only
/// the file that the link leads to. Names are compared in the encoding of the caller, so that each
/// name that another function returned is found.
fn find_by_name<'a, U: NameUnit>(modules: &'a [Module], name: &[U]) -> Option<&'a Module> {
    let matches = |text: &std::ffi::OsStr| U::encode(text) == name;
    if name.contains(&U::SLASH) {
        return modules
            .iter()
            .find(|module| matches(module.path.as_os_str()));
    }
    let has_soname = |module: &&Module| module.soname.as_deref().is_some_and(matches);
    let mut modules = modules.iter();
    let by_file = modules.clone().find(|module| matches(module.name()));
    by_file.or_else(|| modules.find(has_soname))
}

/// Implements `GetModuleFileName`. If the path is truncated, the call succeeds but sets the last
/// error, because the return value cannot report the truncation.
pub fn file_name<U: NameUnit>(module: HMODULE, to: *mut U, capacity: DWORD) -> Result<DWORD> {
    let module = find(module)?;
    let length = OutBuffer::new(to, capacity).write_truncated(module.path)?;
    if length == capacity {
        last_error::set(Win32Error::INSUFFICIENT_BUFFER.0);
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use std::ffi::{CStr, CString};
    use std::os::unix::ffi::OsStrExt as _;
    use std::ptr::{null, null_mut};

    use super::*;
    use crate::linux::test_memory::Pages;
    use crate::text::CodeUnit as _;
    use crate::types::{CHAR, WCHAR};

    /// Returns the path and base address of the C library, as reported by the dynamic linker.
    fn c_library() -> (CString, HMODULE) {
        let mut info = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
        let function = libc::getpid as *const () as *const _;
        // SAFETY: `info` has room for the structure that `dladdr` writes.
        assert_ne!(unsafe { libc::dladdr(function, info.as_mut_ptr()) }, 0);
        // SAFETY: `dladdr` succeeded and so wrote the structure.
        let info = unsafe { info.assume_init() };
        // SAFETY: `dli_fname` is a string of the dynamic linker, valid while the library is loaded.
        let path = unsafe { CStr::from_ptr(info.dli_fname) };
        (path.to_owned(), info.dli_fbase)
    }

    fn wide(text: &str) -> Vec<WCHAR> {
        text.encode_utf16().chain([0]).collect()
    }

    #[test]
    fn null_name_means_executable() {
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
    fn finds_module_by_name_and_path() {
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
    fn unknown_name_is_not_found() {
        let too_long = CString::new(vec![b'x'; MAX_NAME + 10]).unwrap();
        for name in [c"", c"libno.so.7", c"/", c"./libc.so.6", &too_long] {
            assert_eq!(
                handle(name.as_ptr()),
                Err(Win32Error::MOD_NOT_FOUND),
                "{name:?}"
            );
        }
        assert_eq!(
            handle(wide("libno.so.7").as_ptr()),
            Err(Win32Error::MOD_NOT_FOUND)
        );
    }

    #[test]
    fn rejects_unreadable_name() {
        let pages = Pages::new(1);
        pages.protect(libc::PROT_NONE);
        for at in [
            pages.at(0),
            null_mut::<std::ffi::c_void>().wrapping_byte_add(1),
        ] {
            assert_eq!(handle::<CHAR>(at.cast()), Err(Win32Error::NOACCESS));
            assert_eq!(handle::<WCHAR>(at.cast()), Err(Win32Error::NOACCESS));
        }
    }

    #[test]
    fn finds_module_by_soname() {
        let module = |path: &str, base, soname: Option<&str>| {
            // `Module` has no public constructor, so modify an existing one.
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
            let name: Vec<CHAR> = CHAR::encode(name.as_ref());
            find_by_name(&modules, &name).map(|module| module.base)
        };
        assert_eq!(base("libz.so.1"), Some(2));
        assert_eq!(base("libz.so.1.3"), Some(1));
        assert_eq!(base("libm.so.6"), Some(3));
        assert_eq!(base("/opt/libz.so.1"), Some(2));
        assert_eq!(base("/lib/libm.so.6"), None);
    }

    #[test]
    fn returns_path_of_executable() {
        let exe = std::fs::read_link("/proc/self/exe").unwrap();
        let exe = exe.to_str().unwrap();
        let mut buffer = [0 as WCHAR; 4096];
        let length = file_name(null_mut(), buffer.as_mut_ptr(), 4096).unwrap() as usize;
        assert_eq!(String::from_utf16(&buffer[..length]).unwrap(), exe);
        assert_eq!(buffer[length], 0);
        let base = handle::<CHAR>(null()).unwrap();
        let mut buffer = [1 as CHAR; 4096];
        let length = file_name(base, buffer.as_mut_ptr(), 4096).unwrap() as usize;
        assert_eq!(&buffer[..length], CHAR::encode(exe.as_ref()));
        assert_eq!(buffer[length..][..2], [0, 1]);
    }

    #[test]
    fn truncation_sets_last_error() {
        let length = std::fs::read_link("/proc/self/exe")
            .unwrap()
            .as_os_str()
            .len();
        for capacity in [1, 5, length] {
            let mut buffer = vec![1 as CHAR; length + 1];
            last_error::set(0);
            let result = file_name(null_mut(), buffer.as_mut_ptr(), capacity as DWORD);
            assert_eq!(result, Ok(capacity as DWORD));
            assert_eq!(last_error::get(), Win32Error::INSUFFICIENT_BUFFER.0);
            assert_eq!(buffer[capacity - 1..][..2], [0, 1]);
        }
        last_error::set(0);
        assert_eq!(file_name::<CHAR>(null_mut(), null_mut(), 0), Ok(0));
        assert_eq!(last_error::get(), Win32Error::INSUFFICIENT_BUFFER.0);
        // A path that just fits is not truncated, and the last error is unchanged.
        let mut buffer = vec![1 as CHAR; length + 1];
        last_error::set(7);
        let result = file_name(null_mut(), buffer.as_mut_ptr(), length as DWORD + 1);
        assert_eq!(result, Ok(length as DWORD));
        assert_eq!(last_error::get(), 7);
    }

    #[test]
    fn rejects_bad_module_and_buffer() {
        let mut buffer = [0 as CHAR; 64];
        let within = handle::<CHAR>(null()).unwrap().wrapping_byte_add(1);
        for module in [within, buffer.as_mut_ptr().cast()] {
            let result = file_name(module, buffer.as_mut_ptr(), 64);
            assert_eq!(result, Err(Win32Error::MOD_NOT_FOUND));
        }
        let result = file_name::<CHAR>(null_mut(), null_mut(), 64);
        assert_eq!(result, Err(Win32Error::NOACCESS));
        let pages = Pages::new(1);
        pages.protect(libc::PROT_READ);
        let result = file_name::<CHAR>(null_mut(), pages.at(0).cast(), 64);
        assert_eq!(result, Err(Win32Error::NOACCESS));
    }
}
