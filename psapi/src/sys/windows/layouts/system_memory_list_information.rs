//! `SYSTEM_MEMORY_LIST_INFORMATION`: the machine's pages by their use.

use super::reader::{Reader, Width};

/// The size of the structure in bytes, which the call requires exactly.
pub(crate) const fn size(width: Width) -> usize {
    22 * width.bytes()
}

/// The longer form.
pub(crate) const MAX_SIZE: usize = size(Width::Bits64);

/// Returns the number of unused pages, with zeros or without.
pub(crate) fn free_pages(bytes: &[u8], width: Width) -> Option<u64> {
    let mut fields = Reader::new(bytes, width);
    let (zeroed, free) = (fields.size()?, fields.size()?);
    zeroed.checked_add(free)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::windows::layouts::canned::Canned;

    #[test]
    fn zeroed_and_free_pages_are_added() {
        for width in [Width::Bits32, Width::Bits64] {
            let mut bytes = Canned::new(size(width), width);
            bytes.size(0, 100);
            bytes.size(width.bytes(), 23);
            let bytes = bytes.into_bytes();
            assert_eq!(free_pages(&bytes, width), Some(123));
            assert_eq!(free_pages(&bytes[..width.bytes()], width), None);
        }
    }
}
