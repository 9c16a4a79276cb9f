//! Step 1 of the search: the program that the kernel executed.
//!
//! `auxv` has the address of the program headers. Usually a mapping of the program's file contains
//! them. Some programs move their code and headers to memory without a file, for example to use
//! huge pages, or unpack themselves there. Only the link `exe` then names the program.

use crate::error::SourceError;
use crate::sys::linux::calls::procmap_query::VmaQuery;
use crate::sys::linux::elf::image::{Image, Rank};
use crate::sys::linux::elf::layout::Layout;
use crate::sys::linux::elf::search::Search;
use crate::sys::linux::elf::search::unlinked::FilePath;
use crate::sys::linux::file_name::path_of;
use crate::sys::linux::proc::exe;
use crate::sys::linux::proc::maps::Vma;

impl Search<'_> {
    /// Adds the image of the program that the kernel executed.
    pub(super) fn add_executable(&mut self) -> Result<(), SourceError> {
        let Some(address) = self.exec_info.executable else {
            return Ok(());
        };
        let vma = self.space.find(VmaQuery::At(address))?;
        if let Some(vma) = &vma
            && vma.file.is_file()
        {
            self.add_containing(vma, Rank::Executable)?;
        }
        if self.images.is_empty() {
            self.add_moved_executable(address, vma)?;
        }
        Ok(())
    }

    /// Adds the image of a program whose headers are no longer where its file was mapped.
    fn add_moved_executable(&mut self, address: u64, vma: Option<Vma>) -> Result<(), SourceError> {
        let (mut path, buffers) = (Vec::new(), &mut exe::Buffers::default());
        let Ok(deleted) = exe::read(self.process, b"exe", b"root", &mut path, buffers) else {
            return Ok(());
        };
        let path = (path, deleted);
        // The parts that are still mapped locate the image, including the parts that have moved.
        let mapped = self.mappings_of(&path)?;
        for vma in &mapped {
            self.add_containing(vma, Rank::Executable)?;
            if !self.images.is_empty() {
                return Ok(());
            }
        }
        let anonymous = vma.filter(|vma| !vma.file.is_file());
        if let Some(vma) = &anonymous
            && let Some(layout) = self.layout_in_memory(address, vma)
        {
            let image = self.image_of(&layout, path, Rank::Executable, None);
            self.images.extend(image);
            return Ok(());
        }
        let range = match anonymous {
            Some(vma) if self.may_hold_program_headers(address) => Some((vma.start, vma.end)),
            _ => mapped
                .first()
                .zip(mapped.last())
                .map(|(first, last)| (first.start, last.end)),
        };
        let Some((start, end)) = range else {
            return Ok(());
        };
        let (path, deleted) = path;
        self.images.push(Image {
            base: start,
            size: end - start,
            entry: None,
            is_64_bit: self.exec_info.is_64_bit,
            path,
            deleted,
            build_id: None,
            soname: None,
            rank: Rank::Executable,
        });
        Ok(())
    }

    /// Returns the first mappings of a file that have ascending offsets.
    fn mappings_of(&mut self, path: &FilePath) -> Result<Vec<Vma>, SourceError> {
        let mut found: Vec<Vma> = Vec::new();
        let mut other = None;
        for vma in self.file_mappings()?.to_vec() {
            if let Some(last) = found.last() {
                if vma.file != last.file || vma.offset < last.offset {
                    break;
                }
                found.push(vma);
            } else if other != Some(vma.file) {
                other = Some(vma.file);
                let named = self
                    .space
                    .find_named(VmaQuery::At(vma.start), &mut self.name)?;
                if let Some((now, unescaped)) = named
                    && path_of(&self.files, &now, &self.name, unescaped) == *path
                {
                    found.push(vma);
                }
            }
        }
        Ok(found)
    }

    /// Returns the layout of the image whose header is in memory without a file. The header starts
    /// the mapping, or the page that contains the program headers.
    fn layout_in_memory(&self, address: u64, vma: &Vma) -> Option<Layout> {
        let memory = self.memory.as_ref()?;
        [vma.start, address - address % self.page]
            .into_iter()
            .filter_map(|at| Layout::at(memory, at, 0, self.page))
            .find(|layout| (layout.extent.0..layout.extent.1).contains(&address))
    }

    /// Returns true if the memory at an address looks like program headers, or is not readable.
    /// Memory that the program allocated there later does not.
    fn may_hold_program_headers(&self, address: u64) -> bool {
        let Some(memory) = &self.memory else {
            return true;
        };
        let mut kind = [0; 4];
        memory.read(address, &mut kind) == kind.len()
            && FIRST_HEADERS.contains(&u32::from_ne_bytes(kind))
    }
}

/// The types of a program's first program header: `PT_LOAD` to `PT_TLS`.
const FIRST_HEADERS: std::ops::RangeInclusive<u32> = 1..=7;
