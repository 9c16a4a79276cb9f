//! `MEMORY_WORKING_SET_INFORMATION`: one block for each page of a working set.
//!
//! A block is as wide as a pointer. Its upper bits are the number of the page, and its lower 12
//! bits are attributes, which [`memory_working_set_ex_information`] has in more detail.
//!
//! [`memory_working_set_ex_information`]: super::memory_working_set_ex_information

use super::reader::{Reader, Width};

/// The bits of a block below the number of the page.
const ATTRIBUTES: u64 = (1 << 12) - 1;

/// Returns the addresses of the pages, in the order of the list. A list that is shorter than it
/// claims ends early.
pub(crate) fn addresses(bytes: &[u8], width: Width) -> impl Iterator<Item = u64> {
    let mut fields = Reader::new(bytes, width);
    let mut remaining = fields.size().unwrap_or(0);
    std::iter::from_fn(move || {
        remaining = remaining.checked_sub(1)?;
        fields.size().map(|block| block & !ATTRIBUTES)
    })
}

/// Returns the size in bytes that the whole list takes, from a list that did not fit: the call then
/// stores only the number of entries.
pub(crate) fn needed_size(bytes: &[u8], width: Width) -> Option<usize> {
    let entries = Reader::new(bytes, width).size()?;
    let size = entries.checked_add(1)?.checked_mul(width.bytes() as u64)?;
    size.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(width: Width, entries: u64, blocks: &[u64]) -> Vec<u8> {
        let numbers = std::iter::once(entries).chain(blocks.iter().copied());
        let bytes = numbers.flat_map(|number| number.to_le_bytes()[..width.bytes()].to_vec());
        bytes.collect()
    }

    #[test]
    fn addresses_exclude_attribute_bits() {
        for width in [Width::Bits32, Width::Bits64] {
            let bytes = list(width, 2, &[0x0001_0104, 0xFFFF_EFFF]);
            let found: Vec<u64> = addresses(&bytes, width).collect();
            assert_eq!(found, [0x1_0000, 0xFFFF_E000]);
        }
        let bytes = list(Width::Bits64, 1, &[0x7FFF_FFFE_FABC]);
        let found: Vec<u64> = addresses(&bytes, Width::Bits64).collect();
        assert_eq!(found, [0x7FFF_FFFE_F000]);
    }

    #[test]
    fn truncated_list_ends_early() {
        for width in [Width::Bits32, Width::Bits64] {
            let bytes = list(width, 1000, &[0x1000, 0x2000]);
            assert_eq!(addresses(&bytes, width).count(), 2);
            assert_eq!(needed_size(&bytes, width), Some(1001 * width.bytes()));
            assert_eq!(addresses(&[], width).count(), 0);
            assert_eq!(needed_size(&[], width), None);
        }
        let endless = list(Width::Bits64, u64::MAX, &[]);
        assert_eq!(needed_size(&endless, Width::Bits64), None);
    }

    #[test]
    fn blocks_beyond_list_are_ignored() {
        let bytes = list(Width::Bits64, 1, &[0x1000, 0x2000]);
        assert_eq!(addresses(&bytes, Width::Bits64).count(), 1);
    }
}
