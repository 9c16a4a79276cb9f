//! `RTL_USER_PROCESS_PARAMETERS`: what a process was started with, at an address in its `PEB`.

use super::reader::{Reader, UnicodeString, Width};

/// The number of bytes at the start of the `PEB` that contain the address.
pub(crate) const PEB_SIZE: usize = 0x28;

/// The number of bytes that contain the command line.
pub(crate) const SIZE: usize = 0x80;

/// Returns the address of the parameters, from the start of the `PEB`.
pub(crate) fn address(peb: &[u8], width: Width) -> Option<u64> {
    let mut fields = Reader::new(peb, width);
    let _flags = fields.u32()?;
    let _mutant = fields.size()?;
    let _image_base = fields.size()?;
    let _loader_data = fields.size()?;
    fields.size()
}

/// Returns where the command line is.
pub(crate) fn command_line(bytes: &[u8], width: Width) -> Option<UnicodeString> {
    let mut fields = Reader::new(bytes, width);
    let _lengths = (fields.u32()?, fields.u32()?);
    let _flags = (fields.u32()?, fields.u32()?);
    let _console = fields.size()?;
    let _console_flags = fields.u32()?;
    let _standard_handles = (fields.size()?, fields.size()?, fields.size()?);
    let _current_directory = (fields.unicode_string()?, fields.size()?);
    let _dll_path = fields.unicode_string()?;
    let _image_path = fields.unicode_string()?;
    fields.unicode_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::windows::layouts::canned::Canned;

    #[test]
    fn command_line_is_found_in_both_widths() {
        for (width, at_peb, at) in [(Width::Bits32, 0x10, 0x40), (Width::Bits64, 0x20, 0x70)] {
            let mut peb = Canned::new(PEB_SIZE, width);
            peb.size(at_peb, 0x2A_0000);
            assert_eq!(address(&peb.into_bytes(), width), Some(0x2A_0000));
            let mut bytes = Canned::new(SIZE, width);
            bytes.unicode_string(at, "a.exe b", 0x2A_0700);
            let expected = UnicodeString {
                length: 14,
                address: 0x2A_0700,
            };
            let bytes = bytes.into_bytes();
            assert_eq!(command_line(&bytes, width), Some(expected));
            assert_eq!(command_line(&bytes[..at], width), None);
        }
    }
}
