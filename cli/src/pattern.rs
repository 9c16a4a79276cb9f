//! Patterns for names and command lines: `*` and `?` are wildcards, as in a shell; everything else
//! is literal.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};

use psapi::{Fields, ProcessId, ProcessStatus};

use crate::columns::command_text;
use crate::output::printable;
use crate::sys::{NameUnit, name_units, process_names};

/// The wildcards for any text and for any unit.
const STAR: NameUnit = b'*' as NameUnit;
const ANY: NameUnit = b'?' as NameUnit;

/// A pattern over the units by which names are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: OsString,
    units: Vec<NameUnit>,
}

impl Pattern {
    /// Parses the value of an option. Every text is a valid pattern.
    pub fn parse(text: &str) -> Result<Self, Infallible> {
        Ok(Pattern::new(OsStr::new(text)))
    }

    pub fn new(text: &OsStr) -> Self {
        Pattern {
            text: text.to_owned(),
            units: name_units(text.as_encoded_bytes()).into_owned(),
        }
    }

    /// Returns the text that was parsed.
    pub fn as_os_str(&self) -> &OsStr {
        &self.text
    }

    /// Returns the process id that the pattern consists of; `None` if it is not a number.
    pub fn as_id(&self) -> Option<ProcessId> {
        self.text.to_str()?.parse().ok()
    }

    /// Returns the pattern as printable text.
    pub fn text(&self) -> String {
        printable(self.text.as_encoded_bytes())
    }

    /// Returns whether the pattern matches one of the names of a process. `None` if a name could not
    /// be read and no other name matches.
    pub fn matches_process(&self, status: &ProcessStatus) -> Option<bool> {
        self.matches_name(status, Self::matches)
    }

    /// Like [`matches_process`](Self::matches_process), for a part of a name.
    pub fn is_in_name(&self, status: &ProcessStatus) -> Option<bool> {
        self.matches_name(status, Self::is_in)
    }

    /// Returns whether the pattern matches a part of the command line. `None` if the command line
    /// could not be read.
    pub fn is_in_command_line(&self, status: &ProcessStatus) -> Option<bool> {
        match &status.command_line {
            Some(line) => Some(self.is_in(&command_text(line))),
            None if status.unreadable.contains(Fields::COMMAND_LINE) => None,
            None => Some(false),
        }
    }

    fn matches_name(
        &self,
        status: &ProcessStatus,
        matches: fn(&Self, &[u8]) -> bool,
    ) -> Option<bool> {
        let mut names = process_names(status);
        if names.any(|name| matches(self, name.as_encoded_bytes())) {
            return Some(true);
        }
        let has_image = status.kernel_thread != Some(true);
        let is_image_unread = has_image && status.unreadable.contains(Fields::IMAGE);
        (status.name.is_some() && !is_image_unread).then_some(false)
    }

    /// Returns true if the pattern matches a part of the text.
    fn is_in(&self, text: &[u8]) -> bool {
        let star = &[STAR][..];
        matches(&[star, &self.units, star].concat(), &name_units(text))
    }

    /// Returns true if the pattern matches the whole name.
    pub fn matches(&self, name: &[u8]) -> bool {
        matches(&self.units, &name_units(name))
    }
}

/// Returns true if a pattern matches the whole name.
fn matches(pattern: &[NameUnit], name: &[NameUnit]) -> bool {
    // The position of the last `*`, and the end of the part of the name that this `*` matches.
    // On a mismatch, this `*` matches one more unit. Earlier `*` never need to match more:
    // whatever follows them up to the last `*` already matches.
    let (mut at, mut read) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while read < name.len() {
        match pattern.get(at) {
            Some(&STAR) => {
                star = Some((at, read));
                at += 1;
            }
            Some(&unit) if unit == ANY || unit == name[read] => {
                at += 1;
                read += 1;
            }
            _ => {
                let Some((star_at, taken)) = star else {
                    return false;
                };
                star = Some((star_at, taken + 1));
                at = star_at + 1;
                read = taken + 1;
            }
        }
    }
    pattern[at..].iter().all(|&unit| unit == STAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_star_and_question_mark_are_wildcards() {
        let matches = |pattern: &str, name: &[u8]| Pattern::new(OsStr::new(pattern)).matches(name);
        for (pattern, name) in [
            ("bash", &b"bash"[..]),
            ("*", b""),
            ("ba*", b"bash"),
            ("*sh", b"bash"),
            ("b*s*h", b"bashssh"),
            #[cfg(target_os = "linux")]
            ("b?sh", b"b\xffsh"),
            #[cfg(windows)]
            ("b?S?", "BÄsH".as_bytes()),
            ("[a]", b"[a]"),
            ("a**b", b"ab"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name:?}");
        }
        for (pattern, name) in [
            ("bash", &b"bashful"[..]),
            ("ash", b"bash"),
            ("b?sh", b"bsh"),
            ("", b"a"),
            ("[a]", b"a"),
            ("*a", b"ab"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name:?}");
        }
    }
}
