//! What the tests share.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Where the built library is: `cargo xtask test` says so; else it is built now.
pub fn library_directory() -> &'static Path {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| match std::env::var_os("PSAPI_LIBRARY_DIR") {
        Some(directory) => directory.into(),
        None => {
            let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
            let built = Command::new(cargo)
                .args(["build", "--quiet", "--package", "libpsapi"])
                .current_dir(env!("CARGO_MANIFEST_DIR"))
                .status()
                .unwrap();
            assert!(built.success());
            // TARGET/debug/deps/contract-…
            let test = std::env::current_exe().unwrap();
            test.parent().unwrap().parent().unwrap().to_owned()
        }
    })
}
