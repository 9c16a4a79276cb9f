//! `PROC/PID/mounts`: the mounted file systems, one line each.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::file::Directory;
use super::text::{unescape, whole_lines};

/// Whether the proc file system that is mounted at a place hides processes from some users, so that
/// a process that is there looks as if it were not. With `hidepid=1` it is there, and refused.
fn hides_processes(mounts: &[u8], place: &Path) -> bool {
    // Of two mounted at the same place the later one is seen.
    let seen = whole_lines(mounts)
        .filter_map(|line| {
            let mut fields = line.split(|&byte| byte == b' ').skip(1);
            let (at, kind, options) = (fields.next()?, fields.next()?, fields.next()?);
            (OsStr::from_bytes(&unescape(at)) == place).then_some((kind, options))
        })
        .last();
    let Some((b"proc", options)) = seen else {
        return false;
    };
    options
        .split(|&byte| byte == b',')
        .filter_map(|option| option.strip_prefix(b"hidepid="))
        .any(|value| !matches!(value, b"0" | b"off" | b"1" | b"noaccess"))
}

/// Whether a proc root does, by what it says itself; not, where it does not say.
pub(crate) fn root_hides_processes(proc: &Directory) -> bool {
    let mut mounts = Vec::new();
    proc.read(b"self/mounts", &mut mounts).is_ok()
        && std::fs::canonicalize(proc.path()).is_ok_and(|place| hides_processes(&mounts, &place))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hides(mounts: &str, place: &str) -> bool {
        hides_processes(mounts.as_bytes(), Path::new(place))
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
        for (option, expected) in [
            ("hidepid=2", true),
            ("hidepid=invisible", true),
            ("hidepid=4", true),
            ("rw,gid=4,hidepid=ptraceable", true),
            ("hidepid=0", false),
            ("hidepid=off", false),
            ("hidepid=1", false),
            ("hidepid=noaccess", false),
            ("nohidepid=2", false),
            ("hidepid", false),
        ] {
            let line = format!("proc /proc proc {option} 0 0\n");
            assert_eq!(hides(&line, "/proc"), expected, "{option}");
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
