//! `PROC/PID/auxv`: what the kernel told the program about itself when it started it.

use super::file::Directory;
use crate::error::Refusal;

/// Keys of the kernel's `linux/auxvec.h`.
const AT_NULL: u64 = 0;
const AT_PHDR: u64 = 3;
const AT_PHENT: u64 = 4;
const AT_SYSINFO_EHDR: u64 = 33;

/// What this project uses of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Auxv {
    pub(crate) is_64_bit: bool,
    /// Where the executable's program headers are.
    pub(crate) phdr: Option<u64>,
    /// Where the vDSO is.
    pub(crate) sysinfo_ehdr: Option<u64>,
}

/// Parses pairs of words in the machine's byte order. The size of a word is the program's, not the
/// kernel's; the size of a program header, which is among the pairs, tells it.
pub(crate) fn parse(bytes: &[u8]) -> Option<Auxv> {
    let wide = pairs::<16>(bytes, |pair| {
        let (key, value) = pair.split_at(8);
        Some((
            u64::from_ne_bytes(key.try_into().ok()?),
            u64::from_ne_bytes(value.try_into().ok()?),
        ))
    });
    let narrow = pairs::<8>(bytes, |pair| {
        let (key, value) = pair.split_at(4);
        Some((
            u32::from_ne_bytes(key.try_into().ok()?).into(),
            u32::from_ne_bytes(value.try_into().ok()?).into(),
        ))
    });
    collect(wide, 56)
        .map(|auxv| Auxv {
            is_64_bit: true,
            ..auxv
        })
        .or_else(|| collect(narrow, 32))
}

fn pairs<const SIZE: usize>(
    bytes: &[u8],
    split: impl Fn(&[u8; SIZE]) -> Option<(u64, u64)>,
) -> impl Iterator<Item = (u64, u64)> {
    bytes
        .chunks_exact(SIZE)
        .filter_map(move |pair| split(pair.try_into().ok()?))
        .take_while(|&(key, _)| key != AT_NULL)
}

/// `None` if the pairs don't tell of program headers of this size.
fn collect(pairs: impl Iterator<Item = (u64, u64)>, phent: u64) -> Option<Auxv> {
    let mut auxv = Auxv::default();
    let mut matches = false;
    for (key, value) in pairs {
        let known = (value != 0).then_some(value);
        match key {
            AT_PHENT => matches = value == phent,
            AT_PHDR => auxv.phdr = known,
            AT_SYSINFO_EHDR => auxv.sysinfo_ehdr = known,
            _ => {}
        }
    }
    matches.then_some(auxv)
}

/// Reads the file of a pinned process. `None`: it is empty or makes no sense.
pub(crate) fn read(process: &Directory, bytes: &mut Vec<u8>) -> Result<Option<Auxv>, Refusal> {
    process.read(b"auxv", bytes)?;
    Ok(parse(bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wide(pairs: &[(u64, u64)]) -> Vec<u8> {
        let words = pairs.iter().flat_map(|&(key, value)| [key, value]);
        words.flat_map(u64::to_ne_bytes).collect()
    }

    fn narrow(pairs: &[(u32, u32)]) -> Vec<u8> {
        let words = pairs.iter().flat_map(|&(key, value)| [key, value]);
        words.flat_map(u32::to_ne_bytes).collect()
    }

    #[test]
    fn the_size_of_a_word_is_found_out() {
        let bytes = wide(&[
            (33, 0x7fff_0000_1000),
            (16, 7),
            (3, 0x5555_0040),
            (4, 56),
            (0, 0),
        ]);
        let expected = Auxv {
            is_64_bit: true,
            phdr: Some(0x5555_0040),
            sysinfo_ehdr: Some(0x7fff_0000_1000),
        };
        assert_eq!(parse(&bytes), Some(expected));

        let bytes = narrow(&[
            (32, 0xf7fc_8570),
            (33, 0xf7fc_8000),
            (3, 0x0804_8034),
            (4, 32),
            (0, 0),
        ]);
        let expected = Auxv {
            is_64_bit: false,
            phdr: Some(0x0804_8034),
            sysinfo_ehdr: Some(0xf7fc_8000),
        };
        assert_eq!(parse(&bytes), Some(expected));
    }

    #[test]
    fn what_follows_the_end_does_not_count() {
        let bytes = wide(&[(4, 56), (0, 0), (3, 0x1000)]);
        assert_eq!(parse(&bytes).unwrap().phdr, None);
    }

    #[test]
    fn nonsense_is_none() {
        assert_eq!(parse(b""), None);
        assert_eq!(parse(&[0xff; 40]), None);
        assert_eq!(parse(&wide(&[(4, 57), (0, 0)])), None);
    }

    proptest! {
        #[test]
        fn any_bytes_parse_to_something(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            parse(&bytes);
        }
    }
}
