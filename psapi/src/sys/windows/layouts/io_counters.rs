//! `IO_COUNTERS`: the answer of `ProcessIoCounters`.

use super::reader::Reader;

/// The size of the structure in bytes.
pub(crate) const SIZE: usize = 48;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IoCounters {
    pub(crate) reads: u64,
    pub(crate) writes: u64,
    pub(crate) others: u64,
    pub(crate) read_bytes: u64,
    pub(crate) written_bytes: u64,
    pub(crate) other_bytes: u64,
}

impl IoCounters {
    /// Reads the fields, at the place of the reader.
    pub(crate) fn read(fields: &mut Reader<'_>) -> Option<Self> {
        Some(IoCounters {
            reads: fields.u64()?,
            writes: fields.u64()?,
            others: fields.u64()?,
            read_bytes: fields.u64()?,
            written_bytes: fields.u64()?,
            other_bytes: fields.u64()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::windows::layouts::canned::Canned;
    use crate::sys::windows::layouts::reader::Width;

    #[test]
    fn counts_precede_bytes() {
        let mut bytes = Canned::new(SIZE, Width::Bits32);
        for (index, offset) in [0x00, 0x08, 0x10, 0x18, 0x20, 0x28].into_iter().enumerate() {
            bytes.u64(offset, 1 << (8 * index));
        }
        let bytes = bytes.into_bytes();
        let counters = IoCounters {
            reads: 1,
            writes: 1 << 8,
            others: 1 << 16,
            read_bytes: 1 << 24,
            written_bytes: 1 << 32,
            other_bytes: 1 << 40,
        };
        let read = |bytes| IoCounters::read(&mut Reader::new(bytes, Width::Bits32));
        assert_eq!(read(&bytes), Some(counters));
        assert_eq!(read(&bytes[1..]), None);
    }
}
