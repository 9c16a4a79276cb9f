//! Steps 2 and 3 of the search: the images in the dynamic linker's list.

use crate::error::SourceError;
use crate::sys::linux::calls::process_vm_readv::{Memory, Window};
use crate::sys::linux::calls::procmap_query::VmaQuery;
use crate::sys::linux::elf::header::{Elf, ElfEncoding};
use crate::sys::linux::elf::image::{Image, Rank, entry_point};
use crate::sys::linux::elf::link_map;
use crate::sys::linux::elf::search::Search;
use crate::sys::linux::elf::source::{self, HEADER_SIZE, NOTES_SIZE, Source};
use crate::sys::linux::exec_info::VDSO;
use crate::sys::linux::file_name::path_of;

/// Headers per system call: few enough to stay in the CPU's cache.
const HEADERS_PER_READ: usize = 64;

/// Bytes read at once from the linker's memory, where list entries are a few kilobytes apart.
const LINKER_WINDOW: usize = 16384;

impl Search<'_> {
    /// Returns the dynamic linker's list; empty if it does not exist or is corrupt.
    pub(super) fn linker_list(&mut self) -> Result<Vec<link_map::Entry>, SourceError> {
        let executable = self.images.first().map(|image| image.base);
        match executable.and_then(|base| self.r_debug(base)) {
            Some((encoding, r_debug)) => self.walk_list(encoding, r_debug),
            None => Ok(Vec::new()),
        }
    }

    /// Like `linker_list`, but uses the first image that points to a list.
    pub(super) fn list_of_any_image(&mut self) -> Result<Vec<link_map::Entry>, SourceError> {
        let bases: Vec<u64> = self.images.iter().map(|image| image.base).collect();
        match bases.into_iter().find_map(|base| self.r_debug(base)) {
            Some((encoding, r_debug)) => self.walk_list(encoding, r_debug),
            None => Ok(Vec::new()),
        }
    }

    /// Returns the address of `r_debug`, which the linker stored in the image's `DT_DEBUG` entry.
    fn r_debug(&self, base: u64) -> Option<(ElfEncoding, u64)> {
        let memory = self.memory.as_ref()?;
        let header = source::header_in_memory(memory, base)?;
        let elf = Elf::parse(&header).ok()?;
        let (first, _) = elf.extent(self.page)?;
        let bias = elf.encoding.wrap(base.wrapping_sub(first));
        let dynamic = Source::Memory { memory, bias }.dynamic(&elf)?;
        Some((elf.encoding, dynamic.debug?))
    }

    fn walk_list(
        &mut self,
        encoding: ElfEncoding,
        r_debug: u64,
    ) -> Result<Vec<link_map::Entry>, SourceError> {
        let Some(memory) = &self.memory else {
            return Ok(Vec::new());
        };
        // Each list entry has at least one file mapping, so the number of file mappings bounds the
        // list.
        let limit = || self.space.files().map_or(0, |files| files.len());
        let attempt = || {
            let mut window = Window::new(memory, LINKER_WINDOW);
            let read = |address, into: &mut [u8]| {
                into.copy_from_slice(window.get(address, into.len())?);
                Some(())
            };
            link_map::walk(encoding, r_debug, read, limit)
        };
        // The linker might have been updating the list; a second walk usually finds it consistent.
        Ok(attempt().or_else(attempt).unwrap_or_default())
    }

    /// Adds the images in the linker's list, except for the executable.
    pub(super) fn add_linked(&mut self, list: &[link_map::Entry]) -> Result<(), SourceError> {
        // Taken out so that `linked_image` can borrow `self` mutably.
        let Some(memory) = self.memory.take() else {
            return Ok(());
        };
        let executable = self.images.first().map(Image::addresses);
        let listed: Vec<_> = (0..)
            .zip(list)
            .filter(|(_, entry)| !executable.as_ref().is_some_and(|e| e.contains(&entry.l_ld)))
            .collect();
        self.images.reserve(listed.len());
        let size = if self.options.build_id {
            NOTES_SIZE
        } else {
            HEADER_SIZE
        };
        let mut headers = Vec::new();
        for listed in listed.chunks(HEADERS_PER_READ) {
            let bases: Vec<u64> = listed.iter().map(|(_, entry)| entry.l_addr).collect();
            let lengths = memory.read_many(&bases, size, &mut headers);
            for (index, (&(rank, entry), length)) in listed.iter().zip(lengths).enumerate() {
                let header = headers[index * size..].get(..length);
                if let Some(header) = header
                    && let Some(image) = self.linked_image(&memory, entry, header, rank)?
                {
                    self.images.push(image);
                }
            }
        }
        self.memory = Some(memory);
        Ok(())
    }

    /// Returns the image of a list entry.
    ///
    /// Returns `None` for an image that does not start at `l_addr` or has unusual headers; the
    /// search of the gaps finds it. Memory without a file is not an image and also gives `None`.
    fn linked_image(
        &mut self,
        memory: &Memory,
        entry: &link_map::Entry,
        header: &[u8],
        rank: usize,
    ) -> Result<Option<Image>, SourceError> {
        let Ok(elf) = Elf::parse(header) else {
            return Ok(None);
        };
        let Some((first, end)) = elf.extent(self.page) else {
            return Ok(None);
        };
        let bias = elf.encoding.wrap(entry.l_addr.wrapping_sub(first));
        // The header belongs to this entry only if its dynamic section is at the entry's `l_ld`.
        let section = elf.dynamic().map(|section| section.vaddr);
        if section.map(|vaddr| elf.encoding.wrap(vaddr.wrapping_add(bias))) != Some(entry.l_ld) {
            return Ok(None);
        }
        let at = VmaQuery::At(entry.l_addr);
        let Some((vma, unescaped)) = self.space.find_named(at, &mut self.name)? else {
            return Ok(None);
        };
        if !vma.file.is_file() && self.name != VDSO {
            return Ok(None);
        }
        let source = Source::Memory { memory, bias };
        let (path, deleted) = path_of(&self.files, &vma, &self.name, unescaped);
        let build_id = if self.options.build_id {
            source.build_id_with_prefix(&elf, header)
        } else {
            None
        };
        Ok(Some(Image {
            base: entry.l_addr,
            size: end - first,
            entry: entry_point(&elf, bias),
            is_64_bit: elf.encoding.is_64_bit(),
            path,
            deleted,
            build_id,
            soname: self.options.soname.then(|| source.soname(&elf)).flatten(),
            rank: Rank::Linked(rank),
        }))
    }
}
