//! `SYSTEM_PROCESSOR_PERFORMANCE_INFORMATION`: the times of each processor of a group.

use super::reader::{Reader, Width};

/// The size of one entry in bytes.
pub(crate) const SIZE: usize = 48;

/// The times of one processor, in units of 100 ns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ProcessorTimes {
    pub(crate) idle: u64,
    /// The time in the kernel, without the three times that Windows includes in it.
    pub(crate) kernel: u64,
    pub(crate) user: u64,
    pub(crate) deferred: u64,
    pub(crate) interrupts: u64,
}

/// Returns the times of each processor.
pub(crate) fn entries(bytes: &[u8]) -> impl Iterator<Item = ProcessorTimes> + '_ {
    bytes.chunks_exact(SIZE).filter_map(|entry| {
        let mut fields = Reader::new(entry, Width::NATIVE);
        let (idle, kernel, user) = (fields.u64()?, fields.u64()?, fields.u64()?);
        let (deferred, interrupts) = (fields.u64()?, fields.u64()?);
        Some(ProcessorTimes {
            idle,
            kernel: kernel
                .saturating_sub(idle)
                .saturating_sub(deferred)
                .saturating_sub(interrupts),
            user,
            deferred,
            interrupts,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::windows::layouts::canned::Canned;

    #[test]
    fn kernel_time_excludes_idle_time() {
        let mut bytes = Canned::new(2 * SIZE + 7, Width::Bits64);
        for (offset, value) in [
            (0x00, 1000),
            (0x08, 1530),
            (0x10, 200),
            (0x18, 20),
            (0x20, 10),
            (0x38, 5),
        ] {
            bytes.u64(offset, value);
        }
        let times: Vec<_> = entries(&bytes.into_bytes()).collect();
        let first = ProcessorTimes {
            idle: 1000,
            kernel: 500,
            user: 200,
            deferred: 20,
            interrupts: 10,
        };
        let second = ProcessorTimes {
            kernel: 5,
            ..ProcessorTimes::default()
        };
        assert_eq!(times, [first, second]);
    }
}
