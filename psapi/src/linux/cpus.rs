//! `SYS/devices/system/cpu/online`: the processors that run, as a list of numbers and ranges.

use std::path::Path;

use super::file::Directory;
use super::text::decimal;
use crate::error::{Cause, Refusal};

/// More than any kernel is built for: a list with a higher number is none.
const MOST: u64 = 1 << 16;

/// Parses a list such as `0-3,6`.
pub(crate) fn parse(text: &[u8]) -> Result<Vec<u32>, &'static str> {
    const WHAT: &str = "it is not a list of processors";
    let line = text.strip_suffix(b"\n").ok_or("the line is cut off")?;
    let mut cpus = Vec::new();
    for part in line.split(|&byte| byte == b',') {
        let mut ends = part.splitn(2, |&byte| byte == b'-').map(decimal);
        let first = ends.next().flatten().ok_or(WHAT)?;
        let last = ends.next().unwrap_or(Some(first)).ok_or(WHAT)?;
        let ascends = cpus.last().is_none_or(|&cpu| u64::from(cpu) < first);
        if !ascends || last < first || last >= MOST {
            return Err(WHAT);
        }
        cpus.extend(first as u32..=last as u32);
    }
    Ok(cpus)
}

/// The numbers of the processors that run, ascending.
pub(crate) fn online(sys_root: &Path) -> Result<Vec<u32>, Refusal> {
    const FILE: &[u8] = b"online";
    let directory = Directory::open(&sys_root.join("devices/system/cpu"))?;
    let mut text = Vec::new();
    directory.read(FILE, &mut text)?;
    parse(&text).map_err(|what| Refusal::new(directory.path_of(FILE), Cause::Malformed(what)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_ranges() {
        assert_eq!(parse(b"0\n"), Ok(vec![0]));
        assert_eq!(parse(b"0-3,6,8-9\n"), Ok(vec![0, 1, 2, 3, 6, 8, 9]));
    }

    #[test]
    fn what_no_kernel_writes_is_refused() {
        for wrong in [
            &b""[..],
            b"\n",
            b"0-3",
            b"0-\n",
            b"-1\n",
            b"3-1\n",
            b"0,0\n",
            b"2,1\n",
            b"0,,1\n",
            b"0-1-2\n",
            b"a\n",
            b"0-99999999999\n",
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
