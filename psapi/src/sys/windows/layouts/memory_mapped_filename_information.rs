//! The result of `MemoryMappedFilenameInformation`: a `UNICODE_STRING` and, after it, its text.

use super::reader::{Reader, Width};

/// The size of the longest answer: the string, 32,767 characters, and a NUL.
pub(crate) const MAX_SIZE: usize = 16 + 2 * 32_768;

/// Returns the name in UTF-16, from an answer that was stored at the address `base`. The name is
/// empty if the text is not in the answer. It ends before the first NUL, which no file name
/// contains.
pub(crate) fn name(bytes: &[u8], base: u64, width: Width) -> &[u8] {
    let string = Reader::new(bytes, width).unicode_string();
    let text = string.and_then(|string| string.in_buffer(bytes, base));
    let text = text.unwrap_or_default();
    let length = text
        .chunks_exact(2)
        .take_while(|unit| **unit != [0, 0])
        .count();
    &text[..2 * length]
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: u64 = 0x7000;

    /// Creates the result that the call returns for a text.
    fn answer(width: Width, units: &[u16]) -> Vec<u8> {
        let header = 2 * width.bytes();
        let mut bytes = vec![0; header];
        let length = (2 * units.len()) as u16;
        bytes[..2].copy_from_slice(&length.to_le_bytes());
        bytes[2..4].copy_from_slice(&length.saturating_add(2).to_le_bytes());
        let address = (BASE + header as u64).to_le_bytes();
        bytes[width.bytes()..header].copy_from_slice(&address[..width.bytes()]);
        bytes.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
        bytes.extend([0, 0]);
        bytes
    }

    fn units(text: &[u8]) -> Vec<u16> {
        let units = text.chunks_exact(2);
        units
            .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
            .collect()
    }

    #[test]
    fn name_ends_before_nul() {
        for width in [Width::Bits32, Width::Bits64] {
            let device: Vec<u16> = r"\Device\HarddiskVolume3\a".encode_utf16().collect();
            let bytes = answer(width, &device);
            assert_eq!(units(name(&bytes, BASE, width)), device);
            let mut with_nul = device.clone();
            with_nul.extend([0, 0x62]);
            let bytes = answer(width, &with_nul);
            assert_eq!(units(name(&bytes, BASE, width)), device);
        }
    }

    #[test]
    fn longest_name_is_complete() {
        let longest: Vec<u16> = (0..32_767).map(|unit| unit | 1).collect();
        for width in [Width::Bits32, Width::Bits64] {
            let bytes = answer(width, &longest);
            assert_eq!(units(name(&bytes, BASE, width)), longest);
            assert!(bytes.len() <= MAX_SIZE);
            assert_eq!(bytes.len() == MAX_SIZE, width == Width::Bits64);
        }
    }

    #[test]
    fn text_outside_answer_is_empty() {
        for width in [Width::Bits32, Width::Bits64] {
            let mut bytes = answer(width, &[0x61]);
            bytes[0] = 200;
            assert!(name(&bytes, BASE, width).is_empty());
            assert!(name(&answer(width, &[0x61]), BASE + 64, width).is_empty());
            assert!(name(&[], BASE, width).is_empty());
        }
    }
}
