//! `PROCESS_BASIC_INFORMATION`: the answer of `ProcessBasicInformation`.

use super::reader::{Reader, Width};

/// The size of the structure in bytes, which the call requires exactly.
pub(crate) const fn size(width: Width) -> usize {
    6 * width.bytes()
}

/// The longer form.
pub(crate) const MAX_SIZE: usize = size(Width::Bits64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProcessBasicInformation {
    /// `STATUS_PENDING` while the process runs.
    pub(crate) exit_status: u32,
    /// The address of the `PEB`; 0 if the process has none.
    pub(crate) peb: u64,
    pub(crate) id: u32,
    pub(crate) parent: u32,
}

impl ProcessBasicInformation {
    pub(crate) fn parse(bytes: &[u8], width: Width) -> Option<Self> {
        let mut fields = Reader::new(bytes, width);
        let exit_status = fields.u32()?;
        let peb = fields.size()?;
        let _affinity_mask = fields.size()?;
        let _base_priority = fields.i32()?;
        Some(ProcessBasicInformation {
            exit_status,
            peb,
            id: fields.size()?.try_into().ok()?,
            parent: fields.size()?.try_into().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::windows::layouts::canned::Canned;

    #[test]
    fn ids_follow_priority_in_both_widths() {
        for (width, peb, id, parent) in [
            (Width::Bits32, 0x04, 0x10, 0x14),
            (Width::Bits64, 0x08, 0x20, 0x28),
        ] {
            let mut bytes = Canned::new(size(width), width);
            bytes.u32(0, 259);
            bytes.size(peb, 0x7FFD_E000);
            bytes.size(id, 4711);
            bytes.size(parent, 4);
            let bytes = bytes.into_bytes();
            let expected = ProcessBasicInformation {
                exit_status: 259,
                peb: 0x7FFD_E000,
                id: 4711,
                parent: 4,
            };
            assert_eq!(
                ProcessBasicInformation::parse(&bytes, width),
                Some(expected)
            );
            assert_eq!(ProcessBasicInformation::parse(&bytes[1..], width), None);
        }
    }
}
