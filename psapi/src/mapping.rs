//! Mappings: ranges of a process's address space, and the file or memory that backs them.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// A range of a process's address space with the same permissions and the same backing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Mapping {
    /// The first address.
    pub start: u64,
    /// The first address after the mapping.
    pub end: u64,
    /// Whether the process can read the memory.
    pub readable: bool,
    /// Whether the process can write to the memory.
    pub writable: bool,
    /// Whether the process can execute the memory.
    pub executable: bool,
    /// Whether writes are visible to all processes that map the same object (`MAP_SHARED`). On
    /// Windows, true for views that are neither of an image nor mapped for copying.
    pub shared: bool,
    /// The offset in the file in bytes; 0 without a file. `None` on Windows, which does not report
    /// it.
    pub offset: Option<u64>,
    /// The identity of the file; `None` without a file, and on Windows. Shared memory also has one,
    /// as do private hugetlb pages and private mappings of `/dev/zero`.
    pub file: Option<FileId>,
    /// The file or memory that backs the mapping.
    pub backing: Backing,
}

/// The device and inode of a file or of shared memory.
///
/// These are the numbers of the file system that holds the data. On overlay and btrfs, `stat` can
/// report other numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct FileId {
    /// The major device number.
    pub major: u32,
    /// The minor device number.
    pub minor: u32,
    /// The inode number; for System V shared memory, the id of the segment.
    pub inode: u64,
}

/// The file or memory that backs a mapping.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Backing {
    /// A file.
    File {
        /// The path in the process's mount namespace. The root directory that the process chose by
        /// `chroot` is part of the path. On Windows, a path with a drive letter or of a network
        /// share, or the kernel's name if the device has no letter; empty if the system
        /// refuses the name.
        #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serialize::text"))]
        path: PathBuf,
        /// Whether the file was deleted or replaced after it was mapped.
        deleted: bool,
    },
    /// Memory created by `memfd_create`. Linux only.
    Memfd {
        /// The name passed to `memfd_create`.
        #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serialize::text"))]
        name: OsString,
    },
    /// System V shared memory. Linux only.
    SysV {
        /// The key of the segment.
        key: u32,
    },
    /// Shared memory without a file or a key. Linux only.
    SharedAnonymous {
        /// The name that the program set with `PR_SET_VMA_ANON_NAME`.
        #[cfg_attr(
            feature = "serde",
            serde(serialize_with = "crate::serialize::optional_text")
        )]
        name: Option<OsString>,
        /// Whether the memory consists of hugetlb pages (`MAP_HUGETLB`).
        hugetlb: bool,
    },
    /// Private memory without a file.
    Anonymous {
        /// The name that the program set with `PR_SET_VMA_ANON_NAME`.
        #[cfg_attr(
            feature = "serde",
            serde(serialize_with = "crate::serialize::optional_text")
        )]
        name: Option<OsString>,
        /// Whether the memory consists of hugetlb pages (`MAP_HUGETLB`).
        hugetlb: bool,
    },
    /// The heap, which `brk` resizes. Linux only; on Windows, heaps are anonymous.
    Heap,
    /// The stack of the main thread. Linux only; on Windows, stacks are anonymous.
    Stack,
    /// The image that the kernel maps into every process. Linux only.
    Vdso,
    /// Shared memory that page files back: a section object without a file. Windows only.
    PagefileSection,
    /// Other memory provided by the kernel, such as `[vvar]`, the ring buffer of a perf event, or
    /// memory of `memfd_secret`.
    Kernel {
        /// The name that the kernel gives it.
        #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serialize::text"))]
        name: OsString,
    },
}

impl Backing {
    /// Returns the path of the file; `None` without a file.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Backing::File { path, .. } => Some(path),
            _ => None,
        }
    }

    /// Returns the name that `maps` and `pmap` print, without the ` (deleted)` suffix.
    ///
    /// The label of private memory without a name is empty. If the memory was mapped through
    /// `/dev/zero`, `maps` prints the path of that device instead.
    pub fn label(&self) -> OsString {
        let concat = |parts: &[&OsStr]| parts.iter().copied().collect::<OsString>();
        match self {
            Backing::File { path, .. } => path.clone().into(),
            Backing::Memfd { name } => concat(&["/memfd:".as_ref(), name]),
            Backing::SysV { key } => format!("/SYSV{key:08x}").into(),
            Backing::SharedAnonymous { hugetlb: true, .. }
            | Backing::Anonymous { hugetlb: true, .. } => "/anon_hugepage".into(),
            Backing::SharedAnonymous { name: None, .. } => "/dev/zero".into(),
            Backing::SharedAnonymous {
                name: Some(name), ..
            } => concat(&["[anon_shmem:".as_ref(), name, "]".as_ref()]),
            Backing::Anonymous { name: None, .. } => OsString::new(),
            Backing::Anonymous {
                name: Some(name), ..
            } => concat(&["[anon:".as_ref(), name, "]".as_ref()]),
            Backing::Heap => "[heap]".into(),
            Backing::Stack => "[stack]".into(),
            Backing::Vdso => "[vdso]".into(),
            Backing::PagefileSection => "[pagefile section]".into(),
            Backing::Kernel { name } => name.clone(),
        }
    }
}

impl Mapping {
    /// Returns the size in bytes.
    pub fn size(&self) -> u64 {
        self.end - self.start
    }

    /// Returns true if the mapping contains code that the program generated at run time.
    #[cfg(feature = "symbols")]
    pub(crate) fn is_generated_code(&self) -> bool {
        let is_memory = !matches!(
            self.backing,
            Backing::File { .. } | Backing::Vdso | Backing::Kernel { .. }
        );
        self.executable && is_memory
    }
}

/// A position in a module's image.
#[cfg(feature = "symbols")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum ImageOffset {
    /// The offset in the file.
    File(u64),
    /// The distance from the module's base. Code that the program moved to memory without a file
    /// has no other position.
    Memory(u64),
}

/// The file or shared memory that is mapped at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct MappedFile {
    /// The kind of file.
    pub kind: MappedFileKind,
    /// The path of the file in the process's mount namespace. For memory, the name that the kernel
    /// gives it, such as `/memfd:NAME`, `/SYSV0000002a`, `/dev/zero`, `/anon_hugepage` or
    /// `/secretmem`.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serialize::text"))]
    pub path: PathBuf,
    /// The path below the device, such as `\Device\HarddiskVolume1\Windows\explorer.exe`. Windows
    /// only; `None` on Linux, and for memory.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::serialize::optional_text")
    )]
    pub device_path: Option<PathBuf>,
    /// Whether the file was deleted or replaced after it was mapped; false for memory.
    pub deleted: bool,
    /// The offset of the address in the file in bytes. `None` on Windows, which does not report it.
    pub offset: Option<u64>,
}

/// The kind of a [`MappedFile`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum MappedFileKind {
    /// A file.
    File,
    /// Memory created by `memfd_create`: a file with a name but without a path.
    Memfd,
    /// Shared memory without a file: System V, anonymous, of `memfd_secret`, or of a driver.
    SharedMemory,
}

impl MappedFile {
    /// Returns `None` if the backing is neither a file nor shared memory.
    pub(crate) fn new(backing: Backing, shared: bool, offset: Option<u64>) -> Option<Self> {
        let kind = match &backing {
            Backing::File { .. } => MappedFileKind::File,
            Backing::Memfd { .. } => MappedFileKind::Memfd,
            Backing::SysV { .. } | Backing::SharedAnonymous { .. } | Backing::PagefileSection => {
                MappedFileKind::SharedMemory
            }
            Backing::Kernel { .. } if shared => MappedFileKind::SharedMemory,
            _ => return None,
        };
        let (path, deleted) = match backing {
            Backing::File { path, deleted } => (path, deleted),
            memory => (memory.label().into(), false),
        };
        Some(MappedFile {
            kind,
            path,
            device_path: None,
            deleted,
            offset,
        })
    }
}
