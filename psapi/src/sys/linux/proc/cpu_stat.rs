//! `PROC/stat`: its first line has the CPU time of all processors together.
//!
//! The first eight fields exist on every supported kernel. Guest time, in the fields after them, is
//! part of `user` and `nice`.

use crate::error::{ErrorCause, SourceError};
use crate::sys::linux::dir::Dir;
use crate::sys::linux::proc_root;
use crate::sys::linux::text::{decimal, whole_lines};

/// The fields of the first line, with the kernel's names. All are in clock ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CpuStat {
    pub(crate) user: u64,
    pub(crate) nice: u64,
    pub(crate) system: u64,
    pub(crate) idle: u64,
    pub(crate) iowait: u64,
    pub(crate) irq: u64,
    pub(crate) softirq: u64,
    pub(crate) steal: u64,
}

/// Parses the first line.
pub(crate) fn parse(text: &[u8]) -> Result<CpuStat, &'static str> {
    let line = whole_lines(text).next().ok_or("the line is truncated")?;
    let fields = line.strip_prefix(b"cpu ");
    let fields = fields.ok_or("the first line is not about all processors")?;
    let mut fields = fields
        .split(u8::is_ascii_whitespace)
        .filter(|field| !field.is_empty());
    let mut next = || {
        let field = fields.next().and_then(decimal);
        field.ok_or("a field is missing or not a number")
    };
    Ok(CpuStat {
        user: next()?,
        nice: next()?,
        system: next()?,
        idle: next()?,
        iowait: next()?,
        irq: next()?,
        softirq: next()?,
        steal: next()?,
    })
}

/// Reads the first line.
pub(crate) fn read(proc: &Dir) -> Result<CpuStat, SourceError> {
    const FILE: &[u8] = b"stat";
    let mut text = Vec::new();
    proc_root::read(proc, FILE, &mut text)?;
    parse(&text).map_err(|what| SourceError::new(proc.path_of(FILE), ErrorCause::Malformed(what)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_fills_every_field() {
        let text = b"cpu  150 20 30 4000 50 6 7 8 9 0\ncpu0 1 2 3 4 5 6 7 8 9 0\n";
        let stat = CpuStat {
            user: 150,
            nice: 20,
            system: 30,
            idle: 4000,
            iowait: 50,
            irq: 6,
            softirq: 7,
            steal: 8,
        };
        assert_eq!(parse(text), Ok(stat));
    }

    #[test]
    fn malformed_line_is_rejected() {
        let line = b"cpu  150 20 30 4000 50 6 7 8\n";
        for end in 0..line.len() {
            assert!(parse(&line[..end]).is_err(), "cut at {end}");
        }
        for wrong in [&b"cpu0 1 2 3 4 5 6 7 8\n"[..], b"cpu  1 2 x 4 5 6 7 8\n"] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
