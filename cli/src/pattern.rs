//! Names to look for: exact, or with `*` and `?` as in a shell.

use std::convert::Infallible;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use psapi::{Fields, ProcessStatus};

/// A pattern over bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<u8>);

impl Pattern {
    /// For an argument's value: every text is a pattern.
    pub fn parse(text: &str) -> Result<Self, Infallible> {
        Ok(Pattern::new(OsStr::new(text)))
    }

    pub fn new(text: &OsStr) -> Self {
        Pattern(text.as_bytes().to_vec())
    }

    /// Whether a process goes by this name: the kernel's, or the base name of its image. `[NAME]` is
    /// a kernel thread's. `None`: it has a name that may not be read, and no other that matches.
    pub fn matches_process(&self, status: &ProcessStatus) -> Option<bool> {
        let names = [status.name.clone(), status.display_name()];
        let mut names = names.iter().flatten();
        if names.any(|name| self.matches(name.as_bytes())) {
            return Some(true);
        }
        let has_image = status.kernel_thread != Some(true);
        let is_unread = has_image && status.unreadable.contains(Fields::IMAGE);
        (status.name.is_some() && !is_unread).then_some(false)
    }

    /// The same pattern with other bytes.
    pub fn map(&self, map: impl Fn(u8) -> u8) -> Self {
        Pattern(self.0.iter().map(|&byte| map(byte)).collect())
    }

    pub fn matches(&self, name: &[u8]) -> bool {
        // Where the last `*` was, and how much of the name it has taken: on a mismatch it takes
        // one byte more. An earlier one need not be tried again.
        let pattern = &self.0[..];
        let (mut at, mut read) = (0, 0);
        let mut star: Option<(usize, usize)> = None;
        while read < name.len() {
            match pattern.get(at) {
                Some(b'*') => {
                    star = Some((at, read));
                    at += 1;
                }
                Some(&byte) if byte == b'?' || byte == name[read] => {
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
        pattern[at..].iter().all(|&byte| byte == b'*')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_are_wild_and_nothing_else_is() {
        let matches = |pattern: &str, name: &[u8]| Pattern::new(OsStr::new(pattern)).matches(name);
        for (pattern, name) in [
            ("bash", &b"bash"[..]),
            ("*", b""),
            ("ba*", b"bash"),
            ("*sh", b"bash"),
            ("b*s*h", b"bashssh"),
            ("b?sh", b"b\xffsh"),
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
