//! Reports of tests that cannot arrange their facts on this machine.

use std::io::Write as _;

/// Reports that the calling test leaves something out, and why.
///
/// The reason goes to standard error and to the file named by `PSAPI_SKIPPED_LOG`. `cargo xtask
/// test` reads that file because nextest hides the output of tests that pass.
pub fn skip(reason: &str) {
    // `eprintln!` would be captured by the test harness.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {reason}");
    if let Some(log) = std::env::var_os("PSAPI_SKIPPED_LOG") {
        let mut options = std::fs::OpenOptions::new();
        let log = options.append(true).create(true).open(log);
        // A single write keeps lines of concurrent tests apart.
        let _ = log.and_then(|mut log| log.write_all(format!("{reason}\n").as_bytes()));
    }
}

/// Returns true if a program is in a directory of `PATH`.
pub fn is_installed(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|directory| directory.join(program).exists())
}

/// Like [`is_installed`], but also calls [`skip`] if the program is missing.
pub fn has_program(program: &str) -> bool {
    let found = is_installed(program);
    if !found {
        skip(&format!("program `{program}` is not installed"));
    }
    found
}
