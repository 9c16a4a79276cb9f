//! Step 5 of the search: the image that the kernel provides.

use crate::error::SourceError;
use crate::sys::linux::calls::procmap_query::VmaQuery;
use crate::sys::linux::elf::header::Elf;
use crate::sys::linux::elf::image::{Image, Rank, entry_point};
use crate::sys::linux::elf::search::Search;
use crate::sys::linux::elf::source::{self, Source};
use crate::sys::linux::exec_info::{self, VDSO};
use crate::sys::linux::proc::maps::Vma;

impl Search<'_> {
    /// Adds the image that the kernel provides, unless the linker listed it.
    pub(super) fn add_vdso(&mut self) -> Result<(), SourceError> {
        let Some(vma) = self.vdso()? else {
            return Ok(());
        };
        let base = vma.start;
        if self.images.iter().any(|image| image.base == base) {
            return Ok(());
        }
        let mut image = Image {
            base,
            size: vma.end - vma.start,
            entry: None,
            is_64_bit: self.exec_info.is_64_bit,
            path: VDSO.to_vec(),
            deleted: false,
            build_id: None,
            soname: None,
            rank: Rank::Unlinked,
        };
        if let Some(memory) = &self.memory
            && let Some(header) = source::header_in_memory(memory, base)
            && let Ok(elf) = Elf::parse(&header)
            && let Some((first, end)) = elf.extent(self.page)
        {
            let bias = elf.encoding.wrap(base.wrapping_sub(first));
            let source = Source::Memory { memory, bias };
            image.size = end - first;
            image.entry = entry_point(&elf, bias);
            image.is_64_bit = elf.encoding.is_64_bit();
            if self.options.build_id {
                let prefix = source::contiguous_part(&header);
                image.build_id = source.build_id_with_prefix(&elf, prefix);
            }
            image.soname = self.options.soname.then(|| source.soname(&elf)).flatten();
        }
        self.images.push(image);
        Ok(())
    }

    /// Returns the mapping where the vDSO starts. The program can have moved it with `mremap`,
    /// which leaves `auxv` unchanged.
    fn vdso(&mut self) -> Result<Option<Vma>, SourceError> {
        if let Some(base) = self.exec_info.vdso
            && let Some((vma, _)) = self.space.find_named(VmaQuery::At(base), &mut self.name)?
            && vma.start == base
            && self.name == VDSO
        {
            return Ok(Some(vma));
        }
        exec_info::find_vdso(self.space)
    }
}
