//! An ELF image in a process, as the search finds it.

use std::ffi::OsString;
use std::ops::Range;
use std::os::unix::ffi::OsStringExt as _;

use crate::module::{BuildId, Module, ModuleClass};
use crate::sys::linux::elf::header::Elf;

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
    pub(crate) rank: Rank,
}

/// The position of an image in the result. Images of equal rank are sorted by address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    Executable,
    /// The index in the dynamic linker's list.
    Linked(usize),
    Unlinked,
}

impl Image {
    pub(crate) fn addresses(&self) -> Range<u64> {
        self.base..self.base.saturating_add(self.size)
    }
}

/// Returns the address of the entry point in memory; `None` if `e_entry` is 0.
pub(crate) fn entry_point(elf: &Elf<'_>, bias: u64) -> Option<u64> {
    (elf.entry != 0).then(|| elf.encoding.wrap(elf.entry.wrapping_add(bias)))
}

impl From<Image> for Module {
    fn from(image: Image) -> Self {
        Module {
            base: image.base,
            size: image.size,
            entry_point: image.entry,
            class: if image.is_64_bit {
                ModuleClass::Bits64
            } else {
                ModuleClass::Bits32
            },
            path: OsString::from_vec(image.path).into(),
            deleted: image.deleted,
            soname: image.soname.map(OsString::from_vec),
            build_id: image.build_id.map(BuildId::new),
        }
    }
}
