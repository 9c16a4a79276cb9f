//! `SYSTEM_PERFORMANCE_INFORMATION`: the memory of the machine, in pages.

use super::reader::{Reader, Width};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SystemPerformanceInformation {
    pub(crate) available: u32,
    pub(crate) committed: u32,
    pub(crate) commit_limit: u32,
    pub(crate) peak_commitment: u32,
    pub(crate) paged_pool: u32,
    pub(crate) nonpaged_pool: u32,
}

impl SystemPerformanceInformation {
    /// Parses the start of the structure, which newer systems made longer.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut fields = Reader::new(bytes, Width::NATIVE);
        let _idle_time = fields.i64()?;
        let _io_bytes = (fields.i64()?, fields.i64()?, fields.i64()?);
        let _io_operations = (fields.u32()?, fields.u32()?, fields.u32()?);
        let (available, committed) = (fields.u32()?, fields.u32()?);
        let (commit_limit, peak_commitment) = (fields.u32()?, fields.u32()?);
        // Page faults by their kinds, and pages read and written.
        fields.skip(13 * size_of::<u32>());
        Some(SystemPerformanceInformation {
            available,
            committed,
            commit_limit,
            peak_commitment,
            paged_pool: fields.u32()?,
            nonpaged_pool: fields.u32()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::windows::layouts::canned::Canned;

    #[test]
    fn pages_are_parsed() {
        let mut bytes = Canned::new(0x138, Width::Bits64);
        for (offset, value) in [
            (0x2C, 1),
            (0x30, 2),
            (0x34, 3),
            (0x38, 4),
            (0x70, 5),
            (0x74, 6),
        ] {
            bytes.u32(offset, value);
        }
        let bytes = bytes.into_bytes();
        let expected = SystemPerformanceInformation {
            available: 1,
            committed: 2,
            commit_limit: 3,
            peak_commitment: 4,
            paged_pool: 5,
            nonpaged_pool: 6,
        };
        assert_eq!(SystemPerformanceInformation::parse(&bytes), Some(expected));
        assert_eq!(SystemPerformanceInformation::parse(&bytes[..0x77]), None);
    }
}
