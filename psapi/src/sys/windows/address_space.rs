//! The regions of a process's address space, and its memory.

use std::os::windows::io::BorrowedHandle;
use std::path::PathBuf;

use super::buffer::Fixed;
use super::class::{MemoryClass, ProcessClass};
use super::layouts::memory_basic_information::{self, MemoryBasicInformation, MemoryState};
use super::layouts::reader::Width;
use super::nt::{self, Answer};
use super::process::{Process, Rights};
use super::status::Status;
use crate::error::{ErrorKind, SourceError};

/// The size of a page in bytes, on each processor that Windows runs on.
pub(crate) const PAGE_SIZE: u64 = 4096;

/// The address space of a process that the caller may inspect.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AddressSpace<'p> {
    process: &'p Process,
    handle: BorrowedHandle<'p>,
}

impl<'p> AddressSpace<'p> {
    /// Opens the address space to list its regions.
    pub(crate) fn open(process: &'p Process) -> Result<Self, SourceError> {
        AddressSpace::open_with(process, Rights::QUERY)
    }

    /// Opens the address space to read its memory and its pages as well.
    pub(crate) fn open_to_read(process: &'p Process) -> Result<Self, SourceError> {
        AddressSpace::open_with(process, Rights::READ)
    }

    fn open_with(process: &'p Process, rights: Rights) -> Result<Self, SourceError> {
        let space = AddressSpace {
            process,
            handle: process.handle(rights)?,
        };
        let class = ProcessClass::ProcessWow64Information;
        if is_beyond_caller(process).map_err(|status| process.error(class, status))? {
            return Err(beyond_caller(MemoryClass::MemoryBasicInformation));
        }
        Ok(space)
    }

    pub(crate) fn handle(&self) -> BorrowedHandle<'p> {
        self.handle
    }

    pub(crate) fn process(&self) -> &'p Process {
        self.process
    }

    /// Returns the part of a region, free or not, from the page that contains an address. `None`
    /// beyond the last address of the process.
    pub(crate) fn region(
        &self,
        address: u64,
    ) -> Result<Option<MemoryBasicInformation>, SourceError> {
        let class = MemoryClass::MemoryBasicInformation;
        let mut buffer = Fixed::<{ memory_basic_information::SIZE }>::new();
        let Answer { status, .. } = nt::query_memory(self.handle, address, class, &mut buffer.0);
        match status.check() {
            Ok(()) => {}
            Err(Status::INVALID_PARAMETER) => {
                self.process.check_alive(class)?;
                return Ok(None);
            }
            Err(status) => return Err(self.process.error(class, status)),
        }
        let region = MemoryBasicInformation::parse(&buffer.0, Width::NATIVE);
        Ok(region.filter(|region| region.end() > address))
    }

    /// Extends a part of a region to the whole.
    fn whole(&self, part: MemoryBasicInformation) -> Result<MemoryBasicInformation, SourceError> {
        let mut address = part.allocation_base;
        // The regions of an allocation are adjacent, but can change between two queries.
        while address < part.base
            && let Some(region) = self.region(address)?
        {
            if (region.base..region.end()).contains(&part.base) {
                return Ok(region);
            }
            address = region.end();
        }
        Ok(part)
    }

    /// Returns the regions that end after an address and are not free, by ascending address.
    pub(crate) fn regions(
        &self,
        address: u64,
    ) -> impl Iterator<Item = Result<MemoryBasicInformation, SourceError>> + use<'p> {
        let space = *self;
        let mut next = Some(address);
        std::iter::from_fn(move || {
            loop {
                let region = match space.region(next?) {
                    Ok(Some(region)) => region,
                    Ok(None) => return None,
                    Err(error) => {
                        next = None;
                        return Some(Err(error));
                    }
                };
                let is_first = next == Some(address);
                next = Some(region.end());
                if region.state != MemoryState::Free {
                    return Some(if is_first {
                        space.whole(region)
                    } else {
                        Ok(region)
                    });
                }
            }
        })
    }

    /// Copies memory at an address into a buffer, and returns the number of bytes copied.
    pub(crate) fn read(&self, address: u64, into: &mut [u8]) -> Result<usize, SourceError> {
        let Answer { status, length } = nt::read_memory(self.handle, address, into);
        match status {
            _ if status.check().is_ok() => Ok(length),
            Status::PARTIAL_COPY | Status::ACCESS_VIOLATION | Status::INVALID_ADDRESS => {
                self.process.check_alive("NtReadVirtualMemory")?;
                Ok(length)
            }
            status => Err(self.process.error("NtReadVirtualMemory", status)),
        }
    }
}

/// Returns the error of a process that [is beyond the caller](is_beyond_caller): what the caller's
/// addresses can express is only a part.
pub(crate) fn beyond_caller(source: impl Into<PathBuf>) -> SourceError {
    Status::PARTIAL_COPY.error_of_kind(source, ErrorKind::NotSupported)
}

/// Returns true if the process has addresses of 64 bits and the calling program does not.
pub(crate) fn is_beyond_caller(process: &Process) -> Result<bool, Status> {
    if Width::NATIVE == Width::Bits64 {
        return Ok(false);
    }
    let is_wow64 = |handle| wow64_peb(handle).map(|peb| peb.is_some());
    let is_64_bit_system = is_wow64(nt::current_process())?;
    Ok(is_64_bit_system && !is_wow64(process.limited())?)
}

/// Returns the address of the 32-bit `PEB` of a process that runs a 32-bit program on a 64-bit
/// system; `None` for any other process.
pub(crate) fn wow64_peb(process: BorrowedHandle<'_>) -> Result<Option<u64>, Status> {
    let mut buffer = Fixed::<8>::new();
    let length = Width::NATIVE.bytes();
    let class = ProcessClass::ProcessWow64Information;
    let Answer { status, .. } = nt::query_process(process, class, &mut buffer.0[..length]);
    status.check()?;
    Ok(Some(u64::from_le_bytes(buffer.0)).filter(|&address| address != 0))
}
