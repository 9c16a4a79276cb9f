//! `SYSTEM_TIMEOFDAY_INFORMATION`: the clock, in units of 100 ns.

use super::reader::{Reader, Width};

/// The size of the structure in bytes, which the call requires at most.
pub(crate) const SIZE: usize = 48;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SystemTimeOfDayInformation {
    /// System time since 1601, moved when the clock is set.
    boot: i64,
    /// How far [`boot`](Self::boot) was moved.
    boot_bias: i64,
    /// System time since 1601.
    pub(crate) current: i64,
}

impl SystemTimeOfDayInformation {
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut fields = Reader::new(bytes, Width::NATIVE);
        let (boot, current) = (fields.i64()?, fields.i64()?);
        let _time_zone_bias = fields.i64()?;
        let (_time_zone_id, _reserved) = (fields.u32()?, fields.u32()?);
        Some(SystemTimeOfDayInformation {
            boot,
            boot_bias: fields.i64()?,
            current,
        })
    }

    /// Returns the system time of the boot, as the clock had it then. It stays the same when the
    /// clock is set.
    pub(crate) fn boot_as_recorded(&self) -> i64 {
        self.boot.wrapping_sub(self.boot_bias)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::windows::layouts::canned::Canned;

    #[test]
    fn set_clock_leaves_boot_time() {
        let mut bytes = Canned::new(SIZE, Width::Bits64);
        bytes.u64(0x00, 1_000_000);
        bytes.u64(0x08, 9_000_000);
        let parse = |bytes: &Canned| {
            SystemTimeOfDayInformation::parse(&bytes.clone().into_bytes()).unwrap()
        };
        let before = parse(&bytes);
        assert_eq!(
            (before.boot_as_recorded(), before.current),
            (1_000_000, 9_000_000)
        );
        // The clock was set back by 200,000.
        bytes.u64(0x00, 800_000);
        bytes.u64(0x20, (-200_000_i64).cast_unsigned());
        assert_eq!(parse(&bytes).boot_as_recorded(), 1_000_000);
        let bytes = bytes.into_bytes();
        assert_eq!(SystemTimeOfDayInformation::parse(&bytes[..0x27]), None);
    }
}
