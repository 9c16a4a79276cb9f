//! A reader of C structures.
//!
//! Fields are read in the order of their declaration. Each is aligned to its size, as Windows'
//! compilers do, so one declaration order serves both widths of pointers. Structures themselves can
//! be at any address.

/// The width of pointers, and of the types that depend on it: `SIZE_T`, `HANDLE`, `KAFFINITY`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    Bits32,
    Bits64,
}

impl Width {
    /// The width of the calling program.
    pub(crate) const NATIVE: Width = if cfg!(target_pointer_width = "64") {
        Width::Bits64
    } else {
        Width::Bits32
    };

    /// Returns the size of a pointer in bytes.
    pub(crate) const fn bytes(self) -> usize {
        match self {
            Width::Bits32 => 4,
            Width::Bits64 => 8,
        }
    }
}

/// Reads the fields of one structure. A field beyond the end of the bytes is `None`.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    width: Width,
    offset: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first field of a structure at the start of `bytes`.
    pub(crate) fn new(bytes: &'a [u8], width: Width) -> Self {
        Reader {
            bytes,
            width,
            offset: 0,
        }
    }

    /// Returns the offset after the last field that was read.
    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    /// Skips bytes without a meaning here, which have no alignment of their own.
    pub(crate) fn skip(&mut self, bytes: usize) {
        self.offset = self.offset.saturating_add(bytes);
    }

    /// Skips to the next offset that is a multiple of `alignment`.
    pub(crate) fn align(&mut self, alignment: usize) {
        self.offset = self.offset.next_multiple_of(alignment);
    }

    #[cfg(test)]
    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn i32(&mut self) -> Option<i32> {
        self.array().map(i32::from_le_bytes)
    }

    pub(crate) fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    /// Reads a pointer, or a number as wide as one.
    pub(crate) fn size(&mut self) -> Option<u64> {
        match self.width {
            Width::Bits32 => self.u32().map(u64::from),
            Width::Bits64 => self.u64(),
        }
    }

    /// Reads a `UNICODE_STRING`.
    pub(crate) fn unicode_string(&mut self) -> Option<UnicodeString> {
        self.align(self.width.bytes());
        let (length, _maximum_length) = (self.u16()?, self.u16()?);
        let address = self.size()?;
        Some(UnicodeString { length, address })
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.align(N);
        let bytes = self.bytes.get(self.offset..)?.first_chunk()?;
        self.offset += N;
        Some(*bytes)
    }
}

/// A text in the memory of a process: `UNICODE_STRING`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UnicodeString {
    /// In bytes.
    pub(crate) length: u16,
    pub(crate) address: u64,
}

impl UnicodeString {
    /// Returns the text, in a buffer that was at the address `base` when the call filled it.
    /// `None` if it is not in the buffer. An empty text can be at any address.
    pub(crate) fn in_buffer<'a>(&self, buffer: &'a [u8], base: u64) -> Option<&'a [u8]> {
        if self.length == 0 {
            return Some(&[]);
        }
        let start = usize::try_from(self.address.checked_sub(base)?).ok()?;
        buffer.get(start..)?.get(..usize::from(self.length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: [u8; 24] = [
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23,
    ];

    #[test]
    fn fields_are_aligned_to_size() {
        let mut reader = Reader::new(&BYTES, Width::Bits32);
        assert_eq!(reader.u8(), Some(0));
        assert_eq!(reader.u16(), Some(0x0302));
        assert_eq!(reader.u32(), Some(0x0706_0504));
        assert_eq!(reader.u8(), Some(8));
        assert_eq!(reader.size(), Some(0x0F0E_0D0C));
        assert_eq!(reader.u8(), Some(16));
        assert_eq!(reader.u64(), None);
        let mut reader = Reader::new(&BYTES, Width::Bits64);
        assert_eq!(reader.u8(), Some(0));
        assert_eq!(reader.size(), Some(0x0F0E_0D0C_0B0A_0908));
        assert_eq!(reader.offset(), 16);
    }

    #[test]
    fn structure_can_be_unaligned() {
        let mut reader = Reader::new(&BYTES[1..], Width::Bits64);
        assert_eq!(reader.u32(), Some(0x0403_0201));
    }

    #[test]
    fn text_outside_buffer_is_none() {
        let buffer = [1, 2, 3, 4];
        let text = |address, length| UnicodeString { length, address }.in_buffer(&buffer, 100);
        assert_eq!(text(100, 4), Some(&buffer[..]));
        assert_eq!(text(102, 2), Some(&buffer[2..]));
        assert_eq!(text(104, 0), Some(&buffer[4..]));
        assert_eq!(text(0, 0), Some(&buffer[..0]));
        assert_eq!(text(101, 3), Some(&buffer[1..]));
        assert_eq!(text(102, 4), None);
        assert_eq!(text(99, 2), None);
        assert_eq!(text(u64::MAX, 2), None);
    }
}
