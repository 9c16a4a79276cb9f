//! Calls that Wine refuses. psapi answers them in a build with `--cfg standin`.

#[cfg(windows)]
use super::{run, stderr};
#[cfg(windows)]
use crate::skip;

/// Returns true if psapi lists the pages of other processes. Skips otherwise.
pub fn lists_pages() -> bool {
    is_supported(&["ws"], "Wine lists only the caller's own pages")
}

/// Returns true if psapi records page faults. Skips otherwise.
pub fn records_faults() -> bool {
    is_supported(&["watch", "-d", "0.01"], "Wine records no page faults")
}

/// Returns true if psapi empties working sets. Skips otherwise.
pub fn empties_working_sets() -> bool {
    is_supported(&["empty"], "Wine empties no working set")
}

/// Runs a subcommand on the test itself.
#[cfg(windows)]
fn is_supported(arguments: &[&str], reason: &str) -> bool {
    let own = std::process::id().to_string();
    let output = run(arguments.iter().copied().chain([&own[..]]));
    let is_refused = stderr(&output).contains("not supported");
    if is_refused {
        skip(reason);
    }
    !is_refused
}

#[cfg(target_os = "linux")]
fn is_supported(_: &[&str], _: &str) -> bool {
    true
}
