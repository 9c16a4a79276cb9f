//! `SYS/devices/system/cpu/online`: the online CPUs as a list of numbers and ranges, such as
//! `0-3,6`.

use std::path::Path;

use crate::error::{ErrorCause, SourceError};
use crate::sys::linux::dir::Dir;
use crate::sys::linux::text::decimal;

/// No kernel supports this many CPUs. The limit keeps a damaged list from using up memory.
const MAX_CPUS: u64 = 1 << 16;

/// Parses a list of ascending CPU numbers.
pub(crate) fn parse(text: &[u8]) -> Result<Vec<u32>, &'static str> {
    const INVALID: &str = "the line is not a list of CPUs";
    let line = text.strip_suffix(b"\n").ok_or("the line is truncated")?;
    let mut cpus = Vec::new();
    for part in line.split(|&byte| byte == b',') {
        let mut ends = part.splitn(2, |&byte| byte == b'-').map(decimal);
        let first = ends.next().flatten().ok_or(INVALID)?;
        let last = ends.next().unwrap_or(Some(first)).ok_or(INVALID)?;
        let ascends = cpus.last().is_none_or(|&cpu| u64::from(cpu) < first);
        if !ascends || last < first || last >= MAX_CPUS {
            return Err(INVALID);
        }
        cpus.extend(first as u32..=last as u32);
    }
    Ok(cpus)
}

/// Reads the numbers of the online CPUs in ascending order.
pub(crate) fn online(sys_root: &Path) -> Result<Vec<u32>, SourceError> {
    const FILE: &[u8] = b"online";
    let directory = Dir::open(&sys_root.join("devices/system/cpu"))?;
    let mut text = Vec::new();
    directory.read(FILE, &mut text)?;
    parse(&text)
        .map_err(|what| SourceError::new(directory.path_of(FILE), ErrorCause::Malformed(what)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_expands_ranges() {
        assert_eq!(parse(b"0\n"), Ok(vec![0]));
        assert_eq!(parse(b"0-3,6,8-9\n"), Ok(vec![0, 1, 2, 3, 6, 8, 9]));
    }

    #[test]
    fn malformed_lists_are_rejected() {
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
