//! `KERNEL_USER_TIMES`: the answer of `ProcessTimes`. All times are in units of 100 ns.

use super::reader::{Reader, Width};

/// The size of the structure in bytes.
pub(crate) const SIZE: usize = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KernelUserTimes {
    /// System time since 1601.
    pub(crate) create: i64,
    /// System time since 1601; 0 while the process runs.
    pub(crate) exit: i64,
    pub(crate) kernel: i64,
    pub(crate) user: i64,
}

impl KernelUserTimes {
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut fields = Reader::new(bytes, Width::NATIVE);
        Some(KernelUserTimes {
            create: fields.i64()?,
            exit: fields.i64()?,
            kernel: fields.i64()?,
            user: fields.i64()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::windows::layouts::canned::Canned;

    #[test]
    fn times_have_documented_order() {
        let mut bytes = Canned::new(SIZE, Width::Bits64);
        for (offset, value) in [(0x00, 5), (0x08, 9), (0x10, 2), (0x18, 1)] {
            bytes.u64(offset, value);
        }
        let bytes = bytes.into_bytes();
        let times = KernelUserTimes {
            create: 5,
            exit: 9,
            kernel: 2,
            user: 1,
        };
        assert_eq!(KernelUserTimes::parse(&bytes), Some(times));
        assert_eq!(KernelUserTimes::parse(&bytes[1..]), None);
    }
}
