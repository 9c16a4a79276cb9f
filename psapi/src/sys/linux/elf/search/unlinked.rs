//! Step 4 of the search: images that were mapped without the dynamic linker.

use std::collections::HashSet;

use crate::error::SourceError;
use crate::sys::linux::calls::procmap_query::VmaQuery;
use crate::sys::linux::elf::header::Elf;
use crate::sys::linux::elf::image::{Image, Rank, entry_point};
use crate::sys::linux::elf::layout::Layout;
use crate::sys::linux::elf::search::Search;
use crate::sys::linux::elf::source::{self, Source};
use crate::sys::linux::file_name::path_of;
use crate::sys::linux::mapping_name::MappingName;
use crate::sys::linux::proc::maps::Vma;

/// The path of an image's file, and whether the file was deleted.
pub(super) type FilePath = (Vec<u8>, bool);

/// Limits the preceding mappings that are tried as the start of an image, and the overlapping
/// layouts that are kept per file. A real image needs fewer. A higher limit would slow down the
/// search in a process with the maximum number of mappings.
const MAX_NEIGHBOURS: usize = 32;

impl Search<'_> {
    /// Searches the gaps between the linker's images for executable file mappings.
    pub(super) fn add_unlinked(&mut self) -> Result<(), SourceError> {
        let mut linked: Vec<_> = self
            .images
            .iter()
            .filter(|image| image.rank != Rank::Executable)
            .map(Image::addresses)
            .collect();
        linked.sort_unstable_by_key(|addresses| addresses.start);
        let count = linked.len();
        linked.dedup_by_key(|addresses| addresses.start);
        if linked.len() < count {
            // The linker moved an entry during the walk, so that the entry appeared twice.
            let mut bases = HashSet::new();
            self.images.retain(|image| bases.insert(image.base));
        }
        let mut linked = linked.into_iter().peekable();
        let mut address = 0;
        loop {
            // Skip whole images: the linker reserves an image's full range, so nothing else is
            // mapped inside.
            while let Some(image) = linked.next_if(|image| image.start <= address) {
                address = address.max(image.end);
            }
            let Some(vma) = self.space.find(VmaQuery::NextExecutableFile(address))? else {
                return Ok(());
            };
            while linked.next_if(|image| image.end <= vma.start).is_some() {}
            address = match linked.next_if(|image| image.start <= vma.start) {
                Some(image) => image.end,
                None => {
                    if !self.has_seen(&vma) {
                        self.add_containing(&vma, Rank::Unlinked)?;
                    }
                    vma.end
                }
            };
        }
    }

    /// Returns true if the mapping belongs to an image that `add_containing` already added.
    fn has_seen(&self, vma: &Vma) -> bool {
        let layouts = self.seen.get(&vma.file).map_or(&[][..], Vec::as_slice);
        layouts
            .iter()
            .rev()
            .any(|layout| layout.owns(vma, self.page))
    }

    /// Adds the image that contains a mapping, if there is one.
    pub(super) fn add_containing(&mut self, vma: &Vma, rank: Rank) -> Result<(), SourceError> {
        let Some((layout, path)) = self.containing(vma)? else {
            return Ok(());
        };
        // The parts of the executable's file that are still mapped, around headers that have moved.
        let base = layout.extent.0;
        let is_executable = |image: &Image| image.rank == Rank::Executable && image.base == base;
        if !self.images.first().is_some_and(is_executable) {
            let image = match layout.header {
                Some(_) => self.image_of(&layout, path, rank, Some(vma)),
                None => Some(self.image_without_header(&layout, path, rank)),
            };
            let Some(image) = image else {
                return Ok(());
            };
            self.images.push(image);
        }
        let seen = self.seen.entry(vma.file).or_default();
        // The search ascends, so layouts that end before this mapping are no longer needed.
        seen.retain(|other| other.extent.1 > vma.start);
        if seen.len() >= MAX_NEIGHBOURS {
            seen.remove(0);
        }
        seen.push(layout);
        Ok(())
    }

    /// Returns an image whose memory and file are both unreadable. Only its mappings describe it.
    fn image_without_header(&self, layout: &Layout, path: FilePath, rank: Rank) -> Image {
        let (base, end) = layout.extent;
        let (path, deleted) = path;
        Image {
            base,
            size: end - base,
            entry: None,
            is_64_bit: self.exec_info.is_64_bit,
            path,
            deleted,
            build_id: if self.options.build_id {
                self.space.build_id(base)
            } else {
                None
            },
            soname: None,
            rank,
        }
    }

    /// Returns the image with a layout. Without access to its memory, the other fields are read
    /// from the file of `vma`.
    pub(super) fn image_of(
        &self,
        layout: &Layout,
        path: FilePath,
        rank: Rank,
        vma: Option<&Vma>,
    ) -> Option<Image> {
        let header = layout.header.as_ref()?;
        let elf = Elf::parse(header).ok()?;
        let (path, deleted) = path;
        let source = match (&self.memory, vma) {
            (Some(memory), _) => Some(Source::Memory {
                memory,
                bias: layout.bias,
            }),
            (None, Some(vma)) => self.files.open(vma.into(), &path).map(|file| Source::File {
                file,
                start: layout.start,
            }),
            (None, None) => None,
        };
        let build_id = if self.options.build_id {
            let prefix = source::contiguous_part(header);
            source
                .as_ref()
                .and_then(|source| source.build_id_with_prefix(&elf, prefix))
                .or_else(|| self.space.build_id(vma?.start))
        } else {
            None
        };
        let soname = source
            .filter(|_| self.options.soname)
            .and_then(|source| source.soname(&elf));
        Some(Image {
            base: layout.extent.0,
            size: layout.extent.1 - layout.extent.0,
            entry: entry_point(&elf, layout.bias),
            is_64_bit: elf.encoding.is_64_bit(),
            path,
            deleted,
            build_id,
            soname,
            rank,
        })
    }

    /// Locates the image that contains a mapping, trying the cheapest source first.
    fn containing(&mut self, vma: &Vma) -> Result<Option<(Layout, FilePath)>, SourceError> {
        let found = self
            .space
            .find_named(VmaQuery::At(vma.start), &mut self.name)?;
        // The mapping might have changed since it was found.
        let Some((now, unescaped)) = found.filter(|(now, _)| now.file == vma.file) else {
            return Ok(None);
        };
        let path = path_of(&self.files, &now, &self.name, unescaped);

        // 1. Nearly all images begin at the start of their file and lie in memory as in the file.
        //    The header is then `offset` bytes before this mapping.
        if let Some(memory) = &self.memory {
            let usual_base = vma.start.checked_sub(vma.offset);
            let layout =
                usual_base.and_then(|at| Layout::from_memory(memory, at, 0, vma, self.page));
            if let Some(layout) = layout
                && self
                    .space
                    .find(VmaQuery::At(layout.extent.0))?
                    .is_some_and(|first| (first.file, first.offset) == (vma.file, 0))
            {
                return Ok(Some((layout, path)));
            }
        }

        // 2. Otherwise the header is at the start of an earlier mapping of the same file.
        let before = self.mappings_before(vma)?;
        if let Some(memory) = &self.memory {
            let found = before.iter().rev().find_map(|first| {
                Layout::from_memory(memory, first.start, first.offset, vma, self.page)
            });
            if let Some(layout) = found {
                return Ok(Some((layout, path)));
            }
        }

        // 3. The header is not mapped, or the memory is not readable: read it from the file.
        if let Some(file) = self.files.open(vma.into(), &path.0) {
            let found = Layout::from_file(&file, vma, self.page);
            return Ok(found.map(|layout| (layout, path)));
        }

        // 4. If neither is readable, treat adjacent mappings of the file as its image. A file in no
        //    directory, such as a memfd, was written by the program and does not count as an image.
        let is_file = matches!(
            self.files.classify(&now, &self.name),
            MappingName::File { .. }
        );
        if self.memory.is_some() || !is_file {
            return Ok(None);
        }
        let start = before.first().map_or(vma.start, |first| first.start);
        let after = self.mappings_after(vma)?;
        Ok(Some((
            Layout {
                bias: start,
                start: 0,
                header: None,
                extent: (start, after.last().map_or(vma.end, |last| last.end)),
            },
            path,
        )))
    }

    /// Returns the mappings that can belong to the same image as `vma`: those of its file with
    /// descending offsets before it, and `vma` itself. The first might contain the image's start.
    fn mappings_before(&mut self, vma: &Vma) -> Result<Vec<Vma>, SourceError> {
        let files = self.file_mappings()?;
        let end = files.partition_point(|other| other.start <= vma.start);
        let mut offset = u64::MAX;
        let mut before: Vec<Vma> = files[..end]
            .iter()
            .rev()
            .take(MAX_NEIGHBOURS)
            .filter(|other| other.file == vma.file)
            .take_while(|other| {
                let descends = other.offset <= offset && offset != 0;
                offset = other.offset;
                descends
            })
            .copied()
            .collect();
        before.reverse();
        Ok(before)
    }

    /// Returns the mappings of the same file with ascending offsets directly after `vma`.
    fn mappings_after(&mut self, vma: &Vma) -> Result<Vec<Vma>, SourceError> {
        let files = self.file_mappings()?;
        let start = files.partition_point(|other| other.start <= vma.start);
        let mut offset = vma.offset;
        Ok(files[start..]
            .iter()
            .take_while(|other| {
                let ascends = other.file == vma.file && other.offset >= offset && other.offset > 0;
                offset = other.offset;
                ascends
            })
            .copied()
            .collect())
    }
}
