//! Page files. `system` holds their sum against the figures of the machine.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(windows)]
mod windows;

use std::path::Path;

use psapi::PageFileKind;

#[cfg(target_os = "linux")]
use linux::{DESCRIPTION, described};
#[cfg(windows)]
use windows::{DESCRIPTION, described};

/// A page file, as the source of the figures describes it. Sizes are in bytes.
struct Described {
    path: &'static str,
    kind: PageFileKind,
    total: u64,
    in_use: u64,
    peak: Option<u64>,
    priority: Option<i32>,
    deleted: bool,
}

#[test]
fn page_files_report_bytes() {
    let Some(files) = described() else {
        return;
    };
    assert_eq!(files.len(), DESCRIPTION.len(), "{files:?}");
    for (file, expected) in files.iter().zip(&DESCRIPTION) {
        assert_eq!(file.path, Path::new(expected.path));
        assert_eq!(file.kind, expected.kind);
        assert_eq!((file.total, file.in_use), (expected.total, expected.in_use));
        assert_eq!(
            (file.peak, file.priority),
            (expected.peak, expected.priority)
        );
        assert_eq!(file.deleted, expected.deleted);
    }
}
