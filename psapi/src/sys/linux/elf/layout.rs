//! Computes where an ELF image is mapped in a process, and thereby which mappings belong to it.
//!
//! The file of a mapping does not identify its image: a process can map the same file as several
//! images, and also as data.

use std::os::fd::OwnedFd;

use crate::sys::linux::calls::process_vm_readv::Memory;
use crate::sys::linux::elf::header::Elf;
use crate::sys::linux::elf::source;
use crate::sys::linux::proc::maps::Vma;

/// An image's address range, and its header.
pub(crate) struct Layout {
    /// The difference between the addresses in memory and those in the file.
    pub(crate) bias: u64,
    /// The offset of the image in its file.
    pub(crate) start: u64,
    /// `None` if the header could not be read. The image then consists of all mappings in `extent`.
    pub(crate) header: Option<Vec<u8>>,
    /// The first address, and the first after the image.
    pub(crate) extent: (u64, u64),
}

impl Layout {
    /// Returns the layout of the image whose header is at address `at` in memory and at offset
    /// `start` in the file; `None` if `vma` is not part of it.
    pub(crate) fn from_memory(
        memory: &Memory,
        at: u64,
        start: u64,
        vma: &Vma,
        page: u64,
    ) -> Option<Layout> {
        Layout::at(memory, at, start, page).filter(|layout| layout.owns(vma, page))
    }

    /// Like [`from_memory`](Self::from_memory), for an image whose mappings have no file.
    pub(crate) fn at(memory: &Memory, at: u64, start: u64, page: u64) -> Option<Layout> {
        let header = source::header_in_memory(memory, at)?;
        let elf = Elf::parse(&header).ok()?;
        // The segment that contains the start of the file contains the header. Segments are not
        // necessarily sorted, so it might not have the lowest address.
        let first = elf.loads().find(|load| load.offset < page)?;
        let bias = elf
            .encoding
            .wrap(at.wrapping_sub(first.vaddr - first.vaddr % page));
        Layout::new(header, bias, start, page)
    }

    /// Returns the layout of the image at the start of a file; `None` if `vma` is not part of it.
    pub(crate) fn from_file(file: &OwnedFd, vma: &Vma, page: u64) -> Option<Layout> {
        let header = source::header_in_file(file, 0)?;
        let elf = Elf::parse(&header).ok()?;
        // The segment that contains the mapping's file offset gives the bias.
        let bias = elf.loads().find_map(|load| {
            let distance = vma.offset.checked_sub(load.offset - load.offset % page)?;
            (distance < load.file_size.max(page)).then(|| {
                let vaddr = load.vaddr - load.vaddr % page;
                elf.encoding
                    .wrap(vma.start.wrapping_sub(vaddr.wrapping_add(distance)))
            })
        })?;
        Layout::new(header, bias, 0, page).filter(|layout| layout.owns(vma, page))
    }

    fn new(header: Vec<u8>, bias: u64, start: u64, page: u64) -> Option<Layout> {
        let elf = Elf::parse(&header).ok()?;
        let (first, end) = elf.extent(page)?;
        let base = elf.encoding.wrap(first.wrapping_add(bias));
        let extent = (base, base.checked_add(end - first)?);
        Some(Layout {
            bias,
            start,
            header: Some(header),
            extent,
        })
    }

    /// Returns true if a mapping of the image's file is where one of the segments places it.
    pub(crate) fn owns(&self, vma: &Vma, page: u64) -> bool {
        let Some(header) = &self.header else {
            return vma.start >= self.extent.0 && vma.end <= self.extent.1;
        };
        let (Ok(elf), Some(offset)) = (Elf::parse(header), vma.offset.checked_sub(self.start))
        else {
            return false;
        };
        elf.loads().any(|load| {
            let start = load.offset - load.offset % page;
            let end = load.offset.saturating_add(load.file_size);
            let vaddr = load.vaddr - load.vaddr % page;
            (start..end).contains(&offset)
                && elf
                    .encoding
                    .wrap(vaddr.wrapping_add(self.bias).wrapping_add(offset - start))
                    == vma.start
        })
    }
}
