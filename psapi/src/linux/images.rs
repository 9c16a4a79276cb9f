//! The ELF images that are mapped into a process, in the order in which they came.
//!
//! What the dynamic linker lists is looked up directly: its list says where each image starts, the
//! headers of all are read with a few system calls, and one query an image tells its file. Only
//! the gaps between these images are then searched for mappings that may be executed, for what
//! was mapped without the linker. Without a list, or with a corrupt one, the whole address space
//! is such a gap.

use std::collections::{HashMap, HashSet};

use rustix::io::Errno;

use super::address_space::AddressSpace;
use super::elf::Elf;
use super::file::Directory;
use super::file_name::path_of;
use super::image_bytes::{self, HEADER_ROOM, NOTES_ROOM, Source};
use super::image_layout::Layout;
use super::link_map;
use super::mapping_name::{Named, classify};
use super::maps::{FileId, Vma};
use super::mem::{Memory, Window};
use super::procmap_query::Which;
use super::start::{self, Start, VDSO};
use crate::ProcessId;
use crate::error::{Cause, Refusal};

/// An ELF image in a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Image {
    pub(crate) base: u64,
    pub(crate) size: u64,
    pub(crate) entry: Option<u64>,
    pub(crate) is_64_bit: bool,
    pub(crate) path: Vec<u8>,
    pub(crate) deleted: bool,
    pub(crate) build_id: Option<Vec<u8>>,
    pub(crate) soname: Option<Vec<u8>>,
    rank: Rank,
}

/// Where an image stands among the others; those of one rank go by address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Executable,
    /// In the dynamic linker's list.
    Linked(usize),
    Unlinked,
}

/// How to look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    /// Whether `PROCMAP_QUERY` may be used.
    pub(crate) use_query: bool,
    /// The process's id for `process_vm_readv`; see [`Memory::open`].
    pub(crate) direct: Option<ProcessId>,
    /// Whether to read the images' build ids.
    pub(crate) build_id: bool,
    /// Whether to read the images' own names, which costs two more reads an image.
    pub(crate) soname: bool,
}

/// Finds the images of a pinned process.
pub(crate) fn read(process: &Directory, manner: Manner) -> Result<Vec<Image>, Refusal> {
    let attempt = || {
        let space = AddressSpace::open(process, manner.use_query)?;
        let search = Search::new(process, &space, manner)?;
        let is_started = search.start.is_done;
        let images = search.run()?;
        space.check_still_there()?;
        Ok((images, is_started))
    };
    match attempt() {
        Ok((images, true)) => Ok(images),
        // It ended, or it executes another program by now, or is about to: the second attempt
        // tells.
        Ok((_, false))
        | Err(Refusal {
            cause: Cause::Os(Errno::SRCH),
            ..
        }) => attempt().map(|(images, _)| images),
        Err(refusal) => Err(refusal),
    }
}

/// Which image alone to look for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum One {
    Executable,
    /// The one that starts at an address.
    At(u64),
}

/// Finds one image, at the cost of one. `None`: there may be such an image all the same, which only
/// the search for all finds.
pub(crate) fn read_one(
    process: &Directory,
    manner: Manner,
    which: One,
) -> Result<Option<Image>, Refusal> {
    let space = AddressSpace::open(process, manner.use_query)?;
    let mut search = Search::new(process, &space, manner)?;
    match which {
        One::Executable => search.executable()?,
        One::At(base) => search.at(base)?,
    }
    let image = search.images.pop();
    space.check_still_there()?;
    Ok(image)
}

struct Search<'s> {
    process: &'s Directory,
    space: &'s AddressSpace<'s>,
    manner: Manner,
    memory: Option<Memory>,
    start: Start,
    page: u64,
    images: Vec<Image>,
    /// The images that the search through the gaps may meet again, by their files.
    met: HashMap<FileId, Vec<Layout>>,
    /// All mappings of files, once they were needed.
    files: Option<Vec<Vma>>,
    name: Vec<u8>,
}

/// The path of an image's file, and whether that is deleted.
type Path = (Vec<u8>, bool);

impl<'s> Search<'s> {
    fn new(
        process: &'s Directory,
        space: &'s AddressSpace<'s>,
        manner: Manner,
    ) -> Result<Self, Refusal> {
        Ok(Search {
            process,
            space,
            manner,
            memory: Memory::open(process, manner.direct)?,
            start: start::read(process, space)?,
            page: rustix::param::page_size() as u64,
            images: Vec::new(),
            met: HashMap::new(),
            files: None,
            name: Vec::new(),
        })
    }

    fn run(mut self) -> Result<Vec<Image>, Refusal> {
        self.executable()?;
        let mut list = self.linker_list()?;
        self.linked(&list)?;
        self.unlinked()?;
        if list.is_empty() && self.images.len() > 1 {
            // Where the program is the dynamic linker itself, the list hangs on what it loaded.
            list = self.list_of_any()?;
        }
        self.vdso()?;
        self.rank(&list);
        self.images.sort_by_key(|image| (image.rank, image.base));
        Ok(self.images)
    }

    /// The image that the kernel started.
    fn executable(&mut self) -> Result<(), Refusal> {
        let Some(address) = self.start.executable else {
            return Ok(());
        };
        match self.space.find(Which::At(address))? {
            Some(vma) if vma.file.is_file() => self.around(&vma, Rank::Executable),
            _ => Ok(()),
        }
    }

    /// The image that starts at an address, if its mapping there tells of it.
    fn at(&mut self, base: u64) -> Result<(), Refusal> {
        let Some(vma) = self.space.find(Which::At(base))? else {
            return Ok(());
        };
        if vma.start != base {
            return Ok(());
        }
        if !vma.file.is_file() {
            self.vdso()?;
        } else {
            self.around(&vma, Rank::Unlinked)?;
        }
        self.images.retain(|image| image.base == base);
        // What can't be executed anywhere is no image.
        if let Some(image) = self.images.first()
            && vma.file.is_file()
        {
            let next = self.space.find(Which::NextExecutable(base))?;
            let is_in =
                |next: &Vma| image.addresses().contains(&next.start) && next.file == vma.file;
            if !next.is_some_and(|next| is_in(&next)) {
                self.images.clear();
            }
        }
        Ok(())
    }

    /// The dynamic linker's list; empty where there is none, or a corrupt one.
    fn linker_list(&mut self) -> Result<Vec<link_map::Entry>, Refusal> {
        let executable = self.images.first().map(|image| image.base);
        match executable.and_then(|base| self.r_debug(base)) {
            Some((words, r_debug)) => self.walk(words, r_debug),
            None => Ok(Vec::new()),
        }
    }

    fn list_of_any(&mut self) -> Result<Vec<link_map::Entry>, Refusal> {
        let bases: Vec<u64> = self.images.iter().map(|image| image.base).collect();
        match bases.into_iter().find_map(|base| self.r_debug(base)) {
            Some((words, r_debug)) => self.walk(words, r_debug),
            None => Ok(Vec::new()),
        }
    }

    /// Where the image at a base was told of the linker's list.
    fn r_debug(&self, base: u64) -> Option<(super::elf::Words, u64)> {
        let memory = self.memory.as_ref()?;
        let header = image_bytes::header_in_memory(memory, base)?;
        let elf = Elf::parse(&header).ok()?;
        let (first, _) = elf.extent(self.page)?;
        let bias = elf.words.wrap(base.wrapping_sub(first));
        let dynamic = Source::Memory { memory, bias }.dynamic(&elf)?;
        Some((elf.words, dynamic.debug?))
    }

    fn walk(
        &mut self,
        words: super::elf::Words,
        r_debug: u64,
    ) -> Result<Vec<link_map::Entry>, Refusal> {
        let Some(memory) = &self.memory else {
            return Ok(Vec::new());
        };
        let limit = || self.space.files().map_or(0, |files| files.len());
        let attempt = || {
            let mut window = Window::new(memory, LINKER_WINDOW);
            let read = |address, into: &mut [u8]| {
                into.copy_from_slice(window.get(address, into.len())?);
                Some(())
            };
            link_map::walk(words, r_debug, read, limit)
        };
        // The program may have been about to change it.
        Ok(attempt().or_else(attempt).unwrap_or_default())
    }

    /// Looks up what the linker lists.
    fn linked(&mut self, list: &[link_map::Entry]) -> Result<(), Refusal> {
        let Some(memory) = self.memory.take() else {
            return Ok(());
        };
        let executable = self.images.first().map(Image::addresses);
        let listed: Vec<_> = (0..)
            .zip(list)
            .filter(|(_, entry)| !executable.as_ref().is_some_and(|e| e.contains(&entry.l_ld)))
            .collect();
        self.images.reserve(listed.len());
        let room = if self.manner.build_id {
            NOTES_ROOM
        } else {
            HEADER_ROOM
        };
        let mut headers = Vec::new();
        for listed in listed.chunks(HEADERS_AT_ONCE) {
            let bases: Vec<u64> = listed.iter().map(|(_, entry)| entry.l_addr).collect();
            let lengths = memory.read_many(&bases, room, &mut headers);
            for (index, (&(rank, entry), length)) in listed.iter().zip(lengths).enumerate() {
                let header = headers[index * room..].get(..length);
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

    /// `None`: what does not start where its addresses do, or has unusual headers, is found in the
    /// gaps; what is of no file is no image.
    fn linked_image(
        &mut self,
        memory: &Memory,
        entry: &link_map::Entry,
        header: &[u8],
        rank: usize,
    ) -> Result<Option<Image>, Refusal> {
        let Ok(elf) = Elf::parse(header) else {
            return Ok(None);
        };
        let Some((first, end)) = elf.extent(self.page) else {
            return Ok(None);
        };
        let bias = elf.words.wrap(entry.l_addr.wrapping_sub(first));
        let section = elf.dynamic().map(|section| section.vaddr);
        if section.map(|vaddr| elf.words.wrap(vaddr.wrapping_add(bias))) != Some(entry.l_ld) {
            return Ok(None);
        }
        let at = Which::At(entry.l_addr);
        let Some((vma, doubtful)) = self.space.find_named(at, &mut self.name)? else {
            return Ok(None);
        };
        if !vma.file.is_file() && self.name != VDSO {
            return Ok(None);
        }
        let source = Source::Memory { memory, bias };
        let (path, deleted) = path_of(self.process, &self.name, vma.file, doubtful);
        let build_id = match self.manner.build_id {
            true => source.build_id_near(&elf, header),
            false => None,
        };
        Ok(Some(Image {
            base: entry.l_addr,
            size: end - first,
            entry: entry_of(&elf, bias),
            is_64_bit: elf.words.size() == 8,
            path,
            deleted,
            build_id,
            soname: self.manner.soname.then(|| source.soname(&elf)).flatten(),
            rank: Rank::Linked(rank),
        }))
    }

    /// Searches what lies between the linker's images.
    fn unlinked(&mut self) -> Result<(), Refusal> {
        let mut known: Vec<_> = self
            .images
            .iter()
            .filter(|image| image.rank != Rank::Executable)
            .map(Image::addresses)
            .collect();
        known.sort_unstable_by_key(|addresses| addresses.start);
        let count = known.len();
        known.dedup_by_key(|addresses| addresses.start);
        if known.len() < count {
            // The linker moved an entry while its list was walked.
            let mut seen = HashSet::new();
            self.images.retain(|image| seen.insert(image.base));
        }
        let mut known = known.into_iter().peekable();
        let mut address = 0;
        loop {
            // The linker reserves the whole range of an image: nothing else is in there.
            while let Some(image) = known.next_if(|image| image.start <= address) {
                address = address.max(image.end);
            }
            let Some(vma) = self.space.find(Which::NextExecutable(address))? else {
                return Ok(());
            };
            while known.next_if(|image| image.end <= vma.start).is_some() {}
            address = match known.next_if(|image| image.start <= vma.start) {
                Some(image) => image.end,
                None => {
                    if !self.has_met(&vma) {
                        self.around(&vma, Rank::Unlinked)?;
                    }
                    vma.end
                }
            };
        }
    }

    fn has_met(&self, vma: &Vma) -> bool {
        let images = self.met.get(&vma.file).map_or(&[][..], Vec::as_slice);
        images.iter().rev().any(|image| image.owns(vma, self.page))
    }

    /// Adds the image that a mapping is part of, if it is of one.
    fn around(&mut self, vma: &Vma, rank: Rank) -> Result<(), Refusal> {
        let Some((base, named)) = self.image_of(vma)? else {
            return Ok(());
        };
        let (path, deleted) = named;
        let met = self.met.entry(vma.file).or_default();
        // The search ascends: what ends before this mapping is not met again.
        met.retain(|other| other.extent.1 > vma.start);
        if met.len() >= NEIGHBOURS {
            met.remove(0);
        }
        let Some(header) = &base.header else {
            // Nothing but the mappings tells of it.
            self.images.push(Image {
                base: base.extent.0,
                size: base.extent.1 - base.extent.0,
                entry: None,
                is_64_bit: self.start.is_64_bit,
                path,
                deleted,
                build_id: match self.manner.build_id {
                    true => self.space.build_id(base.extent.0),
                    false => None,
                },
                soname: None,
                rank,
            });
            met.push(base);
            return Ok(());
        };
        let Ok(elf) = Elf::parse(header) else {
            return Ok(());
        };
        let source = match &self.memory {
            Some(memory) => Some(Source::Memory {
                memory,
                bias: base.bias,
            }),
            None => image_bytes::open_file(self.process, vma, &path).map(|file| Source::File {
                file,
                start: base.start,
            }),
        };
        // What is behind that room may not be the image's next bytes.
        let build_id = match self.manner.build_id {
            true => source
                .as_ref()
                .and_then(|source| source.build_id_near(&elf, image_bytes::true_start(header)))
                .or_else(|| self.space.build_id(vma.start)),
            false => None,
        };
        let soname = source
            .filter(|_| self.manner.soname)
            .and_then(|source| source.soname(&elf));
        self.images.push(Image {
            base: base.extent.0,
            size: base.extent.1 - base.extent.0,
            entry: entry_of(&elf, base.bias),
            is_64_bit: elf.words.size() == 8,
            path,
            deleted,
            build_id,
            soname,
            rank,
        });
        met.push(base);
        Ok(())
    }

    /// The image that a mapping is part of.
    fn image_of(&mut self, vma: &Vma) -> Result<Option<(Layout, Path)>, Refusal> {
        let named = self
            .space
            .find_named(Which::At(vma.start), &mut self.name)?;
        let Some((now, doubtful)) = named.filter(|(now, _)| now.file == vma.file) else {
            return Ok(None);
        };
        let named = path_of(self.process, &self.name, now.file, doubtful);
        if let Some(memory) = &self.memory {
            // Nearly all images start with the start of their file, and lie in memory as in it.
            let usual = vma.start.checked_sub(vma.offset);
            let usual = usual.and_then(|at| Layout::in_memory(memory, at, 0, vma, self.page));
            if let Some(met) = usual
                && self
                    .space
                    .find(Which::At(met.extent.0))?
                    .is_some_and(|first| (first.file, first.offset) == (vma.file, 0))
            {
                return Ok(Some((met, named)));
            }
        }
        let before = self.mappings_before(vma)?;
        if let Some(memory) = &self.memory {
            let found = before.iter().rev().find_map(|first| {
                Layout::in_memory(memory, first.start, first.offset, vma, self.page)
            });
            if let Some(met) = found {
                return Ok(Some((met, named)));
            }
        }
        // The header is in no mapping, or may not be read there.
        if let Some(file) = image_bytes::open_file(self.process, vma, &named.0) {
            let found = Layout::in_file(&file, vma, self.page);
            return Ok(found.map(|met| (met, named)));
        }
        // A file that is mapped to be executed; what has no place in any directory is a program's
        // own making, and no image.
        let is_file = matches!(classify(&now, &self.name), Named::File { .. });
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
            named,
        )))
    }

    /// The mappings of the same file that may be of one image with this one: before it, with
    /// ever smaller offsets, itself included. The first may be where the image starts.
    fn mappings_before(&mut self, vma: &Vma) -> Result<Vec<Vma>, Refusal> {
        let files = self.files()?;
        let end = files.partition_point(|other| other.start <= vma.start);
        let mut offset = u64::MAX;
        let mut before: Vec<Vma> = files[..end]
            .iter()
            .rev()
            .take(NEIGHBOURS)
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

    fn mappings_after(&mut self, vma: &Vma) -> Result<Vec<Vma>, Refusal> {
        let files = self.files()?;
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

    fn files(&mut self) -> Result<&[Vma], Refusal> {
        if self.files.is_none() {
            self.files = Some(self.space.files()?);
        }
        Ok(self.files.as_deref().unwrap_or_default())
    }

    /// The image that the kernel itself provides, where the linker did not list it.
    fn vdso(&mut self) -> Result<(), Refusal> {
        let Some(base) = self.start.vdso else {
            return Ok(());
        };
        if self.images.iter().any(|image| image.base == base) {
            return Ok(());
        }
        let named = self.space.find_named(Which::At(base), &mut self.name)?;
        let Some((vma, _)) = named.filter(|(vma, _)| vma.start == base && self.name == VDSO) else {
            return Ok(());
        };
        let mut image = Image {
            base,
            size: vma.end - vma.start,
            entry: None,
            is_64_bit: self.start.is_64_bit,
            path: VDSO.to_vec(),
            deleted: false,
            build_id: None,
            soname: None,
            rank: Rank::Unlinked,
        };
        if let Some(memory) = &self.memory
            && let Some(header) = image_bytes::header_in_memory(memory, base)
            && let Ok(elf) = Elf::parse(&header)
            && let Some((first, end)) = elf.extent(self.page)
        {
            let bias = elf.words.wrap(base.wrapping_sub(first));
            let source = Source::Memory { memory, bias };
            image.size = end - first;
            image.entry = entry_of(&elf, bias);
            image.is_64_bit = elf.words.size() == 8;
            image.build_id = match self.manner.build_id {
                true => source.build_id_near(&elf, image_bytes::true_start(&header)),
                false => None,
            };
            image.soname = self.manner.soname.then(|| source.soname(&elf)).flatten();
        }
        self.images.push(image);
        Ok(())
    }

    /// Gives the images that were found otherwise their places in the linker's list.
    fn rank(&mut self, list: &[link_map::Entry]) {
        if self.images.iter().all(|image| image.rank != Rank::Unlinked) {
            return;
        }
        let mut by_base: Vec<usize> = (0..self.images.len()).collect();
        by_base.sort_by_key(|&index| self.images[index].base);
        for (place, entry) in list.iter().enumerate() {
            let after = by_base.partition_point(|&index| self.images[index].base <= entry.l_ld);
            let Some(&index) = after.checked_sub(1).and_then(|at| by_base.get(at)) else {
                continue;
            };
            let image = &mut self.images[index];
            if image.rank == Rank::Unlinked && image.addresses().contains(&entry.l_ld) {
                image.rank = Rank::Linked(place);
            }
        }
    }
}

/// How many headers are read at a time: few enough to stay in the processor's cache.
const HEADERS_AT_ONCE: usize = 64;

/// How many mappings before one are tried as the start of its image, and how many images of one
/// file, each in the range of the others, are told apart: more than any true image needs, and few
/// enough for a process with as many mappings as the kernel allows.
const NEIGHBOURS: usize = 32;

/// How much of the linker's memory is read at a time: its entries lie a few kilobytes apart.
const LINKER_WINDOW: usize = 16384;

impl Image {
    fn addresses(&self) -> std::ops::Range<u64> {
        self.base..self.base.saturating_add(self.size)
    }
}

fn entry_of(elf: &Elf<'_>, bias: u64) -> Option<u64> {
    (elf.entry != 0).then(|| elf.words.wrap(elf.entry.wrapping_add(bias)))
}
