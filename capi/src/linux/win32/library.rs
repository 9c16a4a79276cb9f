//! `LoadLibrary`, `FreeLibrary`, `GetProcAddress` and `GetModuleHandleEx`.
//!
//! The name of a Windows library whose functions are in this library, such as `psapi.dll`, means
//! this library. All other names are passed to the dynamic linker.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt as _;
use std::ptr::null_mut;

use psapi::Module;

use super::module;
use super::own_modules::{find, is_this_library, module_at, this_library};
use crate::convert::to_pointer;
use crate::linux::caller_strings::read_until_zero;
use crate::linux::state;
use crate::linux::win32::name::NameUnit;
use crate::types::{BOOL, CHAR, DWORD, FARPROC, HMODULE, TRUE};
use crate::user_memory;
use crate::win32_error::{Result, Win32Error};

/// The API's limit for the length of a path.
const MAX_NAME: usize = 32_767;

/// Implements `LoadLibrary`.
pub fn load<U: NameUnit>(name: *const U) -> Result<HMODULE> {
    let name = U::decode(&read_until_zero(name, MAX_NAME)?);
    if is_this_library(&name) {
        return Ok(to_pointer(this_library()?.base));
    }
    // The dynamic linker takes an empty name for the executable.
    let name = CString::new(name).ok().filter(|name| !name.is_empty());
    let name = name.ok_or(Win32Error::MOD_NOT_FOUND)?;
    let linker_handle =
        open(&name, libc::RTLD_NOW | libc::RTLD_LOCAL).ok_or(Win32Error::MOD_NOT_FOUND)?;
    match base_of(linker_handle) {
        Ok(base) => {
            state::with(|state| state.libraries.insert(base, linker_handle.addr()));
            Ok(std::ptr::without_provenance_mut(base))
        }
        Err(error) => {
            close(linker_handle);
            Err(error)
        }
    }
}

/// Implements `FreeLibrary`.
pub fn free(module: HMODULE) -> Result<BOOL> {
    match state::with(|state| state.libraries.remove(module.addr())) {
        Some(linker_handle) => {
            close(std::ptr::with_exposed_provenance_mut(linker_handle));
            Ok(TRUE)
        }
        // The program is linked with this library, so it stays loaded.
        None if module.addr() as u64 == this_library()?.base => Ok(TRUE),
        None => Err(Win32Error::MOD_NOT_FOUND),
    }
}

/// Implements `GetProcAddress`. `exported` finds the functions of this library, which have no
/// dynamic symbols in a statically linked program.
pub fn procedure(
    module: HMODULE,
    name: *const CHAR,
    exported: impl FnOnce(&[u8]) -> FARPROC,
) -> Result<FARPROC> {
    /// A smaller value is a number instead of an address. Functions here have no numbers.
    const FIRST_ADDRESS: usize = 0x1_0000;
    if name.addr() < FIRST_ADDRESS && !name.is_null() {
        return Err(Win32Error::PROC_NOT_FOUND);
    }
    let name = CHAR::decode(&read_until_zero(name, MAX_NAME)?);
    let module = find(module)?;
    if module.base == this_library()?.base {
        let function = exported(&name);
        if function.is_some() {
            return Ok(function);
        }
    }
    let name = CString::new(name).map_err(|_| Win32Error::PROC_NOT_FOUND)?;
    let address = symbol(&module, &name).ok_or(Win32Error::PROC_NOT_FOUND)?;
    // SAFETY: the address is not null. The caller converts it to the function's own type before the
    // call, as with `dlsym`.
    Ok(Some(unsafe {
        std::mem::transmute::<*mut c_void, unsafe extern "system" fn()>(address)
    }))
}

/// Returns the address of a symbol that a module defines itself. The dynamic linker also searches
/// the libraries that the module needs.
fn symbol(module: &Module, name: &CStr) -> Option<*mut c_void> {
    let linker_handle = open_loaded(module, 0)?;
    // SAFETY: the handle is open, and the name ends with a NUL.
    let address = unsafe { libc::dlsym(linker_handle, name.as_ptr()) };
    close(linker_handle);
    let range = module.base..module.base + module.size;
    range.contains(&(address.addr() as u64)).then_some(address)
}

const GET_MODULE_HANDLE_EX_FLAG_PIN: DWORD = 1;
const GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT: DWORD = 2;
const GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS: DWORD = 4;

/// Implements `GetModuleHandleEx`. Unless `flags` forbids it, the module needs another
/// `FreeLibrary`, as after `LoadLibrary`. With the flag `PIN`, it stays loaded until the process
/// ends.
pub fn handle<U: NameUnit>(flags: DWORD, name: *const U, to: *mut HMODULE) -> Result<BOOL> {
    const EXCLUSIVE: DWORD =
        GET_MODULE_HANDLE_EX_FLAG_PIN | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT;
    // As the API defines, the result of a failed call is null.
    user_memory::write(to, &null_mut())?;
    if flags & !(EXCLUSIVE | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS) != 0
        || flags & EXCLUSIVE == EXCLUSIVE
    {
        return Err(Win32Error::INVALID_PARAMETER);
    }
    let module = match flags & GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS {
        0 => find(module::handle(name)?)?,
        _ => module_at(name.addr())?,
    };
    if flags & GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT == 0 {
        let pinned = match flags & GET_MODULE_HANDLE_EX_FLAG_PIN {
            0 => 0,
            _ => libc::RTLD_NODELETE,
        };
        // The dynamic linker cannot unload a module that it does not know.
        if let Some(linker_handle) = open_loaded(&module, pinned) {
            let base = module.base as usize;
            state::with(|state| state.libraries.insert(base, linker_handle.addr()));
        }
    }
    user_memory::write(to, &to_pointer(module.base))?;
    Ok(TRUE)
}

type Open = unsafe extern "C" fn(*const c_char, c_int) -> *mut c_void;

/// Calls `dlopen`. Returns `None` if it fails.
///
/// The function is looked up at run time. A direct call would make the linker warn about each
/// static program, in which the dynamic linker is not available.
fn open(name: &CStr, flags: c_int) -> Option<*mut c_void> {
    // SAFETY: the name ends with a NUL.
    let function = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"dlopen".as_ptr()) };
    if function.is_null() {
        return None;
    }
    // SAFETY: `dlopen` has this type, and the name ends with a NUL. The caller asked to run the
    // initializers of the library.
    let linker_handle = unsafe {
        let open = std::mem::transmute::<*mut c_void, Open>(function);
        open(name.as_ptr(), flags)
    };
    (!linker_handle.is_null()).then_some(linker_handle)
}

/// Returns a handle of the dynamic linker for a module that is loaded.
fn open_loaded(module: &Module, flags: c_int) -> Option<*mut c_void> {
    let name = CString::new(module.path.as_os_str().as_bytes()).ok()?;
    open(&name, libc::RTLD_NOW | libc::RTLD_NOLOAD | flags)
        // The dynamic linker knows the executable by an empty name only.
        .or_else(|| {
            let executable = find(null_mut()).ok()?;
            (executable.base == module.base).then(|| open(c"", libc::RTLD_NOW))?
        })
}

fn close(linker_handle: *mut c_void) {
    // SAFETY: `dlopen` returned the handle, and it is closed once for each time that it was
    // returned.
    unsafe { libc::dlclose(linker_handle) };
}

/// The start of the dynamic linker's description of a library.
#[repr(C)]
struct LinkMap {
    load_bias: usize,
    name: *const c_char,
    dynamic_section: *const c_void,
}

/// Returns the base address of a library.
fn base_of(linker_handle: *mut c_void) -> Result<usize> {
    let mut map: *const LinkMap = std::ptr::null();
    // SAFETY: for this request, `dlinfo` writes a pointer.
    let result = unsafe {
        libc::dlinfo(
            linker_handle,
            libc::RTLD_DI_LINKMAP,
            (&raw mut map).cast::<c_void>(),
        )
    };
    if result != 0 {
        return Err(Win32Error::MOD_NOT_FOUND);
    }
    // SAFETY: the description is valid while the handle is open.
    let section = unsafe { (*map).dynamic_section };
    Ok(module_at(section.addr())?.base as usize)
}

#[cfg(test)]
mod tests {
    use std::ptr::null;

    use testing::{Program, programs};

    use super::*;
    use crate::types::WCHAR;

    fn none(_: &[u8]) -> FARPROC {
        None
    }

    extern "system" fn example() {}

    #[test]
    fn windows_library_is_this_library() {
        let base = load(c"psapi.dll".as_ptr()).unwrap();
        assert_eq!(base.addr() as u64, this_library().unwrap().base);
        let wide: Vec<WCHAR> = "KERNEL32\0".encode_utf16().collect();
        assert_eq!(load(wide.as_ptr()), Ok(base));
        assert_eq!(module::handle(c"Kernel32.dll".as_ptr()), Ok(base));
        let found = |name: &[u8]| {
            assert_eq!(name, b"EnumProcesses");
            let example: unsafe extern "system" fn() = example;
            Some(example)
        };
        let function = procedure(base, c"EnumProcesses".as_ptr(), found).unwrap();
        assert_eq!(
            function.unwrap() as usize,
            example as extern "system" fn() as usize
        );
        let missing = procedure(base, c"NoSuchFunction".as_ptr(), none);
        assert_eq!(missing.err(), Some(Win32Error::PROC_NOT_FOUND));
        assert_eq!(free(base), Ok(TRUE));
        assert_eq!(free(base), Ok(TRUE));
    }

    #[test]
    fn loads_and_frees_other_libraries() {
        let library = Program::compile_as(
            "libanswer.so".as_ref(),
            programs::ANSWER_LIBRARY,
            &["-shared", "-fPIC"],
        );
        let name = CString::new(library.path.as_os_str().as_bytes()).unwrap();
        let base = load(name.as_ptr()).unwrap();
        let is_mapped = || {
            let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
            let start = format!("{:x}-", base.addr());
            let is_start = |line: &str| line.starts_with(&start) && line.contains("libanswer");
            maps.lines().any(is_start)
        };
        assert!(is_mapped());
        let function = procedure(base, c"answer".as_ptr(), none).unwrap().unwrap();
        // SAFETY: the function has this type.
        let answer = unsafe {
            std::mem::transmute::<unsafe extern "system" fn(), extern "C" fn() -> i32>(function)()
        };
        assert_eq!(answer, 42);
        // The C library defines this function.
        let foreign = procedure(base, c"getpid".as_ptr(), none);
        assert_eq!(foreign.err(), Some(Win32Error::PROC_NOT_FOUND));
        assert_eq!(load(name.as_ptr()), Ok(base));
        let mut module = null_mut();
        assert_eq!(handle(0, name.as_ptr(), &mut module), Ok(TRUE));
        assert_eq!(module, base);
        for _ in 0..3 {
            assert!(is_mapped());
            assert_eq!(free(base), Ok(TRUE));
        }
        assert!(!is_mapped());
        assert_eq!(free(base), Err(Win32Error::MOD_NOT_FOUND));
    }

    #[test]
    fn missing_library_is_not_found() {
        for name in [c"", c"libno.so.7", c"ntdll.dll", c"/"] {
            assert_eq!(
                load(name.as_ptr()),
                Err(Win32Error::MOD_NOT_FOUND),
                "{name:?}"
            );
        }
        assert_eq!(load(null::<CHAR>()), Err(Win32Error::NOACCESS));
        let executable = module::handle(null::<CHAR>()).unwrap();
        let name = c"EnumProcesses".as_ptr();
        let inside = executable.wrapping_byte_add(1);
        assert_eq!(
            procedure(inside, name, none).err(),
            Some(Win32Error::MOD_NOT_FOUND)
        );
        let ordinal = null::<CHAR>().wrapping_add(5);
        let result = procedure(executable, ordinal, none);
        assert_eq!(result.err(), Some(Win32Error::PROC_NOT_FOUND));
        let result = procedure(executable, null(), none);
        assert_eq!(result.err(), Some(Win32Error::NOACCESS));
    }

    #[test]
    fn handle_found_by_name_or_address() {
        let mut module = null_mut();
        let executable = module::handle(null::<CHAR>()).unwrap();
        let unchanged = GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT;
        assert_eq!(handle(unchanged, null::<CHAR>(), &mut module), Ok(TRUE));
        assert_eq!(module, executable);
        let own = example as extern "system" fn() as *const CHAR;
        let flags = unchanged | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS;
        assert_eq!(handle(flags, own, &mut module), Ok(TRUE));
        assert_eq!(module, executable);
        assert_eq!(
            handle(flags, null::<CHAR>(), &mut module),
            Err(Win32Error::MOD_NOT_FOUND)
        );
        assert!(module.is_null());
        for flags in [3, 8] {
            let result = handle(flags, null::<CHAR>(), &mut module);
            assert_eq!(result, Err(Win32Error::INVALID_PARAMETER));
        }
        assert_eq!(
            handle(0, null::<CHAR>(), null_mut()),
            Err(Win32Error::NOACCESS)
        );
    }
}
