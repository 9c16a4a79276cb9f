//! What the tests of the C side share: where the headers are, the library, the compilers, and
//! programs made of these.
#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod compiler;
pub mod library;
pub mod valgrind;
pub mod workshop;

#[path = "../../../psapi/tests/support/privilege.rs"]
pub mod privilege;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where `include` and `examples` are: `cargo xtask test` copies them to where nobody may read.
pub fn capi() -> PathBuf {
    let copied = std::env::var_os("PSAPI_CAPI_DIR").map(PathBuf::from);
    copied.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).into())
}

pub fn headers() -> PathBuf {
    capi().join("include/psapi")
}

/// Whether a program can be run by this user.
pub fn is_there(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version");
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
