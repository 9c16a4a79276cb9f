//! `SYSTEM_BASIC_INFORMATION`: constants of the machine.

use super::reader::{Reader, Width};

/// The size of the structure in bytes, which the call requires exactly.
pub(crate) const fn size(width: Width) -> usize {
    match width {
        Width::Bits32 => 44,
        Width::Bits64 => 64,
    }
}

/// The longer form.
pub(crate) const MAX_SIZE: usize = size(Width::Bits64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SystemBasicInformation {
    /// In bytes.
    pub(crate) page_size: u32,
    pub(crate) physical_pages: u32,
    pub(crate) minimum_address: u64,
}

impl SystemBasicInformation {
    pub(crate) fn parse(bytes: &[u8], width: Width) -> Option<Self> {
        let mut fields = Reader::new(bytes, width);
        let _reserved = fields.u32()?;
        let _timer_resolution = fields.u32()?;
        let (page_size, physical_pages) = (fields.u32()?, fields.u32()?);
        let _physical_page_numbers = (fields.u32()?, fields.u32()?);
        let _allocation_granularity = fields.u32()?;
        Some(SystemBasicInformation {
            page_size,
            physical_pages,
            minimum_address: fields.size()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::windows::layouts::canned::Canned;

    #[test]
    fn constants_are_parsed_in_both_widths() {
        for (width, minimum) in [(Width::Bits32, 0x1C), (Width::Bits64, 0x20)] {
            let mut bytes = Canned::new(size(width), width);
            bytes.u32(0x08, 4096);
            bytes.u32(0x0C, 1 << 20);
            bytes.size(minimum, 0x1_0000);
            let bytes = bytes.into_bytes();
            let expected = SystemBasicInformation {
                page_size: 4096,
                physical_pages: 1 << 20,
                minimum_address: 0x1_0000,
            };
            assert_eq!(SystemBasicInformation::parse(&bytes, width), Some(expected));
            assert_eq!(
                SystemBasicInformation::parse(&bytes[..minimum], width),
                None
            );
        }
    }
}
