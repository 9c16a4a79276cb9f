//! The address space that a picture shows, independent of its source.

use crate::picture::page_kind::PageKind;

/// An address space at one time, or its changes between two times.
#[derive(Debug)]
pub struct AddressSpace {
    pub subject: Subject,
    /// The name and the process id, for the title of the picture.
    pub title: String,
    /// Lines below the title: the time, and figures about the whole address space.
    pub summary: Vec<String>,
    pub page_size: u64,
    /// By ascending address.
    pub regions: Vec<Region>,
    /// By ascending address, each within one region.
    pub segments: Vec<Segment>,
    /// Sentences for the end of the picture, such as facts that could not be determined.
    pub notes: Vec<&'static str>,
}

/// Whether the kinds of pages are states or changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    WorkingSet,
    Difference,
}

impl AddressSpace {
    /// Adds pages above all others. They belong to one region.
    pub fn push(&mut self, pages: Segment) {
        let regions = &mut self.regions;
        let index = regions.partition_point(|region| region.end <= pages.start);
        let region = &mut regions[index];
        region
            .totals
            .add(pages.kind, pages.end - pages.start, pages.locked);
        match self.segments.last_mut() {
            Some(last)
                if (last.end, last.kind, last.locked)
                    == (pages.start, pages.kind, pages.locked)
                    && pages.start > region.start =>
            {
                last.end = pages.end;
            }
            _ => self.segments.push(pages),
        }
    }

    /// Returns the size of all mappings.
    pub fn mapped(&self) -> u64 {
        self.regions.iter().map(Region::size).sum()
    }

    /// Returns the pages of all mappings.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for region in &self.regions {
            totals.add_all(&region.totals);
        }
        totals
    }

    /// Returns the segments that overlap a region.
    pub fn segments_in(&self, region: &Region) -> &[Segment] {
        let all = &self.segments;
        let first = all.partition_point(|segment| segment.end <= region.start);
        let end = all.partition_point(|segment| segment.start < region.end);
        &all[first..end]
    }
}

/// A mapping.
#[derive(Debug, Clone)]
pub struct Region {
    pub start: u64,
    pub end: u64,
    /// The file or other backing, without control characters.
    pub name: String,
    /// The permissions as in `/proc/PID/maps`, such as `r-xp`.
    pub permissions: String,
    /// Whether the region is backed by a file with a path. Adjacent regions of one file share a
    /// band.
    pub is_file: bool,
    /// Whether the region keeps its own band even if little of it is resident.
    pub is_landmark: bool,
    pub totals: Totals,
}

impl Region {
    pub fn size(&self) -> u64 {
        self.end - self.start
    }

    /// Returns the name, without the directory if it is a path.
    pub fn short_name(&self) -> &str {
        if !self.is_file {
            return &self.name;
        }
        let start = match self.name.starts_with('/') {
            true => self.name.rfind('/'),
            // A saved working set can be of Windows. There, `\u{` is an escape.
            false => {
                let mut separators = self.name.rmatch_indices(['/', '\\']);
                let separator = separators.find(|&(at, _)| !self.name[at..].starts_with("\\u{"));
                separator.map(|(at, _)| at)
            }
        };
        let name = start.map_or("", |at| &self.name[at + 1..]);
        if name.is_empty() { &self.name } else { name }
    }
}

/// Consecutive pages of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    pub start: u64,
    pub end: u64,
    pub kind: PageKind,
    pub locked: bool,
}

/// Bytes by kind of page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    by_kind: [u64; PageKind::ALL.len()],
    /// Locked bytes of all kinds.
    pub locked: u64,
}

impl Totals {
    pub fn add(&mut self, kind: PageKind, bytes: u64, locked: bool) {
        self.by_kind[kind as usize] += bytes;
        if locked {
            self.locked += bytes;
        }
    }

    pub fn add_all(&mut self, other: &Totals) {
        for (sum, bytes) in self.by_kind.iter_mut().zip(other.by_kind) {
            *sum += bytes;
        }
        self.locked += other.locked;
    }

    /// Returns the number of bytes of one kind.
    pub fn bytes(&self, kind: PageKind) -> u64 {
        self.by_kind[kind as usize]
    }

    /// Returns the kinds that occur, with their numbers of bytes.
    pub fn kinds(&self) -> impl Iterator<Item = (PageKind, u64)> {
        let with_bytes = |kind| (kind, self.by_kind[kind as usize]);
        PageKind::ALL
            .into_iter()
            .map(with_bytes)
            .filter(|&(_, bytes)| bytes > 0)
    }

    /// Returns the number of bytes of all kinds.
    pub fn all(&self) -> u64 {
        self.by_kind.iter().sum()
    }

    /// Returns the number of bytes that changed, except for changes of share counts alone.
    pub fn changed(&self) -> u64 {
        [
            PageKind::Added,
            PageKind::Removed,
            PageKind::Replaced,
            PageKind::Changed,
        ]
        .map(|kind| self.bytes(kind))
        .iter()
        .sum()
    }

    /// Returns the number of bytes that the kernel counts as resident.
    pub fn resident(&self) -> u64 {
        let resident = |(kind, bytes): (PageKind, u64)| kind.is_resident().then_some(bytes);
        self.kinds().filter_map(resident).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_name_is_last_part() {
        for (name, is_file, expected) in [
            ("/usr/lib/a\\b.so", true, "a\\b.so"),
            ("/", true, "/"),
            (r"C:\Windows\System32\ntdll.dll", true, "ntdll.dll"),
            (r"C:\a\\u{d800}b.dll", true, r"\u{d800}b.dll"),
            (r"\\server\share\a.dll", true, "a.dll"),
            ("[heap]", false, "[heap]"),
            ("shared/memory", false, "shared/memory"),
        ] {
            let region = Region {
                start: 0,
                end: 4096,
                name: name.to_owned(),
                permissions: String::new(),
                is_file,
                is_landmark: false,
                totals: Totals::default(),
            };
            assert_eq!(region.short_name(), expected, "{name}");
        }
    }
}
