//! Structures that tests write at documented offsets. All other bytes are zero.

use super::reader::Width;

#[derive(Debug, Clone)]
pub(crate) struct Canned {
    bytes: Vec<u8>,
    width: Width,
}

impl Canned {
    pub(crate) fn new(size: usize, width: Width) -> Self {
        Canned {
            bytes: vec![0; size],
            width,
        }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn u16(&mut self, offset: usize, value: u16) {
        self.put(offset, &value.to_le_bytes());
    }

    pub(crate) fn u32(&mut self, offset: usize, value: u32) {
        self.put(offset, &value.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, offset: usize, value: u64) {
        self.put(offset, &value.to_le_bytes());
    }

    /// Writes a number as wide as a pointer.
    pub(crate) fn size(&mut self, offset: usize, value: u64) {
        self.put(offset, &value.to_le_bytes()[..self.width.bytes()]);
    }

    /// Writes a `UNICODE_STRING` for a text at an address.
    pub(crate) fn unicode_string(&mut self, offset: usize, text: &str, address: u64) {
        let length = 2 * text.encode_utf16().count() as u16;
        self.u16(offset, length);
        self.u16(offset + 2, length + 2);
        self.size(offset + self.width.bytes(), address);
    }

    pub(crate) fn utf16(&mut self, offset: usize, text: &str) {
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        self.put(offset, &bytes);
    }

    pub(crate) fn text(&mut self, offset: usize, text: &str) {
        let end = self.bytes.len().min(offset + text.len());
        self.bytes[offset..end].copy_from_slice(&text.as_bytes()[..end - offset]);
    }

    fn put(&mut self, offset: usize, value: &[u8]) {
        self.bytes[offset..offset + value.len()].copy_from_slice(value);
    }
}
