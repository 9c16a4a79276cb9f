//! Error numbers of the kernel.

/// Returns the code of the API for an error number, if there is a specific one.
pub fn win32_code(errno: i32) -> Option<u32> {
    const ERROR_NOT_ENOUGH_MEMORY: u32 = 8;
    (errno == libc::ENOMEM).then_some(ERROR_NOT_ENOUGH_MEMORY)
}

/// Returns the code of the API if the kernel does not support an operation, and there is a more
/// specific code than `ERROR_NOT_SUPPORTED`.
pub fn unsupported_code(_errno: i32) -> Option<u32> {
    None
}
