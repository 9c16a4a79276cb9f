//! `VM_COUNTERS`, `VM_COUNTERS_EX` and `VM_COUNTERS_EX2`: the memory of one process, as
//! `ProcessVmCounters` reports it. All sizes are in bytes.

use super::reader::{Reader, Width};

/// The sizes of the structure in bytes, from its longest form to its shortest. Public headers
/// disagree about the width of the last field in programs of 32 bits.
pub(crate) const fn sizes(width: Width) -> [usize; 4] {
    match width {
        Width::Bits32 => [64, 56, 48, 44],
        Width::Bits64 => [112, 112, 96, 88],
    }
}

/// The longest form.
pub(crate) const MAX_SIZE: usize = 112;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct VmCounters {
    pub(crate) peak_virtual_size: u64,
    pub(crate) virtual_size: u64,
    pub(crate) page_faults: u32,
    pub(crate) peak_working_set: u64,
    pub(crate) working_set: u64,
    pub(crate) peak_paged_pool: u64,
    pub(crate) paged_pool: u64,
    pub(crate) peak_nonpaged_pool: u64,
    pub(crate) nonpaged_pool: u64,
    pub(crate) page_file: u64,
    pub(crate) peak_page_file: u64,
    /// Since `VM_COUNTERS_EX`.
    pub(crate) private_usage: Option<u64>,
    /// Since `VM_COUNTERS_EX2`.
    pub(crate) private_working_set: Option<u64>,
    /// Since `VM_COUNTERS_EX2`.
    pub(crate) shared_commit: Option<u64>,
}

impl VmCounters {
    /// Parses the structure in whichever form the bytes have.
    pub(crate) fn parse(bytes: &[u8], width: Width) -> Option<Self> {
        let mut fields = Reader::new(bytes, width);
        let counters = VmCounters::read(&mut fields)?;
        let private_usage = fields.size();
        let private_working_set = fields.size();
        let is_wide = bytes.len() >= sizes(width)[0];
        let shared_commit = if is_wide { fields.u64() } else { fields.size() };
        Some(VmCounters {
            private_usage,
            private_working_set,
            shared_commit,
            ..counters
        })
    }

    /// Reads the fields of `VM_COUNTERS`, which other structures contain.
    pub(crate) fn read(fields: &mut Reader<'_>) -> Option<Self> {
        Some(VmCounters {
            peak_virtual_size: fields.size()?,
            virtual_size: fields.size()?,
            page_faults: fields.u32()?,
            peak_working_set: fields.size()?,
            working_set: fields.size()?,
            peak_paged_pool: fields.size()?,
            paged_pool: fields.size()?,
            peak_nonpaged_pool: fields.size()?,
            nonpaged_pool: fields.size()?,
            page_file: fields.size()?,
            peak_page_file: fields.size()?,
            private_usage: None,
            private_working_set: None,
            shared_commit: None,
        })
    }
}

impl VmCounters {
    /// Returns false if the system leaves the faults 0, as Wine. No page is in a working set
    /// without a fault.
    pub(crate) fn has_faults(&self) -> bool {
        self.page_faults > 0 || self.working_set == 0
    }

    /// Returns false if the system leaves the pools 0, as Wine. A process with memory has charged
    /// at least one of them.
    pub(crate) fn has_pools(&self) -> bool {
        let pools = [
            self.peak_paged_pool,
            self.paged_pool,
            self.peak_nonpaged_pool,
            self.nonpaged_pool,
        ];
        pools.iter().any(|&pool| pool > 0) || self.working_set == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::windows::layouts::canned::Canned;

    #[test]
    fn every_form_is_parsed() {
        for (width, faults, next) in [(Width::Bits32, 0x08, 0x0C), (Width::Bits64, 0x10, 0x18)] {
            for (form, size) in sizes(width).into_iter().enumerate() {
                let mut bytes = Canned::new(size, width);
                bytes.size(0, 1);
                bytes.size(width.bytes(), 2);
                bytes.u32(faults, 3);
                let mut offset = next;
                for value in 4..14 {
                    if offset + width.bytes() <= size {
                        bytes.size(offset, value);
                    }
                    offset += width.bytes();
                }
                if (width, form) == (Width::Bits32, 0) {
                    bytes.u64(0x38, 14);
                } else if form <= 1 {
                    bytes.size(size - width.bytes(), 14);
                }
                let parsed = VmCounters::parse(&bytes.into_bytes(), width).unwrap();
                let is_ex = (form < 3).then_some(12);
                let expected = VmCounters {
                    peak_virtual_size: 1,
                    virtual_size: 2,
                    page_faults: 3,
                    peak_working_set: 4,
                    working_set: 5,
                    peak_paged_pool: 6,
                    paged_pool: 7,
                    peak_nonpaged_pool: 8,
                    nonpaged_pool: 9,
                    page_file: 10,
                    peak_page_file: 11,
                    private_usage: is_ex,
                    private_working_set: (form < 2).then_some(13),
                    shared_commit: (form < 2).then_some(14),
                };
                assert_eq!(parsed, expected, "{width:?} {size}");
            }
        }
    }

    #[test]
    fn truncated_counters_are_rejected() {
        assert_eq!(VmCounters::parse(&[0; 43], Width::Bits32), None);
        assert_eq!(VmCounters::parse(&[0; 87], Width::Bits64), None);
    }
}
