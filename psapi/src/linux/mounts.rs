//! `PROC/PID/mounts`: the mounted file systems, one line each.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::text::{decimal, unescape, whole_lines};

/// How a proc file system hides processes from some users, so that a process that is there looks as
/// if it were not. With `hidepid=1` it is there, and refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hiding {
    /// The group that sees all. With `hidepid=4` there is none.
    pub(crate) group: Option<u32>,
}

/// How the proc file system that is mounted at a place hides processes, if it does.
pub(crate) fn hiding(mounts: &[u8], place: &Path) -> Option<Hiding> {
    // Of two mounted at the same place the later one is seen.
    let seen = whole_lines(mounts)
        .filter_map(|line| {
            let mut fields = line.split(|&byte| byte == b' ').skip(1);
            let (at, kind, options) = (fields.next()?, fields.next()?, fields.next()?);
            (OsStr::from_bytes(&unescape(at)) == place).then_some((kind, options))
        })
        .last();
    let Some((b"proc", options)) = seen else {
        return None;
    };
    let option = |name: &[u8]| {
        let mut options = options.split(|&byte| byte == b',');
        options.find_map(|option| option.strip_prefix(name))
    };
    match option(b"hidepid=")? {
        b"0" | b"off" | b"1" | b"noaccess" => None,
        b"4" | b"ptraceable" => Some(Hiding { group: None }),
        _ => {
            // The kernel does not show its default, which is root's.
            let group = option(b"gid=").map_or(Some(0), decimal);
            Some(Hiding {
                group: group.and_then(|group| group.try_into().ok()),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hides(mounts: &str, place: &str) -> bool {
        hiding(mounts.as_bytes(), Path::new(place)).is_some()
    }

    #[test]
    fn the_option_is_that_of_the_mount_at_the_place() {
        let mounts = "/dev/root / ext4 rw,hidepid=2 0 0\n\
                      proc /proc proc rw,relatime 0 0\n\
                      proc /a\\040b\\134\\043 proc rw,nosuid,hidepid=invisible,gid=4 0 0\n\
                      none /tmp tmpfs rw,hidepid=2 0 0\n";
        assert!(hides(mounts, "/a b\\#"));
        for place in ["/", "/proc", "/a\\040b\\134\\043", "/tmp", "/a", ""] {
            assert!(!hides(mounts, place), "{place}");
        }
    }

    #[test]
    fn only_some_values_hide() {
        let group = |group| Some(Hiding { group });
        for (option, expected) in [
            ("hidepid=2", group(Some(0))),
            ("hidepid=invisible", group(Some(0))),
            ("rw,gid=4,hidepid=2", group(Some(4))),
            ("hidepid=4", group(None)),
            ("rw,gid=4,hidepid=ptraceable", group(None)),
            ("hidepid=0", None),
            ("hidepid=off", None),
            ("hidepid=1", None),
            ("hidepid=noaccess", None),
            ("nohidepid=2", None),
            ("hidepid", None),
        ] {
            let line = format!("proc /proc proc {option} 0 0\n");
            let found = hiding(line.as_bytes(), Path::new("/proc"));
            assert_eq!(found, expected, "{option}");
        }
    }

    #[test]
    fn the_last_mount_at_a_place_is_the_one_that_is_seen() {
        let open = "proc /proc proc rw 0 0\n";
        let hiding = "proc /proc proc rw,hidepid=2 0 0\n";
        assert!(hides(&[open, hiding].concat(), "/proc"));
        assert!(!hides(&[hiding, open].concat(), "/proc"));
    }

    #[test]
    fn damaged_lines_hide_nothing() {
        for text in [
            "",
            "\n",
            "proc",
            "proc /proc\n",
            "proc /proc proc\n",
            "proc /proc proc hidepid=2 0 0",
            "  /proc  proc hidepid=2\n",
        ] {
            assert!(!hides(text, "/proc"), "{text:?}");
        }
    }
}
