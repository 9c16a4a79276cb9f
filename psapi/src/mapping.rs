use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use crate::error::{Refusal, Result};
use crate::linux::address_space::AddressSpace;
use crate::linux::file::Directory;
use crate::linux::file_name::path_of;
use crate::linux::mapping_name::{Named, classify};
use crate::linux::maps::{self, Access, Vma};
use crate::linux::procmap_query::Which;
use crate::process::Process;

/// A range of a process's address space with one set of permissions and one thing behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Mapping {
    /// Its first address.
    pub start: u64,
    /// The address after its last.
    pub end: u64,
    /// Whether it may be read.
    pub readable: bool,
    /// Whether it may be written to.
    pub writable: bool,
    /// Whether it may be executed.
    pub executable: bool,
    /// Whether what is written there is for all who map the same (`MAP_SHARED`).
    pub shared: bool,
    /// Where in the file it starts, in bytes; 0 without a file.
    pub offset: u64,
    /// The file's identity; `None` without a file. Shared memory has one, too, and so has private
    /// memory of hugetlb pages or of `/dev/zero`.
    pub file: Option<FileId>,
    /// What is behind it.
    pub backing: Backing,
}

/// A file, or shared memory, by its numbers. They are those of the file system that holds the
/// data, which on overlay and btrfs may be others than `stat` shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct FileId {
    /// The major number of the device.
    pub major: u32,
    /// The minor number of the device.
    pub minor: u32,
    /// The number of the inode; for System V shared memory, the segment's id.
    pub inode: u64,
}

/// What is behind a mapping.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Backing {
    /// A file.
    File {
        /// Its path in the process's mount namespace.
        #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serialize::text"))]
        path: PathBuf,
        /// Whether it has been deleted, or replaced, since it was mapped.
        deleted: bool,
    },
    /// Memory of `memfd_create`.
    Memfd {
        /// The name that it was given.
        #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serialize::text"))]
        name: OsString,
    },
    /// System V shared memory.
    SysV {
        /// The key of the segment.
        key: u32,
    },
    /// Shared memory that has no file, and no name to find it by.
    SharedAnonymous {
        /// The name that the program gave it (`PR_SET_VMA_ANON_NAME`).
        #[cfg_attr(
            feature = "serde",
            serde(serialize_with = "crate::serialize::optional_text")
        )]
        name: Option<OsString>,
        /// Whether it is of hugetlb pages (`MAP_HUGETLB`).
        hugetlb: bool,
    },
    /// Private memory.
    Anonymous {
        /// The name that the program gave it (`PR_SET_VMA_ANON_NAME`).
        #[cfg_attr(
            feature = "serde",
            serde(serialize_with = "crate::serialize::optional_text")
        )]
        name: Option<OsString>,
        /// Whether it is of hugetlb pages (`MAP_HUGETLB`).
        hugetlb: bool,
    },
    /// The heap that `brk` moves.
    Heap,
    /// The stack of the first thread.
    Stack,
    /// The image that the kernel provides to every process.
    Vdso,
    /// Something else of the kernel's, such as `[vvar]` or the ring of an event.
    Kernel {
        /// The kernel's name for it.
        #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serialize::text"))]
        name: OsString,
    },
}

impl Backing {
    /// The file's path, where there is a file.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Backing::File { path, .. } => Some(path),
            _ => None,
        }
    }

    /// What `maps` and `pmap` show, without the mark of a deleted file; empty for private memory
    /// without a name, where they may show `/dev/zero` if it was mapped by way of that device.
    pub fn label(&self) -> OsString {
        let bracketed = |kind: &str, name: &OsString| {
            OsString::from_vec([kind.as_bytes(), name.as_bytes(), b"]"].concat())
        };
        match self {
            Backing::File { path, .. } => path.clone().into(),
            Backing::Memfd { name } => OsString::from_vec([b"/memfd:", name.as_bytes()].concat()),
            Backing::SysV { key } => format!("/SYSV{key:08x}").into(),
            Backing::SharedAnonymous { hugetlb: true, .. }
            | Backing::Anonymous { hugetlb: true, .. } => "/anon_hugepage".into(),
            Backing::SharedAnonymous { name: None, .. } => "/dev/zero".into(),
            Backing::SharedAnonymous {
                name: Some(name), ..
            } => bracketed("[anon_shmem:", name),
            Backing::Anonymous { name: None, .. } => OsString::new(),
            Backing::Anonymous {
                name: Some(name), ..
            } => bracketed("[anon:", name),
            Backing::Heap => "[heap]".into(),
            Backing::Stack => "[stack]".into(),
            Backing::Vdso => "[vdso]".into(),
            Backing::Kernel { name } => name.clone(),
        }
    }

    fn new(process: &Directory, vma: &Vma, name: &[u8], doubtful: bool) -> Self {
        let given = |name: &[u8]| (!name.is_empty()).then(|| text(name));
        match classify(vma, name) {
            Named::File { path, .. } => {
                let (path, deleted) = path_of(process, path, vma.file, doubtful);
                Backing::File {
                    path: OsString::from_vec(path).into(),
                    deleted,
                }
            }
            Named::Memfd(name) => Backing::Memfd { name: text(name) },
            Named::SysV { key } => Backing::SysV { key },
            Named::SharedAnonymous(name) => Backing::SharedAnonymous {
                name: given(name),
                hugetlb: false,
            },
            Named::SharedHugetlb => Backing::SharedAnonymous {
                name: None,
                hugetlb: true,
            },
            Named::Anonymous(name) => Backing::Anonymous {
                name: given(name),
                hugetlb: false,
            },
            Named::Hugetlb => Backing::Anonymous {
                name: None,
                hugetlb: true,
            },
            Named::Heap => Backing::Heap,
            Named::Stack => Backing::Stack,
            Named::Vdso => Backing::Vdso,
            Named::Kernel(name) => Backing::Kernel { name: text(name) },
        }
    }

    /// As `new`, in the memory that this has.
    fn set(&mut self, process: &Directory, vma: &Vma, name: &[u8], doubtful: bool) {
        if let (
            Named::File {
                path: new,
                marked: false,
            },
            false,
        ) = (classify(vma, name), doubtful)
            && let Backing::File { path, deleted } = self
        {
            let mut bytes = std::mem::take(path).into_os_string().into_vec();
            bytes.clear();
            bytes.extend_from_slice(new);
            *path = OsString::from_vec(bytes).into();
            *deleted = false;
        } else {
            *self = Backing::new(process, vma, name, doubtful);
        }
    }
}

fn text(bytes: &[u8]) -> OsString {
    OsString::from_vec(bytes.to_vec())
}

impl Mapping {
    /// Its size in bytes.
    pub fn size(&self) -> u64 {
        self.end - self.start
    }

    fn new(vma: &Vma, backing: Backing) -> Self {
        let mut mapping = Mapping {
            start: 0,
            end: 0,
            readable: false,
            writable: false,
            executable: false,
            shared: false,
            offset: 0,
            file: None,
            backing,
        };
        mapping.set(vma);
        mapping
    }

    fn set(&mut self, vma: &Vma) {
        self.start = vma.start;
        self.end = vma.end;
        self.readable = vma.access.contains(Access::READ);
        self.writable = vma.access.contains(Access::WRITE);
        self.executable = vma.access.contains(Access::EXECUTE);
        self.shared = vma.access.contains(Access::SHARED);
        self.offset = vma.offset;
        self.file = vma.file.is_file().then_some(FileId {
            major: vma.file.major,
            minor: vma.file.minor,
            inode: vma.file.inode,
        });
    }
}

/// What is mapped at an address: a file, or shared memory that others may map, too.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct MappedFile {
    /// Whether there is a file.
    pub kind: MappedFileKind,
    /// The file's path in the process's mount namespace. For memory, the kernel's name for it,
    /// such as `/memfd:NAME`, `/SYSV0000002a`, `/dev/zero` or
    /// `/anon_hugepage`.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serialize::text"))]
    pub path: PathBuf,
    /// Whether the file has been deleted, or replaced, since it was mapped; false for memory.
    pub deleted: bool,
    /// Where in the file the address is, in bytes.
    pub offset: u64,
}

/// Whether a mapped file is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum MappedFileKind {
    /// A file.
    File,
    /// Memory of `memfd_create`: a file that has a name but no place.
    Memfd,
    /// Shared memory with no file behind it: System V's, or anonymous.
    SharedMemory,
}

impl Process {
    /// All mappings of the process, by ascending address.
    ///
    /// Source: `PROC/PID/maps`. Cost: about half a microsecond a mapping. Privileges: those of
    /// the process's own user or `CAP_SYS_PTRACE`; on newer kernels (6.18 is one) `CAP_PERFMON`
    /// will do. The kernel does not deliver the list at one moment: mappings that change meanwhile
    /// may be missing, but none overlap.
    ///
    /// ```
    /// let me = psapi::System::new().current_process()?;
    /// let here = &me as *const _ as u64;
    /// let mappings = me.mappings()?;
    /// assert!(mappings.iter().any(|mapping| (mapping.start..mapping.end).contains(&here)));
    /// # Ok::<(), psapi::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AccessDenied`](crate::ErrorKind::AccessDenied) without the privilege;
    /// [`ErrorKind::NoAddressSpace`](crate::ErrorKind::NoAddressSpace) for a kernel thread;
    /// [`ErrorKind::Ended`](crate::ErrorKind::Ended) once the process has ended.
    pub fn mappings(&self) -> Result<Vec<Mapping>> {
        let mut mappings = Vec::new();
        self.mappings_into(&mut mappings)?;
        Ok(mappings)
    }

    /// As [`mappings`](Self::mappings), in place of what a vector holds and in the memory that
    /// it has, that of the paths included: for those who ask again and again.
    ///
    /// # Errors
    ///
    /// Those of [`mappings`](Self::mappings). What the vector holds then is not to be relied on: it
    /// may be what it held, or a list that changed while it was read.
    pub fn mappings_into(&self, mappings: &mut Vec<Mapping>) -> Result<()> {
        self.ask("mappings", |directory| {
            self.list_mappings(directory, mappings)
        })
    }

    /// The mappings as a directory of the process, or of one of its threads, shows them.
    pub(crate) fn list_mappings(
        &self,
        directory: &Directory,
        mappings: &mut Vec<Mapping>,
    ) -> Result<(), Refusal> {
        let mut content = Vec::new();
        maps::read(directory, &mut content)?;
        // A list that shows that it changed while it was read is read once more.
        if !self.fill(&content, mappings) {
            maps::read(directory, &mut content)?;
            self.fill(&content, mappings);
        }
        Ok(())
    }

    /// Adds, of these mappings, those that ascending addresses are in.
    pub(crate) fn list_mappings_at(
        &self,
        directory: &Directory,
        addresses: impl Iterator<Item = u64>,
        mappings: &mut Vec<Mapping>,
    ) -> Result<(), Refusal> {
        let space = AddressSpace::open(directory, self.may_query_maps())?;
        let mut name = Vec::new();
        let mut reached = 0;
        for address in addresses {
            if address < reached {
                continue;
            }
            let found = space.find_named(Which::At(address), &mut name)?;
            // Mappings may change between two questions, but none may overlap.
            if let Some((vma, doubtful)) = found.filter(|(vma, _)| vma.start >= reached) {
                let backing = Backing::new(self.directory(), &vma, &name, doubtful);
                mappings.push(Mapping::new(&vma, backing));
                reached = vma.end;
            }
        }
        Ok(())
    }

    /// Tells whether the text is whole.
    fn fill(&self, content: &[u8], mappings: &mut Vec<Mapping>) -> bool {
        let mut name = Vec::new();
        let mut count = 0;
        let mut lines = maps::lines(content);
        for (vma, escaped) in lines.by_ref() {
            let doubtful = maps::unescape(escaped, &mut name);
            match mappings.get_mut(count) {
                Some(mapping) => {
                    mapping.backing.set(self.directory(), &vma, &name, doubtful);
                    mapping.set(&vma);
                }
                None => {
                    let backing = Backing::new(self.directory(), &vma, &name, doubtful);
                    mappings.push(Mapping::new(&vma, backing));
                }
            }
            count += 1;
        }
        mappings.truncate(count);
        !lines.changed()
    }

    /// The file that is mapped at an address. `None`: nothing is mapped there, or private memory
    /// that is of no file.
    ///
    /// Source: `PROCMAP_QUERY` (Linux 6.11) on `PROC/PID/maps`, which is held open from the first
    /// question on; on older kernels the text of `maps`. Cost: about a microsecond; on older
    /// kernels about half a microsecond for each mapping of the process. Privileges: those of the
    /// process's own user or `CAP_SYS_PTRACE`, on newer kernels (6.18 is one) `CAP_PERFMON`, at the
    /// first question.
    ///
    /// ```
    /// let me = psapi::System::new().current_process()?;
    /// let code = str::len as fn(&str) -> usize as u64;
    /// let file = me.mapped_file(code)?.expect("code is mapped from a file");
    /// println!("{} at {:#x}", file.path.display(), file.offset);
    /// # Ok::<(), psapi::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AccessDenied`](crate::ErrorKind::AccessDenied) without the privilege;
    /// [`ErrorKind::NoAddressSpace`](crate::ErrorKind::NoAddressSpace) for a kernel thread;
    /// [`ErrorKind::Ended`](crate::ErrorKind::Ended) once the process has ended.
    #[doc(alias = "GetMappedFileName")]
    pub fn mapped_file(&self, address: u64) -> Result<Option<MappedFile>> {
        let mut name = Vec::new();
        let found = self.ask("mapped file", |directory| {
            let maps = self.maps();
            maps.find(directory, self.may_query_maps(), address, &mut name)
        })?;
        Ok(found.and_then(|found| {
            let backing = Backing::new(self.directory(), &found.vma, &name, found.doubtful);
            let offset = (address - found.vma.start).saturating_add(found.vma.offset);
            MappedFile::new(backing, found.vma.access.contains(Access::SHARED), offset)
        }))
    }
}

impl MappedFile {
    fn new(backing: Backing, shared: bool, offset: u64) -> Option<Self> {
        let kind = match &backing {
            Backing::File { .. } => MappedFileKind::File,
            Backing::Memfd { .. } => MappedFileKind::Memfd,
            Backing::SysV { .. } | Backing::SharedAnonymous { .. } => MappedFileKind::SharedMemory,
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
            deleted,
            offset,
        })
    }
}
