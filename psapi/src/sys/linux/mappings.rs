//! Lists the mappings of a process and finds the file mapped at an address.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use crate::error::SourceError;
use crate::mapping::{Backing, FileId, MappedFile, Mapping};
use crate::sys::linux::address_space::AddressSpace;
use crate::sys::linux::calls::procmap_query::VmaQuery;
use crate::sys::linux::dir::Dir;
use crate::sys::linux::file_name::path_of;
use crate::sys::linux::mapped_files::MappedFiles;
use crate::sys::linux::mapping_name::MappingName;
use crate::sys::linux::proc::maps::{self, Access, Vma};
use crate::sys::linux::process::Process;

/// Replaces the content of `mappings` with all mappings of the process, and reuses its memory.
pub(crate) fn mappings(process: &Process, mappings: &mut Vec<Mapping>) -> Result<(), SourceError> {
    process.retry(|directory| process.list_mappings(directory, mappings))
}

impl Process {
    /// Lists the mappings like [`mappings`], from the directory of the process or of one of its
    /// threads.
    pub(crate) fn list_mappings(
        &self,
        directory: &Dir,
        mappings: &mut Vec<Mapping>,
    ) -> Result<(), SourceError> {
        let mut text = Vec::new();
        maps::read(directory, &mut text)?;
        // Inconsistent lines mean that mappings changed during the read. A second read is usually
        // consistent.
        let files = MappedFiles::new(self.system(), directory);
        if !fill(&files, &text, mappings) {
            maps::read(directory, &mut text)?;
            fill(&files, &text, mappings);
        }
        Ok(())
    }

    /// Appends the mappings that contain one of the addresses, which must be sorted.
    pub(crate) fn list_mappings_at(
        &self,
        directory: &Dir,
        addresses: impl Iterator<Item = u64>,
        mappings: &mut Vec<Mapping>,
    ) -> Result<(), SourceError> {
        let space = AddressSpace::open(directory, self.may_query_maps())?;
        let files = MappedFiles::new(self.system(), directory);
        let mut name = Vec::new();
        let mut end = 0;
        for address in addresses {
            if address < end {
                continue;
            }
            let found = space.find_named(VmaQuery::At(address), &mut name)?;
            // Mappings can change between two queries, but the result must not overlap.
            if let Some((vma, unescaped)) = found.filter(|(vma, _)| vma.start >= end) {
                let backing = backing(&files, &vma, &name, unescaped);
                mappings.push(mapping(&vma, backing));
                end = vma.end;
            }
        }
        Ok(())
    }
}

/// Lists at most `limit` mappings that end after an address.
pub(crate) fn mappings_from(
    process: &Process,
    address: u64,
    limit: usize,
) -> Result<Vec<Mapping>, SourceError> {
    process.retry(|directory| {
        let space = AddressSpace::open(directory, process.may_query_maps())?;
        let files = MappedFiles::new(process.system(), directory);
        let (mut mappings, mut name, mut end) = (Vec::new(), Vec::new(), address);
        while mappings.len() < limit
            && let Some((vma, unescaped)) = space.find_named(VmaQuery::Next(end), &mut name)?
        {
            // `PROCMAP_QUERY` omits the vsyscall page in the kernel's half of the address space.
            if i64::try_from(vma.end).is_err() {
                break;
            }
            let backing = backing(&files, &vma, &name, unescaped);
            mappings.push(mapping(&vma, backing));
            end = vma.end;
        }
        Ok(mappings)
    })
}

/// Finds the file that is mapped at an address.
pub(crate) fn mapped_file(
    process: &Process,
    address: u64,
) -> Result<Option<MappedFile>, SourceError> {
    let mut name = Vec::new();
    process.retry(|directory| {
        let maps = process.maps();
        let found = maps.find(directory, process.may_query_maps(), address, &mut name)?;
        Ok(found.and_then(|found| {
            let files = MappedFiles::new(process.system(), directory);
            let backing = backing(&files, &found.vma, &name, found.unescaped);
            let offset = (address - found.vma.start).saturating_add(found.vma.offset);
            let shared = found.vma.access.contains(Access::SHARED);
            MappedFile::new(backing, shared, Some(offset))
        }))
    })
}

/// Parses the text of `maps` into `mappings`. Returns true if the text is consistent.
fn fill(files: &MappedFiles<'_>, text: &[u8], mappings: &mut Vec<Mapping>) -> bool {
    let mut name = Vec::new();
    let mut count = 0;
    let mut lines = maps::lines(text);
    for (vma, escaped) in lines.by_ref() {
        let unescaped = maps::unescape(escaped, &mut name);
        match mappings.get_mut(count) {
            Some(mapping) => {
                set_backing(&mut mapping.backing, files, &vma, &name, unescaped);
                set_mapping(mapping, &vma);
            }
            None => {
                let backing = backing(files, &vma, &name, unescaped);
                mappings.push(mapping(&vma, backing));
            }
        }
        count += 1;
    }
    mappings.truncate(count);
    !lines.changed()
}

fn mapping(vma: &Vma, backing: Backing) -> Mapping {
    let mut mapping = Mapping {
        start: 0,
        end: 0,
        readable: false,
        writable: false,
        executable: false,
        shared: false,
        offset: Some(0),
        file: None,
        backing,
    };
    set_mapping(&mut mapping, vma);
    mapping
}

fn set_mapping(mapping: &mut Mapping, vma: &Vma) {
    mapping.start = vma.start;
    mapping.end = vma.end;
    mapping.readable = vma.access.contains(Access::READ);
    mapping.writable = vma.access.contains(Access::WRITE);
    mapping.executable = vma.access.contains(Access::EXECUTE);
    mapping.shared = vma.access.contains(Access::SHARED);
    mapping.offset = Some(vma.offset);
    mapping.file = vma.file.is_file().then_some(FileId {
        major: vma.file.major,
        minor: vma.file.minor,
        inode: vma.file.inode,
    });
}

/// Creates a backing from a mapping's name. `unescaped` is explained at [`path_of`].
fn backing(files: &MappedFiles<'_>, vma: &Vma, name: &[u8], unescaped: bool) -> Backing {
    let optional = |name: &[u8]| (!name.is_empty()).then(|| text(name));
    match files.classify(vma, name) {
        MappingName::File { path, .. } => {
            let (path, deleted) = path_of(files, vma, path, unescaped);
            Backing::File {
                path: OsString::from_vec(path).into(),
                deleted,
            }
        }
        MappingName::Memfd(name) => Backing::Memfd { name: text(name) },
        MappingName::SysV { key } => Backing::SysV { key },
        MappingName::SharedAnonymous(name) => Backing::SharedAnonymous {
            name: optional(name),
            hugetlb: false,
        },
        MappingName::SharedHugetlb => Backing::SharedAnonymous {
            name: None,
            hugetlb: true,
        },
        MappingName::Anonymous(name) => Backing::Anonymous {
            name: optional(name),
            hugetlb: false,
        },
        MappingName::Hugetlb => Backing::Anonymous {
            name: None,
            hugetlb: true,
        },
        MappingName::Heap => Backing::Heap,
        MappingName::Stack => Backing::Stack,
        MappingName::Vdso => Backing::Vdso,
        MappingName::Kernel(name) => Backing::Kernel { name: text(name) },
    }
}

/// Like [`backing`], but reuses the memory of the old path, which avoids an allocation per mapping.
fn set_backing(
    old: &mut Backing,
    files: &MappedFiles<'_>,
    vma: &Vma,
    name: &[u8],
    unescaped: bool,
) {
    if let MappingName::File {
        path: new,
        has_suffix: false,
    } = files.classify(vma, name)
        && !unescaped
        && let Backing::File { path, deleted } = old
    {
        let mut bytes = std::mem::take(path).into_os_string().into_vec();
        bytes.clear();
        bytes.extend_from_slice(new);
        *path = OsString::from_vec(bytes).into();
        *deleted = false;
    } else {
        *old = backing(files, vma, name, unescaped);
    }
}

fn text(bytes: &[u8]) -> OsString {
    OsString::from_vec(bytes.to_vec())
}
