//! The page files that the stand-in reports.

use psapi::{ErrorKind, PageFile, PageFileKind, System};

use crate::Described;

/// Returns the page files. Returns `None`, and skips, if Wine refuses the list.
pub fn described() -> Option<Vec<PageFile>> {
    match System::new().page_files() {
        Err(error) if error.kind() == ErrorKind::NotSupported => {
            testing::skip("Wine lists no page files");
            None
        }
        files => Some(files.unwrap()),
    }
}

/// What the stand-in answers, in pages of 4 KiB: 0x80000, 0x10000 and 0x20000 of the first file. The
/// volume of the second one has no letter.
pub const DESCRIPTION: [Described; 2] = [
    Described {
        path: r"C:\pagefile.sys",
        kind: PageFileKind::File,
        total: 2 << 30,
        in_use: 256 << 20,
        peak: Some(512 << 20),
        priority: None,
        deleted: false,
    },
    Described {
        path: r"\Device\HarddiskVolume9\swapfile.sys",
        kind: PageFileKind::File,
        total: 16 << 20,
        in_use: 0,
        peak: Some(0),
        priority: None,
        deleted: false,
    },
];
