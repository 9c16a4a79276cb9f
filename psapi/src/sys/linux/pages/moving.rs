//! Pages that the kernel moves to other frames (migrates) while they are read.
//!
//! Compaction, NUMA balancing and memory offlining replace the page table entry of such a page for
//! microseconds to milliseconds. Meanwhile `pagemap` and `PAGEMAP_SCAN` flag the page as swapped,
//! although it stays in memory and `smaps` counts it as resident. An entry can be flagged as
//! swapped for other reasons, which do not pass by waiting:
//!
//! | the page is | the entry with its swap type | the swap type is hidden |
//! | --- | --- | --- |
//! | being moved | frame number | FILE if it is a file page |
//! | in a page file | number of the page file | – |
//! | absent, write-protected | marker | WRITE_PROTECTED |
//! | absent, in a guard region | marker | GUARD since Linux 6.15 |
//! | broken, or in a device's memory | frame number | FILE if it is a file page |
//!
//! A doubtful entry is therefore read again until it is definite, or until the walk's patience
//! ends. An entry that refers to a frame then counts as resident, but its share count is unknown.
//! Another one stays what it looks like: swapped if its mapping can have swapped pages, and
//! otherwise absent. `smaps` would tell more, but it takes as long as the whole walk.

use super::patience::{Doubt, Patience};
use super::walker::PageWalker;
use crate::error::SourceError;
use crate::page::PageAttributes;
use crate::sys::linux::pages::areas::VmaHints;
use crate::sys::linux::proc::pagemap::PagemapEntry;

/// The facts about the machine that decide whether an entry is doubtful.
#[derive(Debug, Clone, Copy)]
pub(super) struct Machine {
    /// Whether some memory is broken, so that entries can refer to broken frames.
    pub(super) has_bad_memory: bool,
    /// Whether entries of guard pages can lack the guard flag.
    pub(super) hides_guards: bool,
}

impl Machine {
    /// Returns the doubt about an entry in a mapping; `None` if the entry is definite.
    fn doubt(self, hint: &VmaHints, entry: u64) -> Option<Doubt> {
        let flags = PagemapEntry::from_bits_truncate(entry);
        if !flags.contains(PagemapEntry::SWAPPED)
            || flags.intersects(PagemapEntry::PRESENT | PagemapEntry::GUARD)
        {
            return None;
        }
        let stays = if PagemapEntry::is_moving(entry) {
            self.has_bad_memory
        } else if PagemapEntry::has_swap_type(entry) {
            return None;
        } else {
            hint.swaps
                || flags.contains(PagemapEntry::WRITE_PROTECTED)
                || self.hides_guards
                || self.has_bad_memory
        };
        Some(if stays { Doubt::Weak } else { Doubt::Strong })
    }

    /// Reads doubtful entries again until all are definite or the patience ends. `read` reads the
    /// current entries of a part of the block, which starts at an index.
    fn settle<E>(
        self,
        hint: &VmaHints,
        entries: &mut [u64],
        patience: &mut Patience,
        mut read: impl FnMut(usize, &mut [u64]) -> Result<(), E>,
    ) -> Result<(), E> {
        // Nearly all blocks have no such entry. Without branches, the check costs next to nothing.
        let flags = entries.iter().fold(0, |flags, &entry| flags | entry);
        if flags & PagemapEntry::SWAPPED.bits() == 0 {
            return Ok(());
        }
        let mut again = Vec::new();
        for attempt in 0.. {
            let doubt = |&entry: &u64| self.doubt(hint, entry);
            let Some(strongest) = entries.iter().filter_map(doubt).max() else {
                return Ok(());
            };
            let is_doubtful = |entry: &u64| doubt(entry).is_some();
            let first = entries.iter().position(is_doubtful).unwrap_or(0);
            let end = entries
                .iter()
                .rposition(is_doubtful)
                .map_or(0, |last| last + 1);
            let Some(pause) = patience.next_pause(attempt, strongest) else {
                return Ok(());
            };
            std::thread::sleep(pause);
            again.resize(end - first, 0);
            read(first, &mut again)?;
            for (entry, &now) in entries[first..end].iter_mut().zip(&again) {
                if is_doubtful(entry) {
                    if now & PagemapEntry::PRESENT.bits() != 0 {
                        patience.renew();
                    }
                    *entry = now;
                }
            }
        }
        Ok(())
    }
}

impl<F> PageWalker<'_, F> {
    /// Reads doubtful entries of the last block again, for as long as the walk's patience lasts.
    pub(super) fn settle(&mut self, hint: &VmaHints, start: u64) -> Result<(), SourceError> {
        let machine = Machine {
            has_bad_memory: self.request.has_bad_memory,
            hides_guards: self.request.hides_guards,
        };
        let (pagemap, page_size) = (self.request.pagemap, self.request.page_size);
        machine.settle(
            hint,
            &mut self.entries,
            &mut self.patience,
            |first, again| pagemap.read(start + first as u64 * page_size, again),
        )
    }

    /// Returns the attributes that an entry shows.
    pub(super) fn attributes(&self, entry: u64) -> PageAttributes {
        let mut attributes = PagemapEntry::attributes(entry);
        if self.request.has_bad_memory && PagemapEntry::is_moving(entry) {
            // The kernel leaves such entries at pages that it lost.
            attributes.remove(PageAttributes::RESIDENT);
        }
        attributes
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    const PRIVATE: VmaHints = VmaHints {
        start: 0,
        end: 1 << 30,
        has_file: false,
        shared: false,
        swaps: false,
        hugetlb: false,
        locked: false,
        counts: None,
        sparse: false,
    };

    const SWAPS: VmaHints = VmaHints {
        swaps: true,
        ..PRIVATE
    };

    const MACHINE: Machine = Machine {
        has_bad_memory: false,
        hides_guards: false,
    };

    const PRESENT: u64 = 1 << 63;
    const SWAPPED: u64 = 1 << 62;
    const FILE: u64 = 1 << 61;
    const GUARD: u64 = 1 << 58;
    const WRITE_PROTECTED: u64 = 1 << 57;
    const MOVING: u64 = SWAPPED | 0x1234 << 5 | 25;
    const IN_PAGE_FILE: u64 = SWAPPED | 0x1234 << 5;
    const MARKER: u64 = SWAPPED | 1 << 5 | 31;

    /// Settles entries. Every reading returns the same entries. Returns the number of readings.
    fn settle(hint: &VmaHints, entries: &mut [u64], later: &[u64]) -> usize {
        let mut readings = 0;
        let read = |first: usize, again: &mut [u64]| {
            readings += 1;
            again.copy_from_slice(&later[first..first + again.len()]);
            Ok::<_, Infallible>(())
        };
        let settled = MACHINE.settle(hint, entries, &mut Patience::new(), read);
        settled.unwrap();
        readings
    }

    #[test]
    fn definite_entries_are_read_once() {
        for hint in [&PRIVATE, &SWAPS] {
            let definite = [
                0,
                PRESENT | 0x1234,
                IN_PAGE_FILE,
                MARKER,
                MARKER | WRITE_PROTECTED,
                SWAPPED | GUARD,
            ];
            let mut entries = definite;
            assert_eq!(settle(hint, &mut entries, &[PRESENT; 6]), 0);
            assert_eq!(entries, definite);
        }
    }

    #[test]
    fn doubtful_entries_are_read_again() {
        let hidden = SWAPPED;
        for doubtful in [MOVING, hidden, hidden | FILE, hidden | WRITE_PROTECTED] {
            for hint in [&PRIVATE, &SWAPS] {
                // Definite entries keep the state of the first reading.
                let mut entries = [PRESENT | 1, doubtful, MARKER, doubtful, PRESENT | 4];
                let later = [0, PRESENT | 2, 0, 0, 0];
                assert_eq!(settle(hint, &mut entries, &later), 1);
                assert_eq!(entries, [PRESENT | 1, PRESENT | 2, MARKER, 0, PRESENT | 4]);
            }
        }
    }

    #[test]
    fn lasting_doubt_ends() {
        let weak = settle(&SWAPS, &mut [SWAPPED], &[SWAPPED]);
        let protected = SWAPPED | WRITE_PROTECTED;
        assert_eq!(settle(&PRIVATE, &mut [protected], &[protected]), weak);
        let mut moving = [MOVING, SWAPPED];
        let strong = settle(&SWAPS, &mut moving, &[MOVING, SWAPPED]);
        assert_eq!(moving, [MOVING, SWAPPED]);
        assert!(0 < weak && weak < strong && strong < 100, "{weak} {strong}");
        let bad_memory = Machine {
            has_bad_memory: true,
            ..MACHINE
        };
        let hides_guards = Machine {
            hides_guards: true,
            ..MACHINE
        };
        assert_eq!(bad_memory.doubt(&PRIVATE, MOVING), Some(Doubt::Weak));
        assert_eq!(hides_guards.doubt(&PRIVATE, SWAPPED), Some(Doubt::Weak));
        assert_eq!(MACHINE.doubt(&PRIVATE, SWAPPED), Some(Doubt::Strong));
    }
}
