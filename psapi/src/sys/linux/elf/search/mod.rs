//! Finds the ELF images in an address space, and the order in which they were loaded.
//!
//! [`Search::run`] works in this order, so that a typical process costs one query per image:
//!
//! 1. `executable.rs` finds the image that contains the program headers named by `auxv`.
//! 2. `linked.rs` follows the executable's `DT_DEBUG` entry to the dynamic linker's `link_map`
//!    list, which holds the base address of each image that the linker loaded.
//! 3. It reads the headers at all these bases with a few system calls. It then looks up the mapping
//!    at each base for the path of the file.
//! 4. `unlinked.rs` searches the gaps between these images for executable file mappings: images
//!    that were mapped without the linker. It locates the image around each one. Without a list, or
//!    with a corrupt one, the whole address space is one gap.
//! 5. `vdso.rs` adds the image that the kernel provides, unless the linker listed it.
//! 6. Images found in step 4 take the position of the list entry that points into them. The images
//!    are then sorted: executable, linked images in list order, others by address.
//!
//! [`Search::executable`] runs only step 1, and [`Search::at`] only the lookup at one address.

mod executable;
mod linked;
mod unlinked;
mod vdso;

use std::collections::HashMap;

use crate::error::SourceError;
use crate::process_id::ProcessId;
use crate::sys::linux::address_space::AddressSpace;
use crate::sys::linux::calls::process_vm_readv::Memory;
use crate::sys::linux::calls::procmap_query::VmaQuery;
use crate::sys::linux::dir::Dir;
use crate::sys::linux::elf::image::{Image, Rank};
use crate::sys::linux::elf::layout::Layout;
use crate::sys::linux::elf::link_map;
use crate::sys::linux::exec_info::{self, ExecInfo};
use crate::sys::linux::mapped_files::MappedFiles;
use crate::sys::linux::proc::maps::{FileId, Vma};
use crate::sys::linux::system::System;

/// The interfaces to use and the optional fields to read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ImageOptions<'s> {
    pub(crate) system: &'s System,
    /// The process's id for `process_vm_readv`; see [`Memory::open`].
    pub(crate) direct: Option<ProcessId>,
    /// Whether to read build ids.
    pub(crate) build_id: bool,
    /// Whether to read sonames, which costs two more reads per image.
    pub(crate) soname: bool,
}

/// The state of one search; see the module documentation for its steps.
pub(crate) struct Search<'s> {
    process: &'s Dir,
    files: MappedFiles<'s>,
    space: &'s AddressSpace<'s>,
    options: ImageOptions<'s>,
    /// `None` if reading the process's memory is denied.
    memory: Option<Memory>,
    exec_info: ExecInfo,
    page: u64,
    images: Vec<Image>,
    /// Layouts of the images found outside the linker's list, by file. The search of the gaps skips
    /// mappings that belong to them.
    seen: HashMap<FileId, Vec<Layout>>,
    /// All file mappings, read on first use.
    file_mappings: Option<Vec<Vma>>,
    /// Buffer for the name of the mapping that was found last.
    name: Vec<u8>,
}

impl<'s> Search<'s> {
    pub(crate) fn new(
        process: &'s Dir,
        space: &'s AddressSpace<'s>,
        options: ImageOptions<'s>,
    ) -> Result<Self, SourceError> {
        Ok(Search {
            process,
            files: MappedFiles::new(options.system, process),
            space,
            options,
            memory: Memory::open(process, options.direct)?,
            exec_info: exec_info::read(process, space)?,
            page: rustix::param::page_size() as u64,
            images: Vec::new(),
            seen: HashMap::new(),
            file_mappings: None,
            name: Vec::new(),
        })
    }

    /// Returns false during `execve` and after the process has ended.
    pub(crate) fn is_complete(&self) -> bool {
        self.exec_info.is_complete
    }

    /// Returns all images in order.
    pub(crate) fn run(mut self) -> Result<Vec<Image>, SourceError> {
        self.add_executable()?;
        let mut list = self.linker_list()?;
        self.add_linked(&list)?;
        self.add_unlinked()?;
        if list.is_empty() && self.images.len() > 1 {
            // When the dynamic linker itself was executed with a program as its argument, the
            // `DT_DEBUG` entry that points to the list is in that program.
            list = self.list_of_any_image()?;
        }
        self.add_vdso()?;
        self.assign_ranks(&list);
        self.images.sort_by_key(|image| (image.rank, image.base));
        Ok(self.images)
    }

    /// Returns the image of the program that the kernel executed, without the others.
    pub(crate) fn executable(mut self) -> Result<Option<Image>, SourceError> {
        self.add_executable()?;
        Ok(self.images.pop())
    }

    /// Returns the image that starts at `base`, if the mapping there identifies one.
    pub(crate) fn at(mut self, base: u64) -> Result<Option<Image>, SourceError> {
        let Some(vma) = self.space.find(VmaQuery::At(base))? else {
            return Ok(None);
        };
        if vma.start != base {
            return Ok(None);
        }
        if vma.file.is_file() {
            self.add_containing(&vma, Rank::Unlinked)?;
        } else {
            self.add_vdso()?;
        }
        self.images.retain(|image| image.base == base);
        // A file without any executable mapping was mapped as data and is not a module.
        if let Some(image) = self.images.first()
            && vma.file.is_file()
        {
            let next = self.space.find(VmaQuery::NextExecutableFile(base))?;
            let is_inside =
                |next: &Vma| image.addresses().contains(&next.start) && next.file == vma.file;
            if !next.is_some_and(|next| is_inside(&next)) {
                self.images.clear();
            }
        }
        Ok(self.images.pop())
    }

    fn file_mappings(&mut self) -> Result<&[Vma], SourceError> {
        if self.file_mappings.is_none() {
            self.file_mappings = Some(self.space.files()?);
        }
        Ok(self.file_mappings.as_deref().unwrap_or_default())
    }

    /// Sets the rank of each image that was found in a gap to the position of its list entry.
    fn assign_ranks(&mut self, list: &[link_map::Entry]) {
        if self.images.iter().all(|image| image.rank != Rank::Unlinked) {
            return;
        }
        let mut by_base: Vec<usize> = (0..self.images.len()).collect();
        by_base.sort_by_key(|&index| self.images[index].base);
        for (position, entry) in list.iter().enumerate() {
            let after = by_base.partition_point(|&index| self.images[index].base <= entry.l_ld);
            let Some(&index) = after.checked_sub(1).and_then(|at| by_base.get(at)) else {
                continue;
            };
            let image = &mut self.images[index];
            if image.rank == Rank::Unlinked && image.addresses().contains(&entry.l_ld) {
                image.rank = Rank::Linked(position);
            }
        }
    }
}
