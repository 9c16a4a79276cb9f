//! `SID`, and `TOKEN_USER`, which contains the address of one.

use super::reader::{Reader, Width};
use crate::owner::Sid;

/// Parses an identifier at the start of some bytes.
pub(crate) fn parse(bytes: &[u8]) -> Option<Sid> {
    let (&[revision, count, ref authority @ ..], rest) = bytes.split_first_chunk::<8>()?;
    // Unlike every other number, the authority starts with its highest byte.
    let authority = authority
        .iter()
        .fold(0, |authority, &byte| authority << 8 | u64::from(byte));
    let mut sub_authorities = [0; Sid::MAX_SUB_AUTHORITIES];
    let sub_authorities = sub_authorities.get_mut(..usize::from(count))?;
    let mut fields = Reader::new(rest, Width::NATIVE);
    for part in &mut *sub_authorities {
        *part = fields.u32()?;
    }
    Sid::new(revision, authority, sub_authorities)
}

/// Parses the identifier of a `TOKEN_USER`, which was at the address `base` when the call filled it.
pub(crate) fn parse_token_user(bytes: &[u8], base: u64, width: Width) -> Option<Sid> {
    let address = Reader::new(bytes, width).size()?;
    let offset = usize::try_from(address.checked_sub(base)?).ok()?;
    parse(bytes.get(offset..)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::windows::layouts::canned::Canned;

    const USER: [u8; 16] = [1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 0x02, 0, 0];

    #[test]
    fn sid_is_parsed() {
        assert_eq!(parse(&USER).unwrap().to_string(), "S-1-5-32-544");
        let unbounded = [1, 16, 0, 0, 0, 0, 0, 5];
        for invalid in [&USER[..15], &USER[..7], &unbounded, &[]] {
            assert_eq!(parse(invalid), None);
        }
    }

    #[test]
    fn authority_begins_with_highest_byte() {
        let bytes = [1, 1, 1, 2, 3, 4, 5, 6, 32, 0, 0, 0];
        let expected = Sid::new(1, 0x0102_0304_0506, &[32]);
        assert!(expected.is_some());
        assert_eq!(parse(&bytes), expected);
    }

    #[test]
    fn longest_identifier_is_parsed() {
        let mut bytes = vec![1, 15, 0, 0, 0, 0, 0, 5];
        bytes.extend((1..=15_u32).flat_map(u32::to_le_bytes));
        let parts: Vec<u32> = (1..=15).collect();
        assert_eq!(parse(&bytes), Sid::new(1, 5, &parts));
        assert!(parse(&bytes).is_some());
    }

    #[test]
    fn token_user_leads_to_sid() {
        for width in [Width::Bits32, Width::Bits64] {
            let mut bytes = Canned::new(16, width);
            bytes.size(0, 0x1_0010);
            let bytes = [&bytes.into_bytes()[..], &USER].concat();
            let parse = |base| parse_token_user(&bytes, base, width);
            assert_eq!(parse(0x1_0000).unwrap().to_string(), "S-1-5-32-544");
            assert_eq!(parse(0x1_0020), None);
            assert_eq!(parse(0), None);
        }
    }
}
