//! Error codes of the system, which are those of the API.

/// Returns the code of the API for a code of the system.
pub fn win32_code(code: i32) -> Option<u32> {
    Some(code.cast_unsigned())
}

/// Returns the code of the API if the system does not support an operation, and there is a more
/// specific code than `ERROR_NOT_SUPPORTED`.
pub fn unsupported_code(code: i32) -> Option<u32> {
    /// A 32-bit caller cannot look at a 64-bit process.
    const ERROR_PARTIAL_COPY: i32 = 299;
    (code == ERROR_PARTIAL_COPY).then_some(code.cast_unsigned())
}
