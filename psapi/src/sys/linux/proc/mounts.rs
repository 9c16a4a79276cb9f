//! `PROC/PID/mounts`: the mounted file systems, one `DEVICE MOUNT_POINT TYPE OPTIONS 0 0` line
//! each.
//!
//! Only the mount options of a proc root are needed, to detect hidden processes. Since Linux 5.8
//! `hidepid` also has the value 4, and the kernel prints names instead of numbers.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::sys::linux::text::{decimal, unescape, whole_lines};

/// A `hidepid` option that hides processes of other users. `hidepid=1` only denies access to their
/// files, so it does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HidePid {
    /// The group (`gid=`) that sees all processes. `None` with `hidepid=4`, which ignores groups.
    pub(crate) group: Option<u32>,
}

/// Returns the `hidepid` option of the proc file system at `mount_point`. Returns `None` if it
/// hides no processes or is not a proc file system.
pub(crate) fn hidepid(mounts: &[u8], mount_point: &Path) -> Option<HidePid> {
    // The last mount at a mount point covers the earlier ones.
    let visible = whole_lines(mounts)
        .filter_map(|line| {
            let mut fields = line.split(|&byte| byte == b' ').skip(1);
            let (path, kind, options) = (fields.next()?, fields.next()?, fields.next()?);
            (OsStr::from_bytes(&unescape(path)) == mount_point).then_some((kind, options))
        })
        .last();
    let Some((b"proc", options)) = visible else {
        return None;
    };
    let option = |name: &[u8]| {
        let mut options = options.split(|&byte| byte == b',');
        options.find_map(|option| option.strip_prefix(name))
    };
    match option(b"hidepid=")? {
        b"0" | b"off" | b"1" | b"noaccess" => None,
        b"4" | b"ptraceable" => Some(HidePid { group: None }),
        _ => {
            // The kernel omits the default, which is root's group.
            let group = option(b"gid=").map_or(Some(0), decimal);
            Some(HidePid {
                group: group.and_then(|group| group.try_into().ok()),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hides(mounts: &str, mount_point: &str) -> bool {
        hidepid(mounts.as_bytes(), Path::new(mount_point)).is_some()
    }

    #[test]
    fn options_come_from_the_mount_point() {
        let mounts = "/dev/root / ext4 rw,hidepid=2 0 0\n\
                      proc /proc proc rw,relatime 0 0\n\
                      proc /a\\040b\\134\\043 proc rw,nosuid,hidepid=invisible,gid=4 0 0\n\
                      none /tmp tmpfs rw,hidepid=2 0 0\n";
        assert!(hides(mounts, "/a b\\#"));
        for other in ["/", "/proc", "/a\\040b\\134\\043", "/tmp", "/a", ""] {
            assert!(!hides(mounts, other), "{other}");
        }
    }

    #[test]
    fn only_some_values_hide() {
        let group = |group| Some(HidePid { group });
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
            let found = hidepid(line.as_bytes(), Path::new("/proc"));
            assert_eq!(found, expected, "{option}");
        }
    }

    #[test]
    fn last_mount_covers_earlier_ones() {
        let visible = "proc /proc proc rw 0 0\n";
        let hidden = "proc /proc proc rw,hidepid=2 0 0\n";
        assert!(hides(&[visible, hidden].concat(), "/proc"));
        assert!(!hides(&[hidden, visible].concat(), "/proc"));
    }

    #[test]
    fn malformed_lines_are_ignored() {
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
