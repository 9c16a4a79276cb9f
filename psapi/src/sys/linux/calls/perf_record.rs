//! The records of a `perf_event` ring buffer, in the layout that the events of `perf_event.rs`
//! select.

use perf_event_open_sys::bindings::{
    PERF_RECORD_LOST, PERF_RECORD_SAMPLE, PERF_SAMPLE_ADDR, PERF_SAMPLE_CPU, PERF_SAMPLE_ID,
    PERF_SAMPLE_IP, PERF_SAMPLE_TID, PERF_SAMPLE_TIME,
};

use crate::sys::linux::calls::perf_event::{MAJOR_SAMPLE_TYPE, SAMPLE_TYPE};

/// The size of `perf_event_header`, which starts every record: type, flags and length.
const HEADER: usize = 8;

/// A recorded page fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) ip: u64,
    pub(crate) pid: u32,
    pub(crate) tid: u32,
    pub(crate) time: u64,
    pub(crate) addr: u64,
    /// The id of the opened event, which inherited events share.
    pub(crate) id: u64,
    /// Whether the event for major faults recorded it.
    pub(crate) major: bool,
}

/// A record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Record {
    Sample(Sample),
    /// Some records did not fit.
    Lost,
    Other,
}

/// An iterator over records. The bytes start at the beginning of a record.
#[derive(Debug, Clone)]
pub(crate) struct Records<'b> {
    rest: &'b [u8],
}

impl<'b> Records<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Records { rest: bytes }
    }

    /// Reads the next record. `None` if it is truncated or does not have the expected layout.
    fn read(&mut self) -> Option<Record> {
        let mut header = Fields(self.rest);
        let kind = header.u32()?;
        // The flags precede the length.
        let size = usize::from(header.u16().and_then(|_| header.u16())?);
        let (record, rest) = self.rest.split_at_checked(size)?;
        let mut fields = Fields(record.get(HEADER..)?);
        self.rest = rest;
        Some(match kind {
            PERF_RECORD_SAMPLE => Record::Sample(Sample::read(&mut fields)?),
            PERF_RECORD_LOST => Record::Lost,
            _ => Record::Other,
        })
    }
}

impl Sample {
    /// Reads the selected fields, which are in the kernel's fixed order.
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        const {
            let read = PERF_SAMPLE_IP
                | PERF_SAMPLE_TID
                | PERF_SAMPLE_TIME
                | PERF_SAMPLE_ADDR
                | PERF_SAMPLE_ID;
            assert!(SAMPLE_TYPE == read as u64 && MAJOR_SAMPLE_TYPE == PERF_SAMPLE_CPU as u64);
        }
        Some(Sample {
            ip: fields.u64()?,
            pid: fields.u32()?,
            tid: fields.u32()?,
            time: fields.u64()?,
            addr: fields.u64()?,
            id: fields.u64()?,
            // Only the presence of the CPU field matters. The ring buffer implies its value.
            major: fields.u64().is_some(),
        })
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Record, &'static str>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let record = self.read();
        if record.is_none() {
            self.rest = &[];
        }
        Some(record.ok_or("truncated record"))
    }
}

/// A reader of consecutive integers in native byte order.
struct Fields<'b>(&'b [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_ne_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_ne_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_ne_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(kind: u32, size: u16) -> Vec<u8> {
        let mut bytes = kind.to_ne_bytes().to_vec();
        bytes.extend(2u16.to_ne_bytes());
        bytes.extend(size.to_ne_bytes());
        bytes
    }

    fn u64s(values: &[u64]) -> Vec<u8> {
        values
            .iter()
            .flat_map(|value| value.to_ne_bytes())
            .collect()
    }

    fn sample(major: bool) -> Vec<u8> {
        let mut bytes = header(PERF_RECORD_SAMPLE, if major { 56 } else { 48 });
        bytes.extend(u64s(&[0x40_1000]));
        bytes.extend(7u32.to_ne_bytes());
        bytes.extend(8u32.to_ne_bytes());
        bytes.extend(u64s(&[1_000, 0x7f00_0000_0000, 99]));
        if major {
            bytes.extend(u64s(&[3]));
        }
        bytes
    }

    #[test]
    fn parses_all_kinds_of_records() {
        let mut bytes = sample(false);
        bytes.extend(header(PERF_RECORD_LOST, 24));
        bytes.extend(u64s(&[99, 12]));
        bytes.extend(header(5, 16));
        bytes.extend(u64s(&[0]));
        bytes.extend(sample(true));
        let expected = Sample {
            ip: 0x40_1000,
            pid: 7,
            tid: 8,
            time: 1_000,
            addr: 0x7f00_0000_0000,
            id: 99,
            major: false,
        };
        let records: Result<Vec<_>, _> = Records::new(&bytes).collect();
        assert_eq!(
            records,
            Ok(vec![
                Record::Sample(expected),
                Record::Lost,
                Record::Other,
                Record::Sample(Sample {
                    major: true,
                    ..expected
                }),
            ])
        );
    }

    #[test]
    fn truncated_records_are_errors() {
        let bytes = sample(false);
        for end in 1..bytes.len() {
            let records: Vec<_> = Records::new(&bytes[..end]).collect();
            assert_eq!(records, [Err("truncated record")], "cut at {end}");
        }
        // A length shorter than the header, or than the fields.
        for size in [0, 7, 8, 47] {
            let mut bytes = sample(false);
            bytes[6..8].copy_from_slice(&u16::to_ne_bytes(size));
            assert!(Records::new(&bytes).any(|record| record.is_err()), "{size}");
        }
    }
}
