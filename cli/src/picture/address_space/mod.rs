//! The map of an address space: each mapping a band, each block of pages in the colour of its
//! state.

mod bands;
mod block;
mod blocks;
mod draw;
mod layout;
mod working_set;

use super::palette::Ink;

/// What a picture of an address space is drawn from.
#[derive(Debug)]
pub struct AddressSpace {
    /// Whose it is, as people call it.
    pub title: String,
    /// When it was so.
    pub taken: String,
    pub page_size: u64,
    /// By ascending address.
    pub regions: Vec<Region>,
    /// By ascending address, each within one region.
    pub stretches: Vec<Stretch>,
}

/// A mapping.
#[derive(Debug, Clone)]
pub struct Region {
    pub start: u64,
    pub end: u64,
    /// What is behind it, fit to be seen.
    pub name: String,
    /// As `maps` writes them.
    pub permissions: String,
    /// Whether it is of a file with a path: neighbours of one file make one band.
    pub is_file: bool,
    /// Whether it has its own band however little of it is in memory.
    pub is_landmark: bool,
    pub totals: Totals,
}

impl Region {
    fn size(&self) -> u64 {
        self.end - self.start
    }

    /// Of a file's path, the last part.
    fn short_name(&self) -> &str {
        match self.name.rsplit_once('/') {
            Some((_, name)) if self.is_file && !name.is_empty() => name,
            _ => &self.name,
        }
    }
}

/// Pages of one kind, one after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    pub start: u64,
    pub end: u64,
    pub kind: Kind,
}

/// What a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Private,
    PrivateHuge,
    File,
    FileHuge,
    Zero,
    Swapped,
}

impl Kind {
    pub const ALL: [Kind; 6] = [
        Kind::Private,
        Kind::PrivateHuge,
        Kind::File,
        Kind::FileHuge,
        Kind::Zero,
        Kind::Swapped,
    ];

    pub const fn ink(self) -> Ink {
        match self {
            Kind::Private => Ink::Private,
            Kind::PrivateHuge => Ink::PrivateHuge,
            Kind::File => Ink::File,
            Kind::FileHuge => Ink::FileHuge,
            Kind::Zero => Ink::Zero,
            Kind::Swapped => Ink::Swapped,
        }
    }

    /// What a legend calls it.
    pub const fn words(self) -> &'static str {
        match self {
            Kind::Private => "private",
            Kind::PrivateHuge => "private, huge pages",
            Kind::File => "files, shared memory",
            Kind::FileHuge => "files, shared memory, huge pages",
            Kind::Zero => "zero pages",
            Kind::Swapped => "in a page file",
        }
    }

    /// Whether a working set counts it.
    pub const fn is_resident(self) -> bool {
        !matches!(self, Kind::Zero | Kind::Swapped)
    }
}

/// Bytes of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals([u64; Kind::ALL.len()]);

impl Totals {
    pub fn of(&self, kind: Kind) -> u64 {
        self.0[kind as usize]
    }

    pub fn add(&mut self, kind: Kind, bytes: u64) {
        self.0[kind as usize] += bytes;
    }

    pub fn add_all(&mut self, other: &Totals) {
        for (sum, bytes) in self.0.iter_mut().zip(other.0) {
            *sum += bytes;
        }
    }

    /// Those that there are some of.
    pub fn kinds(&self) -> impl Iterator<Item = (Kind, u64)> {
        let with = |kind| (kind, self.of(kind));
        Kind::ALL
            .into_iter()
            .map(with)
            .filter(|&(_, bytes)| bytes > 0)
    }

    /// Bytes that are drawn: in memory, or elsewhere but known.
    pub fn known(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Bytes in memory.
    pub fn resident(&self) -> u64 {
        let resident = |(kind, bytes): (Kind, u64)| kind.is_resident().then_some(bytes);
        self.kinds().filter_map(resident).sum()
    }
}
