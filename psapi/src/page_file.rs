//! Page files.

use std::path::PathBuf;

/// A file or partition that memory is moved to when RAM runs short: what Linux calls swap. Sizes
/// are in bytes.
///
/// Source: a line in `PROC/swaps`; on Windows an entry of `SystemPageFileInformation`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[doc(alias = "ENUM_PAGE_FILE_INFORMATION")]
#[non_exhaustive]
pub struct PageFile {
    /// The path in the reader's mount namespace. On Windows a Win32 path such as
    /// `C:\pagefile.sys`, or the native path if the volume has no drive letter.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serialize::text"))]
    pub path: PathBuf,
    /// Whether the path has been deleted since the page file was enabled. A deleted page file stays
    /// in use. Always false on Windows, which keeps such files open.
    pub deleted: bool,
    /// The kind of storage.
    pub kind: PageFileKind,
    /// The capacity (`TotalSize`).
    pub total: u64,
    /// The part that is in use (`TotalInUse`).
    pub in_use: u64,
    /// The largest part that has been in use (`PeakUsage`). Windows only; Linux does not record
    /// this peak.
    pub peak: Option<u64>,
    /// The priority. The kernel fills page files with a higher priority first, and alternates
    /// between page files with equal priority. Linux only.
    pub priority: Option<i32>,
}

/// The kind of a [`PageFile`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum PageFileKind {
    /// A block device: a partition, a logical volume, a whole disk, compressed memory (zram).
    Partition,
    /// A file in a file system.
    File,
    /// Anything else, such as the virtual swap that lxcfs shows in a container.
    Other,
}
