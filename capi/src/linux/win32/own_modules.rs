//! The modules of the calling process, and the one that contains this library.

use psapi::{ErrorKind, Module, ModuleFilter};

use crate::linux::handles::own_process;
use crate::types::HMODULE;
use crate::win32_error::{Result, Win32Error};

/// Finds a module of the calling process by its base address; a null pointer means the executable.
pub fn find(module: HMODULE) -> Result<Module> {
    let process = own_process()?;
    let found = if module.is_null() {
        process.process.executable()
    } else {
        process.process.module(module.addr() as u64)
    };
    found.map_err(|error| match error.kind() {
        ErrorKind::InvalidParameter => Win32Error::MOD_NOT_FOUND,
        _ => Win32Error::from_memory_error(&error),
    })
}

/// Returns true for the name of a Windows library whose functions are in this library. The name can
/// have a directory, and the suffix `.dll`.
pub fn is_this_library(name: &[u8]) -> bool {
    const NAMES: [&[u8]; 3] = [b"psapi", b"kernel32", b"advapi32"];
    let name = name.rsplit(|&byte| byte == b'\\').next().unwrap_or(name);
    let (stem, suffix) = name.split_at(name.len().saturating_sub(4));
    let stem = match suffix.eq_ignore_ascii_case(b".dll") {
        true => stem,
        false => name,
    };
    NAMES.iter().any(|known| known.eq_ignore_ascii_case(stem))
}

/// Returns the module that contains this library: the library itself, or a program that is linked
/// with it statically.
pub fn this_library() -> Result<Module> {
    module_at(this_library as fn() -> Result<Module> as usize)
}

/// Returns the module that contains an address.
pub fn module_at(address: usize) -> Result<Module> {
    let modules = own_process()?
        .process
        .modules(ModuleFilter::All)
        .map_err(|error| Win32Error::from_memory_error(&error))?;
    let contains =
        |module: &Module| (module.base..module.base + module.size).contains(&(address as u64));
    let module = modules.into_iter().find(contains);
    module.ok_or(Win32Error::MOD_NOT_FOUND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_names_mean_this_library() {
        for name in [
            "psapi.dll",
            "PSAPI.DLL",
            "psapi",
            "Kernel32",
            "kernel32.dll",
            r"C:\Windows\System32\Advapi32.dll",
        ] {
            assert!(is_this_library(name.as_bytes()), "{name}");
        }
        for name in [
            "",
            ".dll",
            "psapi.so",
            "ntdll.dll",
            "/lib/psapi.dll",
            "xpsapi",
        ] {
            assert!(!is_this_library(name.as_bytes()), "{name}");
        }
    }
}
