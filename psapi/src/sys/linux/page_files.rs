//! Page files: what Linux calls swap.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::FileType;

use crate::error::SourceError;
use crate::page_file::{PageFile, PageFileKind};
use crate::sys::linux::dir::Dir;
use crate::sys::linux::proc::exe::split_deleted;
use crate::sys::linux::proc::swaps::{self, Swap};
use crate::sys::linux::system::System;

/// Lists the page files in use, in the kernel's order.
pub(crate) fn page_files(system: &System) -> Result<Vec<PageFile>, SourceError> {
    let mut text = Vec::new();
    let swaps = swaps::read(system.proc_directory()?, &mut text)?;
    let page_files = swaps.into_iter().map(|swap| page_file(system, swap));
    Ok(page_files.collect())
}

fn page_file(system: &System, swap: Swap<'_>) -> PageFile {
    let (plain, has_suffix) = split_deleted(&swap.path);
    let deleted = has_suffix && !exists(system, &swap.path);
    let path = if deleted { plain } else { &swap.path };
    PageFile {
        path: OsStr::from_bytes(path).into(),
        deleted,
        kind: match swap.kind {
            b"partition" => PageFileKind::Partition,
            b"file" => PageFileKind::File,
            _ => PageFileKind::Other,
        },
        total: swap.size,
        in_use: swap.used,
        peak: None,
        priority: Some(swap.priority),
    }
}

/// Returns true if a path leads to a file or device. A name that ends like that of a deleted file
/// can also be the whole name.
fn exists(system: &System, path: &[u8]) -> bool {
    let Some(path) = path.strip_prefix(b"/") else {
        return false;
    };
    // The kernel prints the path below the caller's root, or else below that of the whole system.
    let roots = [Path::new("/"), system.file_root()];
    roots.iter().any(|root| {
        let found = Dir::open(root).and_then(|root| root.attributes(path));
        found.is_ok_and(|found| {
            matches!(
                FileType::from_raw_mode(found.st_mode),
                FileType::RegularFile | FileType::BlockDevice
            )
        })
    })
}
