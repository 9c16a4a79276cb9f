//! The dynamic linker's own list of what it loaded: `r_debug` and `link_map` of `link.h`, in the
//! memory of the process. Anything may stand there: it is the program's memory.

use super::elf::Words;

/// One entry of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The difference between the addresses in the file and those in memory.
    pub(crate) l_addr: u64,
    /// Where its dynamic section is.
    pub(crate) l_ld: u64,
}

/// Walks the list from `r_debug`, all namespaces of the linker one after the other.
///
/// `read` delivers memory; `limit` says, once the list turns out long, how many entries there can
/// be at most. `None`: the list is corrupt. Each entry names the one before it, too, and only an
/// entry that does so truly is taken: that excludes cycles.
pub(crate) fn walk(
    words: Words,
    r_debug: u64,
    mut read: impl FnMut(u64, &mut [u8]) -> Option<()>,
    limit: impl FnOnce() -> usize,
) -> Option<Vec<Entry>> {
    let mut bound = Bound::Later(limit);
    let mut entries = Vec::new();
    let mut lists = 0;
    let mut next = r_debug;
    while next != 0 {
        // int r_version; struct link_map *r_map; r_brk; r_state; r_ldbase; r_next since version 2
        let mut debug = [0; 6 * 8];
        let known = &mut debug[..2 * words.size()];
        read(next, known)?;
        let version = words.first_int(known);
        let mut node = words.get(known, 1)?;
        next = if version >= 2 {
            let extended = &mut debug[..6 * words.size()];
            read(next, extended)?;
            words.get(extended, 5)?
        } else {
            0
        };
        lists += 1;
        let mut previous = 0;
        while node != 0 {
            // l_addr, l_name, l_ld, l_next, l_prev
            let mut link = [0; 5 * 8];
            let link = &mut link[..5 * words.size()];
            read(node, link)?;
            if words.get(link, 4)? != previous {
                return None;
            }
            entries.push(Entry {
                l_addr: words.get(link, 0)?,
                l_ld: words.get(link, 2)?,
            });
            previous = node;
            node = words.get(link, 3)?;
            bound.check(entries.len())?;
        }
        bound.check(lists)?;
    }
    Some(entries)
}

/// How long a list is walked before its bound is found out, which costs.
pub(crate) const LONG: usize = 4096;

enum Bound<F> {
    Later(F),
    Known(usize),
}

impl<F: FnOnce() -> usize> Bound<F> {
    fn check(&mut self, count: usize) -> Option<()> {
        if count < LONG {
            return Some(());
        }
        let most = match std::mem::replace(self, Bound::Known(0)) {
            Bound::Later(limit) => limit(),
            Bound::Known(most) => most,
        };
        *self = Bound::Known(most);
        (count <= most).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use object::Endianness;
    use proptest::prelude::*;

    use super::*;

    /// A memory of words.
    struct Image {
        words: Words,
        bytes: BTreeMap<u64, u8>,
    }

    impl Image {
        fn new(is_64_bit: bool) -> Self {
            Image {
                words: Words::new(is_64_bit, Endianness::Little),
                bytes: BTreeMap::new(),
            }
        }

        fn put(mut self, address: u64, words: &[u64]) -> Self {
            let size = self.words.size();
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
            let entries = walk(self.words, r_debug, read, || limit)?;
            Some(entries.iter().map(|e| (e.l_addr, e.l_ld)).collect())
        }
    }

    const DEBUG: u64 = 0x100;

    #[test]
    fn entries_come_in_order_in_both_classes() {
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
    fn further_namespaces_follow() {
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
    fn a_corrupt_list_is_none() {
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
    fn namespaces_in_a_cycle_end_at_the_limit() {
        let image = Image::new(true).put(DEBUG, &[2, 0, 0, 0, 0, DEBUG]);
        assert_eq!(image.walk(DEBUG, 9), None);
    }

    #[test]
    fn a_list_longer_than_can_be_is_none() {
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
        fn any_memory_ends_the_walk(bytes in proptest::collection::vec(0..12u8, 64..200), is_64_bit: bool) {
            // Few and small values: pointers that point into the memory, cycles included.
            let read = |address: u64, into: &mut [u8]| {
                let at = usize::try_from(address).ok()?;
                into.copy_from_slice(bytes.get(at..at.checked_add(into.len())?)?);
                Some(())
            };
            walk(Words::new(is_64_bit, Endianness::Little), 8, read, || 100);
        }
    }
}
