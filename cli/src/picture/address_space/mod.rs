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
    /// What could not be told, in sentences.
    pub untold: Vec<&'static str>,
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

/// Pages that are alike, one after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    pub start: u64,
    pub end: u64,
    pub kind: Kind,
    /// Whether they may not leave memory.
    pub locked: bool,
}

/// What a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Private,
    PrivateHuge,
    /// Private, but not written to since a fork.
    Forked,
    File,
    /// Of a file or shared memory, and mapped more than once.
    Shared,
    Hugetlb,
    Device,
    Zero,
    Swapped,
    Guard,
}

impl Kind {
    pub const ALL: [Kind; 10] = [
        Kind::Private,
        Kind::PrivateHuge,
        Kind::Forked,
        Kind::File,
        Kind::Shared,
        Kind::Hugetlb,
        Kind::Device,
        Kind::Zero,
        Kind::Swapped,
        Kind::Guard,
    ];

    pub const fn ink(self) -> Ink {
        match self {
            Kind::Private => Ink::Private,
            Kind::PrivateHuge => Ink::PrivateHuge,
            Kind::Forked => Ink::Forked,
            Kind::File => Ink::File,
            Kind::Shared => Ink::Shared,
            Kind::Hugetlb => Ink::Hugetlb,
            Kind::Device => Ink::Device,
            Kind::Zero => Ink::Zero,
            Kind::Swapped => Ink::Swapped,
            Kind::Guard => Ink::Guard,
        }
    }

    /// What a legend calls it.
    pub const fn words(self) -> &'static str {
        match self {
            Kind::Private => "private",
            Kind::PrivateHuge => "private, huge pages",
            Kind::Forked => "private, shared with a fork",
            Kind::File => "files, shared memory: mapped once",
            Kind::Shared => "files, shared memory: mapped repeatedly",
            Kind::Hugetlb => "hugetlb pages",
            Kind::Device => "device memory",
            Kind::Zero => "zero pages",
            Kind::Swapped => "in a page file",
            Kind::Guard => "guards",
        }
    }

    /// Whether the process's counters call it resident.
    pub const fn is_resident(self) -> bool {
        matches!(
            self,
            Kind::Private | Kind::PrivateHuge | Kind::Forked | Kind::File | Kind::Shared
        )
    }
}

/// Bytes of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    kinds: [u64; Kind::ALL.len()],
    /// Of all these, what may not leave memory.
    pub locked: u64,
}

impl Totals {
    pub fn add(&mut self, kind: Kind, bytes: u64, locked: bool) {
        self.kinds[kind as usize] += bytes;
        if locked {
            self.locked += bytes;
        }
    }

    pub fn of(&self, kind: Kind) -> u64 {
        self.kinds[kind as usize]
    }

    pub fn add_all(&mut self, other: &Totals) {
        for (sum, bytes) in self.kinds.iter_mut().zip(other.kinds) {
            *sum += bytes;
        }
        self.locked += other.locked;
    }

    /// Those that there are some of.
    pub fn kinds(&self) -> impl Iterator<Item = (Kind, u64)> {
        let with = |kind| (kind, self.kinds[kind as usize]);
        Kind::ALL
            .into_iter()
            .map(with)
            .filter(|&(_, bytes)| bytes > 0)
    }

    /// Bytes that something is known of, and so are drawn.
    pub fn known(&self) -> u64 {
        self.kinds.iter().sum()
    }

    /// Bytes in memory, as the process's counters have it.
    pub fn resident(&self) -> u64 {
        let resident = |(kind, bytes): (Kind, u64)| kind.is_resident().then_some(bytes);
        self.kinds().filter_map(resident).sum()
    }
}
