//! Where an ELF image lies in a process, and so which of its file's mappings are its own: the same
//! file may be mapped as several images, and as data, too.

use std::os::fd::OwnedFd;

use super::elf::Elf;
use super::image_bytes;
use super::maps::Vma;
use super::mem::Memory;

/// An image, as far as it takes to tell which mappings are its own.
pub(crate) struct Layout {
    pub(crate) bias: u64,
    /// Where the image starts in its file.
    pub(crate) start: u64,
    /// Its header; `None` where it could not be read, and `extent` has to do.
    pub(crate) header: Option<Vec<u8>>,
    pub(crate) extent: (u64, u64),
}

impl Layout {
    /// The image whose header is in memory at an address, if the mapping is part of it; `start`
    /// is where that address is in the file.
    pub(crate) fn in_memory(
        memory: &Memory,
        at: u64,
        start: u64,
        vma: &Vma,
        page: u64,
    ) -> Option<Layout> {
        let header = image_bytes::header_in_memory(memory, at)?;
        let elf = Elf::parse(&header).ok()?;
        // The header is at the start of the image's file; that may not be its first address.
        let first = elf.loads().find(|load| load.offset < page)?;
        let bias = elf
            .words
            .wrap(at.wrapping_sub(first.vaddr - first.vaddr % page));
        Layout::new(header, bias, start, page).filter(|layout| layout.owns(vma, page))
    }

    /// The image that is at the start of a file, if the mapping is part of it.
    pub(crate) fn in_file(file: &OwnedFd, vma: &Vma, page: u64) -> Option<Layout> {
        let header = image_bytes::header_in_file(file, 0)?;
        let elf = Elf::parse(&header).ok()?;
        let bias = elf.loads().find_map(|load| {
            let distance = vma.offset.checked_sub(load.offset - load.offset % page)?;
            (distance < load.file_size.max(page)).then(|| {
                let vaddr = load.vaddr - load.vaddr % page;
                elf.words
                    .wrap(vma.start.wrapping_sub(vaddr.wrapping_add(distance)))
            })
        })?;
        Layout::new(header, bias, 0, page).filter(|layout| layout.owns(vma, page))
    }

    fn new(header: Vec<u8>, bias: u64, start: u64, page: u64) -> Option<Layout> {
        let elf = Elf::parse(&header).ok()?;
        let (first, end) = elf.extent(page)?;
        let base = elf.words.wrap(first.wrapping_add(bias));
        let extent = (base, base.checked_add(end - first)?);
        Some(Layout {
            bias,
            start,
            header: Some(header),
            extent,
        })
    }

    /// Whether a mapping of the image's file is where the image would have it.
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
                    .words
                    .wrap(vaddr.wrapping_add(self.bias).wrapping_add(offset - start))
                    == vma.start
        })
    }
}
