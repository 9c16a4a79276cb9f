//! `PEB`: the process environment block, at the address that `ProcessBasicInformation` reports.

use super::reader::{Reader, Width};

/// The number of bytes that contain the fields below, in either width.
pub(crate) const SIZE: usize = 0x20;

/// The start of the block, as far as it is used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Peb {
    /// The address at which the program is mapped.
    pub(crate) image_base: u64,
    /// The address of the loader's data; 0 until the loader has started.
    pub(crate) ldr: u64,
}

impl Peb {
    /// Parses the block; `None` if it is truncated.
    pub(crate) fn parse(bytes: &[u8], width: Width) -> Option<Self> {
        let mut fields = Reader::new(bytes, width);
        let _flags = fields.u32()?;
        let _mutant = fields.size()?;
        Some(Peb {
            image_base: fields.size()?,
            ldr: fields.size()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_blocks_of_both_widths() {
        let mut bytes = [0xAA; SIZE];
        bytes[0x10..0x18].copy_from_slice(&0x1_4000_0000_u64.to_le_bytes());
        bytes[0x18..0x20].copy_from_slice(&0x7FFE_0000_1000_u64.to_le_bytes());
        let expected = Peb {
            image_base: 0x1_4000_0000,
            ldr: 0x7FFE_0000_1000,
        };
        assert_eq!(Peb::parse(&bytes, Width::Bits64), Some(expected));
        assert_eq!(Peb::parse(&bytes[..0x1F], Width::Bits64), None);

        bytes[0x08..0x0C].copy_from_slice(&0x40_0000_u32.to_le_bytes());
        bytes[0x0C..0x10].copy_from_slice(&0x7FE0_1000_u32.to_le_bytes());
        let expected = Peb {
            image_base: 0x40_0000,
            ldr: 0x7FE0_1000,
        };
        assert_eq!(Peb::parse(&bytes, Width::Bits32), Some(expected));
    }
}
