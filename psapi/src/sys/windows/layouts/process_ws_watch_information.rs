//! `PROCESS_WS_WATCH_INFORMATION_EX`: the page faults of a process.
//!
//! The list ends with an entry without an instruction. Its address is the number of faults that
//! were lost because the kernel's buffer was full.

use super::reader::{Reader, Width};

/// A page fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WatchedFault {
    /// The address of the instruction.
    pub(crate) program_counter: u64,
    /// The address that the instruction accessed.
    pub(crate) address: u64,
    pub(crate) thread: u32,
}

/// Returns the faults, and the number of lost ones. A list without its last entry has lost none
/// that are known.
pub(crate) fn parse(bytes: &[u8], width: Width) -> (Vec<WatchedFault>, u64) {
    let mut fields = Reader::new(bytes, width);
    let mut faults = Vec::new();
    while let (Some(program_counter), Some(address), Some(thread), Some(_flags)) =
        (fields.size(), fields.size(), fields.size(), fields.size())
    {
        if program_counter == 0 {
            return (faults, address);
        }
        faults.push(WatchedFault {
            program_counter,
            address,
            thread: thread as u32,
        });
    }
    (faults, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(width: Width, numbers: &[u64]) -> Vec<u8> {
        let bytes = numbers.iter().map(|number| number.to_le_bytes());
        bytes
            .flat_map(|bytes| bytes[..width.bytes()].to_vec())
            .collect()
    }

    #[test]
    fn last_entry_counts_lost_faults() {
        for width in [Width::Bits32, Width::Bits64] {
            let bytes = list(
                width,
                &[
                    0x40_1000,
                    0x7000_0010,
                    12,
                    0,
                    0x40_2000,
                    0x7000_1000,
                    16,
                    1,
                    0,
                    3,
                    0,
                    0,
                    9,
                    9,
                    9,
                    9,
                ],
            );
            let first = WatchedFault {
                program_counter: 0x40_1000,
                address: 0x7000_0010,
                thread: 12,
            };
            let second = WatchedFault {
                program_counter: 0x40_2000,
                address: 0x7000_1000,
                thread: 16,
            };
            assert_eq!(parse(&bytes, width), (vec![first, second], 3));
            // The list was cut within the last entry.
            let cut = &bytes[..9 * width.bytes()];
            assert_eq!(parse(cut, width), (vec![first, second], 0));
            assert_eq!(parse(&[], width), (vec![], 0));
        }
    }
}
