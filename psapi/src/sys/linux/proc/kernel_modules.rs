//! `PROC/modules`: the loaded kernel modules, latest first, one line each:
//! `NAME SIZE REFERENCES USERS STATE ADDRESS [(TAINT)]`.

use std::collections::HashSet;

use crate::error::{ErrorCause, SourceError};
use crate::sys::linux::dir::Dir;
use crate::sys::linux::proc_root;
use crate::sys::linux::text::{decimal, hexadecimal, signed_decimal, whole_lines};

/// One line of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Module<'a> {
    pub(crate) name: &'a [u8],
    /// The total size of all sections in bytes.
    pub(crate) size: u64,
    /// `None` while the module is being unloaded, and on kernels that cannot unload modules and
    /// thus do not count references.
    pub(crate) references: Option<u64>,
    /// `-`, or names that each end in a comma.
    users: &'a [u8],
    /// `Live`, `Loading` or `Unloading`.
    pub(crate) state: &'a [u8],
    /// `None` if the kernel hides addresses from this user.
    pub(crate) address: Option<u64>,
    /// The letters between the parentheses, with `+` during loading and `-` during unloading.
    pub(crate) taint: &'a [u8],
}

/// Listed among the users of a module that cannot be unloaded.
const PERMANENT: &[u8] = b"[permanent]";

impl<'a> Module<'a> {
    /// Returns the names of the modules that use this one.
    pub(crate) fn users(&self) -> impl Iterator<Item = &'a [u8]> {
        self.all_users().filter(|&user| user != PERMANENT)
    }

    /// Returns true if the module cannot be unloaded.
    pub(crate) fn is_permanent(&self) -> bool {
        self.all_users().any(|user| user == PERMANENT)
    }

    fn all_users(&self) -> impl Iterator<Item = &'a [u8]> {
        self.users
            .split(|&byte| byte == b',')
            .filter(|&user| !user.is_empty() && user != b"-")
    }
}

fn parse_line(line: &[u8]) -> Option<Module<'_>> {
    let mut fields = line
        .split(|&byte| byte == b' ')
        .filter(|field| !field.is_empty());
    let name = fields.next()?;
    let size = decimal(fields.next()?)?;
    let references = match fields.next()? {
        b"-" => None,
        // -1 while the module is being unloaded.
        count => u64::try_from(signed_decimal(count)?).ok(),
    };
    let users = fields.next()?;
    let state = fields.next()?;
    let address = match fields.next()?.strip_prefix(b"0x")? {
        // Before Linux 4.15 a hidden address was printed as spaces and `(null)`.
        b"" if fields.next()? == b"(null)" => 0,
        digits => hexadecimal(digits)?,
    };
    let taint = match fields.next() {
        Some(taint) => taint.strip_prefix(b"(")?.strip_suffix(b")")?,
        None => b"",
    };
    Some(Module {
        name,
        size,
        references,
        users,
        state,
        address: Some(address).filter(|&address| address != 0),
        taint,
    })
}

/// Parses the text of the file.
pub(crate) fn parse(text: &[u8]) -> Result<Vec<Module<'_>>, &'static str> {
    if !text.is_empty() && !text.ends_with(b"\n") {
        return Err("the file is truncated");
    }
    whole_lines(text)
        .map(|line| parse_line(line).ok_or("a line does not describe a module"))
        .collect()
}

/// Reads the file into `text`. A kernel built without support for modules has no such file, which
/// leaves `text` empty.
pub(crate) fn read<'a>(proc: &Dir, text: &'a mut Vec<u8>) -> Result<Vec<Module<'a>>, SourceError> {
    const FILE: &[u8] = b"modules";
    let mut previous = Vec::new();
    for _ in 0..MAX_READS {
        std::mem::swap(text, &mut previous);
        if !proc_root::read_optional(proc, FILE, text)? {
            text.clear();
        }
        if names(text).eq(names(&previous)) {
            break;
        }
    }
    let parsed = parse(text);
    let mut modules = parsed
        .map_err(|reason| SourceError::new(proc.path_of(FILE), ErrorCause::Malformed(reason)))?;
    let mut seen = HashSet::new();
    modules.retain(|module| seen.insert(module.name));
    Ok(modules)
}

/// Limit for reading the file until two consecutive reads list the same modules.
///
/// The kernel returns one page at a time and finds its position by counting lines. If modules are
/// loaded or unloaded in between, a module can appear twice or not at all.
const MAX_READS: usize = 16;

fn names(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    whole_lines(text).map(|line| line.split(|&byte| byte == b' ').next().unwrap_or(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"nf_nat 57344 2 xt_nat,nft_chain_nat, Live 0xffffffffc0c20000\n\
nvidia 56717312 41 nvidia_modeset, Live 0xffffffffc1000000 (POE)\n\
zram 36864 0 [permanent], Live 0x0000000000000000\n\
ext4 1003520 1 - Live 0xffffffffc0a00000\n\
gone 4096 -1 - Unloading 0xffffffffc0001000 (E-)\n\
old - - - Loading 0x          (null) (+)\n";

    #[test]
    fn parses_all_fields() {
        let text = TEXT.to_vec();
        let text = String::from_utf8(text).unwrap().replace("old -", "old 12");
        let modules = parse(text.as_bytes()).unwrap();
        let users = |at: usize| modules[at].users().collect::<Vec<_>>();
        assert_eq!(modules[0].name, b"nf_nat");
        assert_eq!(modules[0].size, 57344);
        assert_eq!(modules[0].references, Some(2));
        assert_eq!(users(0), [&b"xt_nat"[..], b"nft_chain_nat"]);
        assert_eq!(modules[0].state, b"Live");
        assert_eq!(modules[0].address, Some(0xffff_ffff_c0c2_0000));
        assert_eq!(modules[0].taint, b"");
        assert_eq!(modules[1].taint, b"POE");
        assert!(users(2).is_empty() && modules[2].is_permanent());
        assert_eq!(modules[2].address, None);
        assert!(users(3).is_empty() && !modules[3].is_permanent());
        assert_eq!(
            (modules[4].references, modules[4].state),
            (None, &b"Unloading"[..])
        );
        assert_eq!(modules[4].taint, b"E-");
        assert_eq!((modules[5].references, modules[5].address), (None, None));
        assert_eq!(modules[5].taint, b"+");
    }

    #[test]
    fn empty_file_has_no_modules() {
        assert_eq!(parse(b""), Ok(Vec::new()));
    }

    #[test]
    fn rejects_invalid_lines() {
        for line in [
            &b"\n"[..],
            b"a\n",
            b"a - 0 - Live 0x0\n",
            b"a 1 0 - Live\n",
            b"a 1 0 - Live 12\n",
            b"a 1 0 - Live 0x\n",
            b"a 1 x - Live 0x1\n",
            b"a 1 0 - Live 0x1 (O\n",
            b"a 99999999999999999999 0 - Live 0x1\n",
            b"a 1 0 - Live 0x1",
        ] {
            assert!(parse(line).is_err(), "{:?}", String::from_utf8_lossy(line));
        }
    }

    #[test]
    fn rejects_truncated_lines() {
        let line = b"ext4 1003520 1 - Live 0xffffffffc0a00000 (E)\n";
        assert_eq!(parse(line).unwrap().len(), 1);
        for end in 1..line.len() {
            assert!(parse(&line[..end]).is_err(), "cut at {end}");
        }
    }
}
