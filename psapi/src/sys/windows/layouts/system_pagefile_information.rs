//! `SYSTEM_PAGEFILE_INFORMATION`: the page files, in pages.

use super::reader::{Reader, Width};

/// One page file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageFileEntry<'a> {
    pub(crate) total: u32,
    pub(crate) in_use: u32,
    pub(crate) peak: u32,
    /// The native path, in UTF-16.
    pub(crate) name: &'a [u8],
}

/// Returns the entries of an answer, which was at the address `base` when the call filled it.
pub(crate) fn entries(
    answer: &[u8],
    base: u64,
    width: Width,
) -> impl Iterator<Item = PageFileEntry<'_>> {
    let mut next = Some(0);
    std::iter::from_fn(move || {
        let start: usize = next?;
        let mut fields = Reader::new(answer.get(start..)?, width);
        let distance = fields.u32()? as usize;
        let (total, in_use, peak) = (fields.u32()?, fields.u32()?, fields.u32()?);
        let name = fields.unicode_string()?;
        next = start.checked_add(distance).filter(|_| distance > 0);
        Some(PageFileEntry {
            total,
            in_use,
            peak,
            name: name.in_buffer(answer, base).unwrap_or_default(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::windows::layouts::canned::Canned;

    #[test]
    fn entries_are_parsed_in_both_widths() {
        for width in [Width::Bits32, Width::Bits64] {
            let mut bytes = Canned::new(0x100, width);
            for (start, next, path) in [(0, 0x61, "C:\\a"), (0x61, 0, "D:\\b")] {
                bytes.u32(start, next);
                for (index, value) in [30, 20, 25].into_iter().enumerate() {
                    bytes.u32(start + 4 + 4 * index, value);
                }
                bytes.unicode_string(start + 0x10, path, 0x5000 + start as u64 + 0x40);
                bytes.utf16(start + 0x40, path);
            }
            let bytes = bytes.into_bytes();
            let files: Vec<_> = entries(&bytes, 0x5000, width).collect();
            let name = |path: &str| -> Vec<u8> {
                path.encode_utf16().flat_map(u16::to_le_bytes).collect()
            };
            assert_eq!(files.len(), 2);
            for (file, path) in files.iter().zip(["C:\\a", "D:\\b"]) {
                assert_eq!((file.total, file.in_use, file.peak), (30, 20, 25));
                assert_eq!(file.name, name(path));
            }
            assert_eq!(entries(&bytes[..0x61], 0x5000, width).count(), 1);
            assert_eq!(entries(&[], 0x5000, width).count(), 0);
        }
    }
}
