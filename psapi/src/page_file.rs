use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use crate::error::Result;
use crate::linux::swaps::{self, Swap};
use crate::system::System;

/// A file or partition that memory is moved to when RAM is short: what Linux calls swap. Sizes in
/// bytes.
///
/// Source: a line of `PROC/swaps`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[doc(alias = "ENUM_PAGE_FILE_INFORMATION")]
#[non_exhaustive]
pub struct PageFile {
    /// Where it is, in the reader's mount namespace.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serialize::text"))]
    pub path: PathBuf,
    /// Whether the name has been deleted since it was taken into use. A page file is in use all
    /// the same.
    pub deleted: bool,
    /// What it is.
    pub kind: PageFileKind,
    /// How much it can hold (`TotalSize`).
    pub total: u64,
    /// How much of it is taken (`TotalInUse`).
    pub in_use: u64,
    /// The most that has been taken (`PeakUsage`): `None`, since Linux keeps no such peak.
    pub peak: Option<u64>,
    /// Page files of a higher priority are filled first; those of the same one, in turn.
    pub priority: i32,
}

/// What a [`PageFile`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum PageFileKind {
    /// A block device: a partition, a logical volume, a whole disk, compressed memory (zram).
    Partition,
    /// A file in a file system.
    File,
    /// Anything else, such as the one that lxcfs shows in a container.
    Other,
}

impl System {
    /// The page files in use, in the kernel's order. None at all where the system has no swap.
    ///
    /// Source: `PROC/swaps`, which a kernel built without swap does not have. Cost: cheap, one
    /// small file. Privileges: none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotProc`](crate::ErrorKind::NotProc) where the proc root is no proc file
    /// system, [`ErrorKind::NotSupported`](crate::ErrorKind::NotSupported) where it was mounted
    /// with `subset=pid`, [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) where the file
    /// does not parse.
    ///
    /// ```
    /// for file in psapi::System::new().page_files()? {
    ///     println!("{}: {} of {} bytes in use", file.path.display(), file.in_use, file.total);
    /// }
    /// # Ok::<(), psapi::Error>(())
    /// ```
    #[doc(alias = "EnumPageFiles")]
    pub fn page_files(&self) -> Result<Vec<PageFile>> {
        let mut text = Vec::new();
        self.proc_directory()
            .and_then(|proc| swaps::read(proc, &mut text))
            .map(|swaps| swaps.into_iter().map(PageFile::from).collect())
            .map_err(|refusal| refusal.of_system("list of page files"))
    }
}

impl From<Swap<'_>> for PageFile {
    fn from(swap: Swap<'_>) -> Self {
        PageFile {
            path: OsString::from_vec(swap.path.into_owned()).into(),
            deleted: swap.deleted,
            kind: match swap.kind {
                b"partition" => PageFileKind::Partition,
                b"file" => PageFileKind::File,
                _ => PageFileKind::Other,
            },
            total: swap.size,
            in_use: swap.used,
            peak: None,
            priority: swap.priority,
        }
    }
}
