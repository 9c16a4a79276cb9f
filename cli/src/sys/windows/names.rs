//! Names of processes and files: UTF-16 that need not be valid, compared without case.
//!
//! The command keeps names as the standard library encodes them: UTF-8, in which each unpaired
//! surrogate takes three bytes that UTF-8 does not allow (WTF-8).

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::path::Path;

use psapi::ProcessStatus;

/// The unit that a `?` in a pattern matches: a character, or an unpaired surrogate.
pub type NameUnit = u32;

/// Returns a name as the units by which names are compared: its characters in lower case.
pub fn name_units(name: &[u8]) -> Cow<'_, [NameUnit]> {
    let mut units = Vec::with_capacity(name.len());
    let mut rest = name;
    while !rest.is_empty() {
        let (text, others) = split_at_invalid(rest);
        units.extend(text.chars().map(in_lower_case));
        let (unit, length) = first_unit(others);
        units.extend(unit);
        rest = &others[length..];
    }
    Cow::Owned(units)
}

/// Returns a character in lower case, unless its lower case consists of several characters.
fn in_lower_case(character: char) -> NameUnit {
    let mut lower = character.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(single), None) => single.into(),
        _ => character.into(),
    }
}

/// Splits a name before its first byte that is not UTF-8.
fn split_at_invalid(name: &[u8]) -> (&str, &[u8]) {
    match str::from_utf8(name) {
        Ok(text) => (text, &[]),
        Err(error) => {
            let (valid, others) = name.split_at(error.valid_up_to());
            (str::from_utf8(valid).unwrap_or_default(), others)
        }
    }
}

/// Returns the surrogate that the bytes begin with, or their first byte, and its length in bytes.
fn first_unit(bytes: &[u8]) -> (Option<NameUnit>, usize) {
    match *bytes {
        [0xed, second @ 0xa0..=0xbf, third @ 0x80..=0xbf, ..] => {
            let low = u32::from(second & 0x3f) << 6 | u32::from(third & 0x3f);
            (Some(0xd000 | low), 3)
        }
        [byte, ..] => (Some(byte.into()), 1),
        [] => (None, 0),
    }
}

/// Appends the escape of the surrogate (`\u{d800}`) that the bytes begin with. `bytes` is not empty
/// and does not begin with UTF-8. Returns the number of escaped bytes.
pub fn push_invalid(text: &mut String, bytes: &[u8]) -> usize {
    let (unit, length) = first_unit(bytes);
    // Writing to a String cannot fail.
    let _ = match unit {
        Some(unit) if length > 1 => write!(text, "\\u{{{unit:x}}}"),
        unit => write!(text, "\\x{:02x}", unit.unwrap_or_default()),
    };
    length
}

/// Returns the names of a process: the name of its executable file with and without the extension
/// `.exe`, and the path of the file.
pub fn process_names(status: &ProcessStatus) -> impl Iterator<Item = OsString> {
    let path = status.image.as_ref().map(|image| image.path.clone().into());
    let names = [status.name.clone(), status.display_name()];
    let stems = names.clone().map(|name| without_extension(&name?));
    names.into_iter().chain(stems).chain([path]).flatten()
}

fn without_extension(name: &OsStr) -> Option<OsString> {
    let name = Path::new(name);
    let is_executable = name.extension()?.eq_ignore_ascii_case("exe");
    name.file_stem()
        .filter(|_| is_executable)
        .map(OsStr::to_owned)
}

/// Returns the name of a driver as it is.
pub fn driver_name(name: &OsStr) -> OsString {
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use std::os::windows::ffi::OsStringExt as _;

    use super::*;

    #[test]
    fn surrogate_is_one_unit() {
        let name = OsString::from_wide(&[0x41, 0xd800, 0xc4, 0xdfff]);
        let bytes = name.as_encoded_bytes();
        assert_eq!(*name_units(bytes), [0x61, 0xd800, 0xe4, 0xdfff]);
        let mut text = String::new();
        assert_eq!(push_invalid(&mut text, &bytes[1..]), 3);
        assert_eq!(text, r"\u{d800}");
    }

    #[test]
    fn only_exe_is_removed() {
        let stem = |name| without_extension(OsStr::new(name));
        assert_eq!(stem("Notepad.EXE"), Some("Notepad".into()));
        assert_eq!(stem("a.com"), None);
        assert_eq!(stem("exe"), None);
    }
}
