//! The C library under test: its headers, the shared library, compilers, and programs linked with
//! it.

pub mod build;
#[cfg(target_os = "linux")]
pub mod compiler;
#[cfg(target_os = "linux")]
pub mod matrix;
pub mod random_calls;
#[cfg(target_os = "linux")]
pub mod valgrind;
#[cfg(target_os = "linux")]
pub mod workshop;

use std::path::{Path, PathBuf};

/// Returns the directory that contains `include` and `examples`.
///
/// `cargo xtask test` copies both to a directory that the user `nobody` can read, and names it in
/// `PSAPI_CAPI_DIR`.
pub fn capi() -> PathBuf {
    let copied = std::env::var_os("PSAPI_CAPI_DIR").map(PathBuf::from);
    copied.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("capi"))
}

/// Returns the directory of the headers.
pub fn headers() -> PathBuf {
    capi().join("include/psapi")
}
