//! The records of a `perf_event` ring buffer, as an event of ours writes them.

use perf_event_open_sys::bindings::{
    PERF_RECORD_LOST, PERF_RECORD_SAMPLE, PERF_SAMPLE_ADDR, PERF_SAMPLE_CPU, PERF_SAMPLE_ID,
    PERF_SAMPLE_IP, PERF_SAMPLE_TID, PERF_SAMPLE_TIME,
};

use super::perf_event::{HARD_SAMPLE_TYPE, SAMPLE_TYPE};

/// What every record begins with, `perf_event_header`: its type, flags, and its length.
const HEADER: usize = 8;

/// One of the events happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) ip: u64,
    pub(crate) pid: u32,
    pub(crate) tid: u32,
    pub(crate) time: u64,
    pub(crate) addr: u64,
    /// The event that was opened; those that threads inherit have its id, too.
    pub(crate) id: u64,
    /// It is of the event of hard faults.
    pub(crate) hard: bool,
}

/// A record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Record {
    Sample(Sample),
    /// Some did not fit.
    Lost,
    Other,
}

/// The records in some bytes, which begin with one.
#[derive(Debug, Clone)]
pub(crate) struct Records<'b> {
    rest: &'b [u8],
}

impl<'b> Records<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Records { rest: bytes }
    }

    /// `None`: the record is cut off, or is not as we asked for it.
    fn read(&mut self) -> Option<Record> {
        let mut header = Fields(self.rest);
        let kind = header.u32()?;
        // The lower half of the second word are flags.
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
    /// The fields come in the kernel's order, those that were asked for.
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        const {
            let read = PERF_SAMPLE_IP
                | PERF_SAMPLE_TID
                | PERF_SAMPLE_TIME
                | PERF_SAMPLE_ADDR
                | PERF_SAMPLE_ID;
            assert!(SAMPLE_TYPE == read as u64 && HARD_SAMPLE_TYPE == PERF_SAMPLE_CPU as u64);
        }
        Some(Sample {
            ip: fields.u64()?,
            pid: fields.u32()?,
            tid: fields.u32()?,
            time: fields.u64()?,
            addr: fields.u64()?,
            id: fields.u64()?,
            // The processor is that of the ring buffer; that it is told is what matters.
            hard: fields.u64().is_some(),
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
        Some(record.ok_or("a record is cut off"))
    }
}

/// Numbers one after the other, as this machine writes them.
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

    fn words(words: &[u64]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }

    fn sample(hard: bool) -> Vec<u8> {
        let mut bytes = header(PERF_RECORD_SAMPLE, if hard { 56 } else { 48 });
        bytes.extend(words(&[0x40_1000]));
        bytes.extend(7u32.to_ne_bytes());
        bytes.extend(8u32.to_ne_bytes());
        bytes.extend(words(&[1_000, 0x7f00_0000_0000, 99]));
        if hard {
            bytes.extend(words(&[3]));
        }
        bytes
    }

    #[test]
    fn samples_losses_and_others() {
        let mut bytes = sample(false);
        bytes.extend(header(PERF_RECORD_LOST, 24));
        bytes.extend(words(&[99, 12]));
        bytes.extend(header(5, 16));
        bytes.extend(words(&[0]));
        bytes.extend(sample(true));
        let expected = Sample {
            ip: 0x40_1000,
            pid: 7,
            tid: 8,
            time: 1_000,
            addr: 0x7f00_0000_0000,
            id: 99,
            hard: false,
        };
        let records: Result<Vec<_>, _> = Records::new(&bytes).collect();
        assert_eq!(
            records,
            Ok(vec![
                Record::Sample(expected),
                Record::Lost,
                Record::Other,
                Record::Sample(Sample {
                    hard: true,
                    ..expected
                }),
            ])
        );
    }

    #[test]
    fn every_cut_is_told() {
        let bytes = sample(false);
        for end in 1..bytes.len() {
            let records: Vec<_> = Records::new(&bytes[..end]).collect();
            assert_eq!(records, [Err("a record is cut off")], "cut at {end}");
        }
        // One that claims to be shorter than its own header, or than its fields.
        for size in [0, 7, 8, 47] {
            let mut bytes = sample(false);
            bytes[6..8].copy_from_slice(&u16::to_ne_bytes(size));
            assert!(Records::new(&bytes).any(|record| record.is_err()), "{size}");
        }
    }
}
