//! `MEMORY_BASIC_INFORMATION`: a range of pages with the same state, protection and origin.

use super::page_protection::PageProtection;
use super::reader::{Reader, Width};

/// The size of the structure, in bytes; less with pointers of 32 bits.
pub(crate) const SIZE: usize = 48;

/// A range of pages of an address space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MemoryBasicInformation {
    pub(crate) base: u64,
    pub(crate) size: u64,
    /// The first address that was reserved together with this range; 0 if the range is free.
    pub(crate) allocation_base: u64,
    /// The protection that the range had when it was reserved.
    pub(crate) allocation_protection: PageProtection,
    pub(crate) state: MemoryState,
    /// The protection now.
    pub(crate) protection: PageProtection,
    /// The origin of the memory; `None` if the range is free.
    pub(crate) kind: Option<MemoryKind>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MemoryState {
    /// `MEM_COMMIT`.
    Committed,
    /// `MEM_RESERVE`: address space without memory.
    Reserved,
    /// `MEM_FREE`, and every state that is unknown here.
    Free,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MemoryKind {
    /// `MEM_IMAGE`: a view of a section of an image file.
    Image,
    /// `MEM_MAPPED`: a view of another section.
    Mapped,
    /// `MEM_PRIVATE`.
    Private,
}

impl MemoryBasicInformation {
    /// Parses the structure. `None` if it is truncated, or if its range is empty or has no end.
    pub(crate) fn parse(bytes: &[u8], width: Width) -> Option<Self> {
        const MEM_COMMIT: u32 = 0x1000;
        const MEM_RESERVE: u32 = 0x2000;
        const MEM_PRIVATE: u32 = 0x2_0000;
        const MEM_MAPPED: u32 = 0x4_0000;
        const MEM_IMAGE: u32 = 0x100_0000;
        let mut fields = Reader::new(bytes, width);
        let (base, allocation_base) = (fields.size()?, fields.size()?);
        // With pointers of 64 bits, `PartitionId` is in the gap before the next field.
        let allocation_protection = fields.u32()?.into();
        let size = fields.size()?;
        let (state, protection, kind) = (fields.u32()?, fields.u32()?, fields.u32()?);
        base.checked_add(size).filter(|&end| end > base)?;
        Some(MemoryBasicInformation {
            base,
            size,
            allocation_base,
            allocation_protection,
            state: match state {
                MEM_COMMIT => MemoryState::Committed,
                MEM_RESERVE => MemoryState::Reserved,
                _ => MemoryState::Free,
            },
            protection: protection.into(),
            kind: match kind {
                MEM_IMAGE => Some(MemoryKind::Image),
                MEM_MAPPED => Some(MemoryKind::Mapped),
                MEM_PRIVATE => Some(MemoryKind::Private),
                _ => None,
            },
        })
    }

    /// Returns the first address after the range.
    pub(crate) fn end(&self) -> u64 {
        self.base + self.size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The heap of a program: reserved as `PAGE_READWRITE`, and committed in part.
    const BITS64: [u8; SIZE] = [
        0x00, 0x10, 0x41, 0x00, 0x01, 0x00, 0x00, 0x00, // BaseAddress
        0x00, 0x00, 0x41, 0x00, 0x01, 0x00, 0x00, 0x00, // AllocationBase
        0x04, 0x00, 0x00, 0x00, 0x00, 0x00, 0xAA, 0xAA, // AllocationProtect, PartitionId
        0x00, 0x30, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // RegionSize
        0x00, 0x10, 0x00, 0x00, 0x04, 0x01, 0x00, 0x00, // State, Protect
        0x00, 0x00, 0x02, 0x00, 0xAA, 0xAA, 0xAA, 0xAA, // Type
    ];
    const BITS32: [u8; 28] = [
        0x00, 0x10, 0x41, 0x00, 0x00, 0x00, 0x41, 0x00, 0x80, 0x00, 0x00, 0x00, // to Protect
        0x00, 0x30, 0x00, 0x00, 0x00, 0x20, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // to Protect
        0x00, 0x00, 0x00, 0x01, // Type
    ];

    #[test]
    fn parses_structures_of_both_widths() {
        let heap = MemoryBasicInformation::parse(&BITS64, Width::Bits64).unwrap();
        assert_eq!((heap.base, heap.end()), (0x1_0041_1000, 0x1_0041_4000));
        assert_eq!(heap.allocation_base, 0x1_0041_0000);
        assert_eq!(heap.allocation_protection, 0x04.into());
        assert_eq!(heap.state, MemoryState::Committed);
        assert_eq!(heap.protection, 0x104.into());
        assert_eq!(heap.kind, Some(MemoryKind::Private));
        let image = MemoryBasicInformation::parse(&BITS32, Width::Bits32).unwrap();
        assert_eq!((image.base, image.end()), (0x41_1000, 0x41_4000));
        assert_eq!(image.allocation_base, 0x41_0000);
        assert_eq!(image.allocation_protection, 0x80.into());
        assert_eq!(image.state, MemoryState::Reserved);
        assert_eq!(image.protection, 0.into());
        assert_eq!(image.kind, Some(MemoryKind::Image));
    }

    #[test]
    fn states_and_types_have_documented_values() {
        let parse = |state: u32, kind: u32| {
            let mut bytes = BITS32;
            bytes[16..20].copy_from_slice(&state.to_le_bytes());
            bytes[24..28].copy_from_slice(&kind.to_le_bytes());
            let region = MemoryBasicInformation::parse(&bytes, Width::Bits32).unwrap();
            (region.state, region.kind)
        };
        use MemoryKind::{Image, Mapped, Private};
        use MemoryState::{Committed, Free, Reserved};
        assert_eq!(parse(0x1000, 0x2_0000), (Committed, Some(Private)));
        assert_eq!(parse(0x2000, 0x4_0000), (Reserved, Some(Mapped)));
        assert_eq!(parse(0x1000, 0x100_0000), (Committed, Some(Image)));
        assert_eq!(parse(0x1_0000, 0), (Free, None));
    }

    #[test]
    fn truncated_or_endless_range_is_none() {
        for length in 0..44 {
            let bytes = &BITS64[..length];
            assert_eq!(MemoryBasicInformation::parse(bytes, Width::Bits64), None);
        }
        let mut endless = BITS64;
        endless[24..32].fill(0xFF);
        assert_eq!(MemoryBasicInformation::parse(&endless, Width::Bits64), None);
        endless[24..32].fill(0);
        assert_eq!(MemoryBasicInformation::parse(&endless, Width::Bits64), None);
    }
}
