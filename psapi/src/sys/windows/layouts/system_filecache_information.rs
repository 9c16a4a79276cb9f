//! `SYSTEM_FILECACHE_INFORMATION`: the system's cache of files, in pages where it includes pages in
//! transition.

use super::reader::{Reader, Width};

/// The size of the structure in bytes.
pub(crate) const fn size(width: Width) -> usize {
    match width {
        Width::Bits32 => 36,
        Width::Bits64 => 64,
    }
}

/// The longer form.
pub(crate) const MAX_SIZE: usize = size(Width::Bits64);

/// Returns the pages of the cache, including those in transition.
pub(crate) fn pages(bytes: &[u8], width: Width) -> Option<u64> {
    let mut fields = Reader::new(bytes, width);
    let _current_and_peak_size = (fields.size()?, fields.size()?);
    let _page_faults = fields.u32()?;
    let _minimum_and_maximum = (fields.size()?, fields.size()?);
    fields.size()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::windows::layouts::canned::Canned;

    #[test]
    fn pages_follow_limits_in_both_widths() {
        for (width, offset) in [(Width::Bits32, 0x14), (Width::Bits64, 0x28)] {
            let mut bytes = Canned::new(size(width), width);
            bytes.size(offset, 1234);
            let bytes = bytes.into_bytes();
            assert_eq!(pages(&bytes, width), Some(1234));
            assert_eq!(pages(&bytes[..offset], width), None);
        }
    }
}
