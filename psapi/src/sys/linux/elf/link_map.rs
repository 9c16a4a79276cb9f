//! Walks the dynamic linker's list of loaded images: `r_debug` and `link_map` from `link.h`, in the
//! memory of the process. The program can write to that memory, so the content is untrusted.

use crate::sys::linux::elf::header::ElfEncoding;

/// One entry of the list (`struct link_map`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The difference between the addresses in memory and those in the file.
    pub(crate) l_addr: u64,
    /// The address of the dynamic section.
    pub(crate) l_ld: u64,
}

/// Returns the entries of all linker namespaces, starting from `r_debug`; `None` if the list is
/// corrupt.
///
/// `read` copies memory of the process. `limit` returns the largest plausible number of entries
/// and is called only once the list exceeds [`UNCHECKED_LENGTH`]. Each entry must point back to
/// its predecessor, which rules out cycles within a namespace.
pub(crate) fn walk(
    encoding: ElfEncoding,
    r_debug: u64,
    mut read: impl FnMut(u64, &mut [u8]) -> Option<()>,
    limit: impl FnOnce() -> usize,
) -> Option<Vec<Entry>> {
    let mut bound = Bound::Deferred(limit);
    let mut entries = Vec::new();
    let mut lists = 0;
    let mut next = r_debug;
    while next != 0 {
        // int r_version; struct link_map *r_map; r_brk; r_state; r_ldbase; r_next since version 2
        let mut debug = [0; 6 * 8];
        let start = &mut debug[..2 * encoding.word_size()];
        read(next, start)?;
        let version = encoding.u32_at_start(start)?;
        let mut node = encoding.word(start, 1)?;
        next = if version >= 2 {
            let extended = &mut debug[..6 * encoding.word_size()];
            read(next, extended)?;
            encoding.word(extended, 5)?
        } else {
            0
        };
        lists += 1;
        let mut previous = 0;
        while node != 0 {
            // l_addr, l_name, l_ld, l_next, l_prev
            let mut link = [0; 5 * 8];
            let link = &mut link[..5 * encoding.word_size()];
            read(node, link)?;
            if encoding.word(link, 4)? != previous {
                return None;
            }
            entries.push(Entry {
                l_addr: encoding.word(link, 0)?,
                l_ld: encoding.word(link, 2)?,
            });
            previous = node;
            node = encoding.word(link, 3)?;
            bound.check(entries.len())?;
        }
        // Namespaces have no back pointers; only the limit ends a cycle of them.
        bound.check(lists)?;
    }
    Some(entries)
}

/// The number of entries that are read without a limit, because computing the limit is expensive.
pub(crate) const UNCHECKED_LENGTH: usize = 4096;

/// A limit that is computed on first use.
enum Bound<F> {
    Deferred(F),
    Computed(usize),
}

impl<F: FnOnce() -> usize> Bound<F> {
    fn check(&mut self, count: usize) -> Option<()> {
        if count < UNCHECKED_LENGTH {
            return Some(());
        }
        let limit = match std::mem::replace(self, Bound::Computed(0)) {
            Bound::Deferred(limit) => limit(),
            Bound::Computed(limit) => limit,
        };
        *self = Bound::Computed(limit);
        (count <= limit).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use object::Endianness;
    use proptest::prelude::*;

    use super::*;

    /// Memory of a process, by address.
    struct Image {
        encoding: ElfEncoding,
        bytes: BTreeMap<u64, u8>,
    }

    impl Image {
        fn new(is_64_bit: bool) -> Self {
            Image {
                encoding: ElfEncoding::new(is_64_bit, Endianness::Little),
                bytes: BTreeMap::new(),
            }
        }

        fn put(mut self, address: u64, words: &[u64]) -> Self {
            let size = self.encoding.word_size();
            for (word, at) in words.iter().zip((address..).step_by(size)) {
                for (byte, at) in word.to_le_bytes()[..size].iter().zip(at..) {
                    self.bytes.insert(at, *byte);
                }
            }
            self
        }

        fn walk(&self, r_debug: u64, limit: usize) -> Option<Vec<(u64, u64)>> {
            let read = |address: u64, into: &mut [u8]| {
                for (index, byte) in into.iter_mut().enumerate() {
                    *byte = *self.bytes.get(&address.checked_add(index as u64)?)?;
                }
                Some(())
            };
            let entries = walk(self.encoding, r_debug, read, || limit)?;
            Some(entries.iter().map(|e| (e.l_addr, e.l_ld)).collect())
        }
    }

    const DEBUG: u64 = 0x100;

    #[test]
    fn walks_list_of_both_classes() {
        for is_64_bit in [false, true] {
            let image = Image::new(is_64_bit)
                .put(DEBUG, &[1, 0x200, 0, 0, 0])
                .put(0x200, &[0x4000, 0, 0x4e00, 0x300, 0])
                .put(0x300, &[0x9000, 0, 0x9e00, 0x280, 0x200])
                .put(0x280, &[0x6000, 0, 0x6e00, 0, 0x300]);
            assert_eq!(
                image.walk(DEBUG, 9),
                Some(vec![(0x4000, 0x4e00), (0x9000, 0x9e00), (0x6000, 0x6e00)])
            );
        }
    }

    #[test]
    fn includes_other_namespaces() {
        for is_64_bit in [false, true] {
            let image = Image::new(is_64_bit)
                .put(DEBUG, &[2, 0x200, 0, 0, 0, 0x400])
                .put(0x200, &[0x4000, 0, 0x4e00, 0, 0])
                .put(0x400, &[2, 0x300, 0, 0, 0, 0])
                .put(0x300, &[0x9000, 0, 0x9e00, 0, 0]);
            let expected = vec![(0x4000, 0x4e00), (0x9000, 0x9e00)];
            assert_eq!(image.walk(DEBUG, 9), Some(expected));
        }
    }

    #[test]
    fn rejects_corrupt_lists() {
        let good = || Image::new(true).put(DEBUG, &[1, 0x200, 0, 0, 0]);
        let node = [0x4000, 0, 0x4e00, 0x300, 0];
        let cycle = good()
            .put(0x200, &node)
            .put(0x300, &[1, 0, 2, 0x200, 0x200]);
        assert_eq!(cycle.walk(DEBUG, 9), None);
        let own_successor = good().put(0x200, &[1, 0, 2, 0x200, 0]);
        assert_eq!(own_successor.walk(DEBUG, 9), None);
        let wild = good().put(0x200, &node);
        assert_eq!(wild.walk(DEBUG, 9), None);
        assert_eq!(good().walk(u64::MAX, 9), None);
        assert_eq!(good().walk(DEBUG + 1, 9), None);
    }

    #[test]
    fn namespace_cycle_ends_at_limit() {
        let image = Image::new(true).put(DEBUG, &[2, 0, 0, 0, 0, DEBUG]);
        assert_eq!(image.walk(DEBUG, 9), None);
    }

    #[test]
    fn rejects_list_longer_than_limit() {
        let mut image = Image::new(true).put(DEBUG, &[1, 0x1000, 0, 0, 0]);
        for index in 0..5000u64 {
            let at = 0x1000 + index * 64;
            let next = if index < 4999 { at + 64 } else { 0 };
            let previous = if index > 0 { at - 64 } else { 0 };
            image = image.put(at, &[index, 0, index, next, previous]);
        }
        assert_eq!(image.walk(DEBUG, 5000).unwrap().len(), 5000);
        assert_eq!(image.walk(DEBUG, 4999), None);
    }

    proptest! {
        #[test]
        fn walk_of_arbitrary_memory_terminates(
            bytes in proptest::collection::vec(0..12u8, 64..200),
            is_64_bit: bool,
        ) {
            // Small values make pointers that stay inside the memory and often form cycles.
            let read = |address: u64, into: &mut [u8]| {
                let at = usize::try_from(address).ok()?;
                into.copy_from_slice(bytes.get(at..at.checked_add(into.len())?)?);
                Some(())
            };
            walk(ElfEncoding::new(is_64_bit, Endianness::Little), 8, read, || 100);
        }
    }
}
