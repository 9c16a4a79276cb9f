//! The library that is tested.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The directory that has `libpsapi.so` and `libpsapi.a`: as `PSAPI_LIBRARY_DIR` says, or where cargo
/// builds them.
pub fn directory() -> &'static Path {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| match std::env::var_os("PSAPI_LIBRARY_DIR") {
        Some(directory) => directory.into(),
        None => build(),
    })
}

fn build() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--package", "libpsapi"]);
    command.arg("--message-format=json-render-diagnostics");
    // What is optimised is what is tested then.
    command.args((!cfg!(debug_assertions)).then_some("--release"));
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = command.stderr(Stdio::inherit()).output().expect("cargo");
    assert!(output.status.success(), "cargo can't build the library");
    let text = String::from_utf8(output.stdout).expect("cargo's messages");
    let shared = text
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|message| message["filenames"].as_array().cloned())
        .flatten()
        .filter_map(|file| file.as_str().map(PathBuf::from))
        .find(|file| file.ends_with("libpsapi.so"))
        .expect("cargo names the library that it built");
    shared.parent().expect("a path").into()
}
