//! `PROC/PID/auxv`: the auxiliary vector, which the kernel passed to the program at `execve`.

use crate::error::SourceError;
use crate::sys::linux::dir::Dir;

/// Keys from the kernel's `linux/auxvec.h`.
const AT_NULL: u64 = 0;
const AT_PHDR: u64 = 3;
const AT_PHENT: u64 = 4;
const AT_SYSINFO_EHDR: u64 = 33;

/// The entries that this crate uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Auxv {
    pub(crate) is_64_bit: bool,
    /// `AT_PHDR`: the address of the executable's program headers.
    pub(crate) phdr: Option<u64>,
    /// `AT_SYSINFO_EHDR`: the address of the vDSO.
    pub(crate) sysinfo_ehdr: Option<u64>,
}

/// Parses pairs of words in native byte order.
///
/// The word size is that of the program, not of the kernel. `AT_PHENT`, the size of a program
/// header, distinguishes the two: it is 56 for 64-bit programs and 32 for 32-bit programs.
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

/// Returns `None` if `AT_PHENT` is missing or different from `phent`.
fn collect(pairs: impl Iterator<Item = (u64, u64)>, phent: u64) -> Option<Auxv> {
    let mut auxv = Auxv::default();
    let mut matches = false;
    for (key, value) in pairs {
        let address = (value != 0).then_some(value);
        match key {
            AT_PHENT => matches = value == phent,
            AT_PHDR => auxv.phdr = address,
            AT_SYSINFO_EHDR => auxv.sysinfo_ehdr = address,
            _ => {}
        }
    }
    matches.then_some(auxv)
}

/// Reads the file of a pinned process; `None` if it is empty or invalid.
pub(crate) fn read(process: &Dir, bytes: &mut Vec<u8>) -> Result<Option<Auxv>, SourceError> {
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
    fn detects_word_size() {
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
    fn ignores_entries_after_null() {
        let bytes = wide(&[(4, 56), (0, 0), (3, 0x1000)]);
        assert_eq!(parse(&bytes).unwrap().phdr, None);
    }

    #[test]
    fn rejects_invalid_content() {
        assert_eq!(parse(b""), None);
        assert_eq!(parse(&[0xff; 40]), None);
        assert_eq!(parse(&wide(&[(4, 57), (0, 0)])), None);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            parse(&bytes);
        }
    }
}
