//! The shared library under test.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Returns the directory that contains `libpsapi.so` and `libpsapi.a`, or `psapi.dll`.
///
/// That is `PSAPI_LIBRARY_DIR` if the variable is set. Otherwise cargo builds the library. Under
/// Wine no test can start cargo, so `cargo build --package libpsapi` must have built it before.
pub fn directory() -> &'static Path {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| match std::env::var_os("PSAPI_LIBRARY_DIR") {
        Some(directory) => directory.into(),
        None => build(),
    })
}

/// Returns the path of the shared library.
pub fn path() -> PathBuf {
    directory().join(if cfg!(windows) {
        "psapi.dll"
    } else {
        "libpsapi.so"
    })
}

#[cfg(windows)]
fn build() -> PathBuf {
    let test = std::env::current_exe().expect("the path of the test program");
    let target = test.parent().and_then(Path::parent);
    let target = target.expect("a target directory");
    assert!(target.join("psapi.dll").exists(), "psapi.dll is not built");
    target.to_owned()
}

#[cfg(target_os = "linux")]
fn build() -> PathBuf {
    use std::process::{Command, Stdio};

    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--package", "libpsapi"]);
    command.arg("--message-format=json-render-diagnostics");
    // Optimized tests test the optimized library.
    command.args((!cfg!(debug_assertions)).then_some("--release"));
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .expect("start cargo");
    assert!(output.status.success(), "cargo cannot build the library");
    let text = String::from_utf8(output.stdout).expect("cargo prints UTF-8");
    let shared = text
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|message| message["filenames"].as_array().cloned())
        .flatten()
        .filter_map(|file| file.as_str().map(PathBuf::from))
        .find(|file| file.ends_with("libpsapi.so"))
        .expect("cargo names libpsapi.so in its messages");
    shared.parent().expect("a path with a directory").into()
}
