//! Syntax shared by the text files of `/proc`: numbers, `Key:  value` lines, escapes in paths.
//!
//! All functions work on bytes, because names of processes and files need not be UTF-8. A number
//! must fill its whole field and must not overflow. A truncated or damaged file is therefore an
//! error rather than a wrong value.

use std::borrow::Cow;

/// Parses a decimal number that fills the whole slice.
pub(crate) fn decimal(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() {
        return None;
    }
    bytes.iter().try_fold(0u64, |value, &byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value.checked_mul(10)?.checked_add(digit.into())
    })
}

/// Parses a decimal number with an optional minus sign.
pub(crate) fn signed_decimal(bytes: &[u8]) -> Option<i64> {
    match bytes.strip_prefix(b"-") {
        Some(digits) => 0i64.checked_sub_unsigned(decimal(digits)?),
        None => decimal(bytes)?.try_into().ok(),
    }
}

/// Parses a hexadecimal number without `0x` that fills the whole slice.
pub(crate) fn hexadecimal(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() || bytes.len() > 16 {
        return None;
    }
    bytes.iter().try_fold(0u64, |value, &byte| {
        let digit = (byte as char).to_digit(16)?;
        Some(value << 4 | u64::from(digit))
    })
}

/// Returns the lines of a text without their newlines. Skips a last line that has no newline,
/// because it was truncated.
pub(crate) fn whole_lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = memchr::memchr(b'\n', rest)?;
        let line = &rest[..end];
        rest = &rest[end + 1..];
        Some(line)
    })
}

/// Splits a line of the form `Key:<white space>value` into key and value.
pub(crate) fn key_value(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr::memchr(b':', line)?;
    Some((&line[..colon], line[colon + 1..].trim_ascii()))
}

/// Parses a size such as `1234 kB`, and returns it in bytes. The kernel's kB has 1024 bytes.
pub(crate) fn kibibytes(value: &[u8]) -> Option<u64> {
    decimal(value.strip_suffix(b"kB")?.trim_ascii())?.checked_mul(1024)
}

/// Replaces each backslash followed by three octal digits with the byte of that value. The kernel
/// escapes white space and backslashes in paths this way. All other bytes are left unchanged.
pub(crate) fn unescape(text: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr::memchr(b'\\', text) else {
        return Cow::Borrowed(text);
    };
    let mut plain = text[..first].to_vec();
    let mut rest = &text[first..];
    while let [byte, after @ ..] = rest {
        let escaped = match rest {
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] => {
                Some((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'))
            }
            _ => None,
        };
        plain.push(escaped.unwrap_or(*byte));
        rest = if escaped.is_some() { &rest[4..] } else { after };
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_accepts_only_u64() {
        assert_eq!(decimal(b"0"), Some(0));
        assert_eq!(decimal(b"18446744073709551615"), Some(u64::MAX));
        for wrong in [
            &b""[..],
            b"18446744073709551616",
            b"-1",
            b"+1",
            b"1 ",
            b"1a",
            b"\xff",
        ] {
            assert_eq!(decimal(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn signed_decimal_accepts_only_i64() {
        assert_eq!(signed_decimal(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(signed_decimal(b"9223372036854775807"), Some(i64::MAX));
        for wrong in [&b"-"[..], b"", b"9223372036854775808", b"--1"] {
            assert_eq!(signed_decimal(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn hexadecimal_accepts_only_64_bits() {
        assert_eq!(
            hexadecimal(b"ffffffffff600000"),
            Some(0xffff_ffff_ff60_0000)
        );
        assert_eq!(hexadecimal(b"0"), Some(0));
        for wrong in [&b""[..], b"10000000000000000", b"0x1", b"g"] {
            assert_eq!(hexadecimal(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn line_without_newline_is_skipped() {
        assert_eq!(
            whole_lines(b"a\n\nbc\ncut").collect::<Vec<_>>(),
            [&b"a"[..], b"", b"bc"]
        );
    }

    #[test]
    fn kibibytes_become_bytes_without_overflow() {
        assert_eq!(kibibytes(b"4 kB"), Some(4096));
        assert_eq!(kibibytes(b"18014398509481984 kB"), None);
        assert_eq!(kibibytes(b"4"), None);
    }

    #[test]
    fn unescape_replaces_only_octal_escapes() {
        assert_eq!(unescape(b"/a\\040b\\011\\012\\134"), &b"/a b\t\n\\"[..]);
        assert_eq!(unescape(b"\\377"), &b"\xff"[..]);
        assert_eq!(unescape(b"\\134040"), &b"\\040"[..]);
        for plain in [
            &b""[..],
            b"/a",
            b"\\",
            b"\\04",
            b"\\048",
            b"\\400",
            b"\\x41",
        ] {
            assert_eq!(unescape(plain), plain);
        }
    }
}
