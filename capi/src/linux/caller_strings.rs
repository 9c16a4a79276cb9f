//! Strings of the caller.

use crate::user_memory::{AnyBitPattern, read_slice};
use crate::win32_error::Result;

/// Reads the values before the first zero, or the first `max` values.
///
/// A string can end at the end of its mapping. So nothing after the page that holds the zero is
/// accessed.
pub fn read_until_zero<T: AnyBitPattern + Default + PartialEq>(
    from: *const T,
    max: usize,
) -> Result<Vec<T>> {
    // The smallest page size of any architecture.
    const PAGE: usize = 4096;
    let mut values = Vec::new();
    while values.len() < max {
        let next = from.wrapping_add(values.len());
        let left_on_page = PAGE - next.addr() % PAGE;
        // A value that straddles two pages is read on its own.
        let count = (left_on_page / size_of::<T>())
            .max(1)
            .min(max - values.len());
        let read_before = values.len();
        read_slice(next, count, &mut values)?;
        let zero = values[read_before..]
            .iter()
            .position(|value| *value == T::default());
        if let Some(zero) = zero {
            values.truncate(read_before + zero);
            break;
        }
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linux::test_memory::Pages;
    use crate::win32_error::Win32Error;

    #[test]
    fn string_can_end_with_its_mapping() {
        let pages = Pages::new(2);
        for (at, text) in [
            (4096 * 2 - 4, &b"abc\0"[..]),
            (4096 - 2, b"abc\0"),
            (0, b"\0"),
        ] {
            pages.put(at, text);
            let read = read_until_zero::<u8>(pages.at(at).cast(), 100).unwrap();
            assert_eq!(read, &text[..text.len() - 1]);
        }
        // Without a NUL, reading continues into unmapped memory.
        pages.put(4096 * 2 - 4, b"abcd");
        let read = read_until_zero::<u8>(pages.at(4096 * 2 - 4).cast(), 100);
        assert_eq!(read, Err(Win32Error::NOACCESS));
        let read = read_until_zero::<u8>(pages.at(4096 * 2 - 4).cast(), 3);
        assert_eq!(read.as_deref(), Ok(&b"abc"[..]));
    }

    #[test]
    fn reads_code_units_across_pages() {
        let pages = Pages::new(2);
        let text: Vec<u8> = "wide".encode_utf16().flat_map(u16::to_ne_bytes).collect();
        for at in 4096 - 9..=4096 {
            pages.put(at, &text);
            pages.put(at + text.len(), &[0, 0]);
            let read = read_until_zero::<u16>(pages.at(at).cast(), 100).unwrap();
            assert_eq!(String::from_utf16(&read).unwrap(), "wide");
        }
    }

    #[test]
    fn rejects_string_at_unmapped_address() {
        assert_eq!(
            read_until_zero::<u8>(std::ptr::null(), 100),
            Err(Win32Error::NOACCESS)
        );
        let unmapped = Pages::new(1).at(0);
        assert_eq!(
            read_until_zero::<u8>(unmapped.cast(), 100),
            Err(Win32Error::NOACCESS)
        );
    }
}
