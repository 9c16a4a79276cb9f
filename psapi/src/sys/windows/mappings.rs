//! Lists the mappings of a process and finds the file mapped at an address.
//!
//! A region of `MemoryBasicInformation` is a mapping: its pages have the same protection and come
//! from the same view of a section, or from the same private allocation. Reserved address space is
//! a mapping without access.

use std::ffi::OsString;
use std::os::windows::ffi::OsStringExt as _;

use super::address_space::AddressSpace;
use super::buffer::Buffer;
use super::class::MemoryClass;
use super::device_names::DeviceNames;
use super::layouts::memory_basic_information::{MemoryBasicInformation, MemoryKind, MemoryState};
use super::layouts::memory_mapped_filename_information::{self, MAX_SIZE};
use super::layouts::reader::Width;
use super::nt::{self, Answer};
use super::process::Process;
use super::status::Status;
use super::text;
use crate::error::SourceError;
use crate::mapping::{Backing, MappedFile, Mapping};

/// Replaces the content of `mappings` with all mappings of the process.
pub(crate) fn mappings(process: &Process, mappings: &mut Vec<Mapping>) -> Result<(), SourceError> {
    mappings.clear();
    let space = AddressSpace::open(process)?;
    let mut names = MappedNames::new(space);
    for region in space.regions(0) {
        mappings.push(names.mapping(&region?)?);
    }
    Ok(())
}

/// Lists at most `limit` mappings that end after an address.
pub(crate) fn mappings_from(
    process: &Process,
    address: u64,
    limit: usize,
) -> Result<Vec<Mapping>, SourceError> {
    let space = AddressSpace::open(process)?;
    let mut names = MappedNames::new(space);
    let regions = space.regions(address).take(limit);
    regions.map(|region| names.mapping(&region?)).collect()
}

/// Finds the file that is mapped at an address.
pub(crate) fn mapped_file(
    process: &Process,
    address: u64,
) -> Result<Option<MappedFile>, SourceError> {
    let space = AddressSpace::open(process)?;
    let Some(region) = space.region(address)? else {
        return Ok(None);
    };
    if region.state == MemoryState::Free {
        return Ok(None);
    }
    let mut names = MappedNames::new(space);
    let mapping = names.mapping(&region)?;
    let file = MappedFile::new(mapping.backing, mapping.shared, None);
    Ok(file.map(|file| MappedFile {
        device_path: names.native.map(Into::into),
        ..file
    }))
}

/// Names the files behind regions. Neighboring regions of one view are looked up once.
#[derive(Debug)]
pub(crate) struct MappedNames<'p> {
    space: AddressSpace<'p>,
    devices: Option<DeviceNames>,
    buffer: Buffer,
    /// The allocation that was looked up last, and what backs it.
    last: Option<(u64, Backing)>,
    /// The kernel's name of the file that was looked up last.
    native: Option<OsString>,
}

impl<'p> MappedNames<'p> {
    pub(crate) fn new(space: AddressSpace<'p>) -> Self {
        MappedNames {
            space,
            devices: None,
            buffer: Buffer::default(),
            last: None,
            native: None,
        }
    }

    /// Describes a region that is not free.
    pub(crate) fn mapping(
        &mut self,
        region: &MemoryBasicInformation,
    ) -> Result<Mapping, SourceError> {
        let is_committed = region.state == MemoryState::Committed;
        let protection = region.protection;
        Ok(Mapping {
            start: region.base,
            end: region.end(),
            readable: is_committed && protection.read,
            writable: is_committed && protection.write,
            executable: is_committed && protection.execute,
            // The pages of an image, and those of a view that was mapped for copying, become
            // private when they are written to.
            shared: region.kind == Some(MemoryKind::Mapped) && !region.allocation_protection.copy,
            offset: None,
            file: None,
            backing: self.backing(region)?,
        })
    }

    fn backing(&mut self, region: &MemoryBasicInformation) -> Result<Backing, SourceError> {
        if !matches!(region.kind, Some(MemoryKind::Image | MemoryKind::Mapped)) {
            return Ok(Backing::Anonymous {
                name: None,
                hugetlb: false,
            });
        }
        if let Some((allocation, backing)) = &self.last
            && *allocation == region.allocation_base
        {
            return Ok(backing.clone());
        }
        let backing = match self.path(region.base)? {
            Some(path) => Backing::File {
                path: path.into(),
                deleted: false,
            },
            None => Backing::PagefileSection,
        };
        self.last = Some((region.allocation_base, backing.clone()));
        Ok(backing)
    }

    /// Returns the path of the file that is mapped at an address; `None` if the memory has none. The
    /// path is empty if the system refuses it.
    pub(crate) fn path(&mut self, address: u64) -> Result<Option<OsString>, SourceError> {
        let class = MemoryClass::MemoryMappedFilenameInformation;
        let handle = self.space.handle();
        let mut base = 0;
        let answer = self.buffer.fill_up_to(MAX_SIZE, |bytes| {
            base = bytes.as_ptr() as u64;
            nt::query_memory(handle, address, class, bytes)
        });
        let answer = answer.and_then(|(bytes, Answer { status, .. })| {
            status.check()?;
            Ok(bytes)
        });
        let name = match answer {
            Ok(bytes) => memory_mapped_filename_information::name(bytes, base, Width::NATIVE),
            // The memory has no file, or was unmapped meanwhile.
            Err(Status::FILE_INVALID | Status::INVALID_ADDRESS | Status::INVALID_PARAMETER) => {
                self.space.process().check_alive(class)?;
                self.native = None;
                return Ok(None);
            }
            Err(status) if status.is_unsupported() || status == Status::PROCESS_IS_TERMINATING => {
                return Err(self.space.process().error(class, status));
            }
            // A file system or a filter can refuse the name of one file. The others are still
            // worth listing.
            Err(_) => {
                self.space.process().check_alive(class)?;
                self.native = None;
                return Ok(Some(OsString::new()));
            }
        };
        let units: Vec<u16> = text::units(name).collect();
        self.native = Some(OsString::from_wide(&units));
        let devices = self.devices.get_or_insert_with(DeviceNames::read);
        Ok(Some(OsString::from_wide(&devices.win32_path(&units))))
    }
}
