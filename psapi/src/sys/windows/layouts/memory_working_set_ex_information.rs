//! `MEMORY_WORKING_SET_EX_INFORMATION`: the attributes of pages at given addresses.
//!
//! An entry is an address and the attributes of its page, both as wide as a pointer. The caller
//! fills in the addresses. The lower 32 bits of the attributes are the same in both widths.

use super::reader::{Reader, Width};
use crate::page::{Page, PageAttributes, Shares};
use crate::working_set::options::ShareScope;

/// Returns the size of an entry in bytes.
pub(crate) const fn entry_size(width: Width) -> usize {
    2 * width.bytes()
}

/// Fills a buffer with entries for as many addresses as fit. Returns the number of bytes used.
pub(crate) fn fill(
    buffer: &mut [u8],
    width: Width,
    addresses: impl IntoIterator<Item = u64>,
) -> usize {
    let mut used = 0;
    let entries = buffer.chunks_exact_mut(entry_size(width));
    for (entry, address) in entries.zip(addresses) {
        entry.fill(0);
        entry[..width.bytes()].copy_from_slice(&address.to_le_bytes()[..width.bytes()]);
        used += entry.len();
    }
    used
}

/// Returns the attributes of each entry.
pub(crate) fn blocks(bytes: &[u8], width: Width) -> impl Iterator<Item = WorkingSetExBlock> {
    bytes.chunks_exact(entry_size(width)).map(move |entry| {
        let mut fields = Reader::new(entry, width);
        let _address = fields.size();
        WorkingSetExBlock(fields.u32().unwrap_or(0))
    })
}

/// The attributes of a page: `MEMORY_WORKING_SET_EX_BLOCK`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WorkingSetExBlock(u32);

/// What the blocks report for each page.
pub(crate) const KNOWN: PageAttributes = PageAttributes::RESIDENT
    .union(PageAttributes::FILE)
    .union(PageAttributes::HUGE)
    .union(PageAttributes::HUGETLB)
    .union(PageAttributes::LOCKED)
    .union(PageAttributes::BAD);

impl WorkingSetExBlock {
    fn bits(self, first: u32, count: u32) -> u32 {
        (self.0 >> first) & ((1 << count) - 1)
    }

    fn has(self, bit: u32) -> bool {
        self.bits(bit, 1) == 1
    }

    fn is_valid(self) -> bool {
        self.has(0)
    }

    /// Returns how many processes share the page, up to 7; 0 if the page is private.
    fn share_count(self) -> u32 {
        self.bits(1, 3)
    }

    fn is_shared(self) -> bool {
        self.has(15)
    }

    fn node(self) -> u16 {
        self.bits(16, 6) as u16
    }

    fn is_locked(self) -> bool {
        self.has(22)
    }

    pub(crate) fn is_large(self) -> bool {
        self.has(23)
    }

    fn is_bad(self) -> bool {
        self.has(31)
    }

    /// Returns the page; `None` if it is not in the working set.
    pub(crate) fn page(self, scope: ShareScope) -> Option<Page> {
        if !self.is_valid() {
            return None;
        }
        let mut attributes = PageAttributes::RESIDENT;
        attributes.set(PageAttributes::FILE, self.is_shared());
        attributes.set(PageAttributes::LOCKED, self.is_locked());
        attributes.set(PageAttributes::BAD, self.is_bad());
        // The counters of a process leave out large pages, as those of Linux leave out hugetlb
        // pages.
        let large = PageAttributes::HUGE | PageAttributes::HUGETLB;
        attributes.set(large, self.is_large());
        let shares = match (scope, self.is_shared()) {
            (ShareScope::None, _) | (ShareScope::Shareable, false) => Shares::NONE,
            // No process shares private pages with another.
            (ShareScope::All, false) => Shares::exactly(1),
            (ShareScope::Shareable | ShareScope::All, true) => match self.share_count() {
                7 => Shares::SEVEN_OR_MORE,
                count => Shares::exactly(count.into()),
            },
        };
        Some(Page {
            attributes,
            node: self.node(),
            shares,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::ShareCount;

    const VALID: u32 = 1;
    const SHARED: u32 = 1 << 15;
    const LOCKED: u32 = 1 << 22;
    const LARGE: u32 = 1 << 23;
    const BAD: u32 = 1 << 31;

    fn page(block: u32) -> Option<Page> {
        WorkingSetExBlock(block).page(ShareScope::Shareable)
    }

    #[test]
    fn entries_hold_addresses_and_attributes() {
        for width in [Width::Bits32, Width::Bits64] {
            let mut buffer = vec![0xAA; 3 * entry_size(width) + 5];
            let used = fill(&mut buffer, width, [0x1000, 0xFFFF_F000]);
            assert_eq!(used, 2 * entry_size(width));
            let mut fields = Reader::new(&buffer, width);
            let numbers = [fields.size(), fields.size(), fields.size(), fields.size()];
            assert_eq!(numbers, [0x1000, 0, 0xFFFF_F000, 0].map(Some));
            assert_eq!(fill(&mut buffer, width, 0..10), 3 * entry_size(width));

            buffer[width.bytes()] = 1;
            let blocks: Vec<_> = blocks(&buffer, width).collect();
            assert_eq!(blocks[..2], [WorkingSetExBlock(1), WorkingSetExBlock(0)]);
            assert_eq!(blocks.len(), 3);
        }
    }

    #[test]
    fn absent_page_has_no_attributes() {
        assert_eq!(page(0), None);
        // The remaining bits of an invalid block have another meaning.
        assert_eq!(page(SHARED | BAD), None);
    }

    #[test]
    fn bits_become_attributes() {
        let attributes = |block| page(VALID | block).unwrap().attributes;
        let resident = PageAttributes::RESIDENT;
        assert_eq!(attributes(0), resident);
        // `Win32Protection`, `Priority` and `Win32GraphicsProtection` have no attribute.
        assert_eq!(attributes(0x7FF << 4 | 0x7 << 24), resident);
        assert_eq!(attributes(SHARED), resident | PageAttributes::FILE);
        assert_eq!(attributes(LOCKED), resident | PageAttributes::LOCKED);
        assert_eq!(attributes(BAD), resident | PageAttributes::BAD);
        let large = PageAttributes::HUGE | PageAttributes::HUGETLB;
        assert_eq!(attributes(LARGE), resident | large);
    }

    #[test]
    fn node_has_six_bits() {
        assert_eq!(page(VALID | 63 << 16).unwrap().node, 63);
        assert_eq!(page(VALID | LOCKED | SHARED).unwrap().node, 0);
    }

    #[test]
    fn share_count_follows_scope() {
        let count = |scope, block| {
            let page = WorkingSetExBlock(VALID | block).page(scope);
            page.unwrap().shares.count()
        };
        let shared = |count: u32| SHARED | count << 1;
        for (scope, block, expected) in [
            (
                ShareScope::Shareable,
                shared(1),
                Some(ShareCount::Exactly(1)),
            ),
            (
                ShareScope::Shareable,
                shared(6),
                Some(ShareCount::Exactly(6)),
            ),
            (
                ShareScope::Shareable,
                shared(7),
                Some(ShareCount::SevenOrMore),
            ),
            // The lowest bit of `Win32Protection` follows.
            (
                ShareScope::Shareable,
                shared(1) | 1 << 4,
                Some(ShareCount::Exactly(1)),
            ),
            (ShareScope::Shareable, shared(0), None),
            (ShareScope::Shareable, 0, None),
            (ShareScope::None, shared(3), None),
            (ShareScope::All, 0, Some(ShareCount::Exactly(1))),
            (ShareScope::All, shared(2), Some(ShareCount::Exactly(2))),
        ] {
            assert_eq!(count(scope, block), expected, "{scope:?} {block:#x}");
        }
    }
}
