//! `PROC/PID/root`: a link to the root directory of a process.
//!
//! The kernel prints the paths of mapped files, and of links such as `exe`, relative to a root.
//! This is the root of the process that reads them, not of the process in `PID`. If the file is not
//! below the reader's root, the path starts at the root of the file's mount namespace. Thus three
//! directories can be the start of a path:
//!
//! - the root of the process, if the path begins with the path of that root, which the kernel
//!   prints by the same rule. In a container this is just `/`.
//! - the root of the process's mount namespace, if the process called `chroot`. It is reached by
//!   `..` from the root of the process, because `..` stops only at the root of the caller.
//! - the root of the caller.
//!
//! A file that is found there must be verified by its identity.

use rustix::io::Errno;

use crate::sys::linux::dir::Dir;

/// The root directory at which a path can start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    Process,
    /// That of the process's mount namespace, if it differs.
    Namespace,
    Caller,
}

/// The target of the link of one process. Its memory can be reused for another process.
#[derive(Debug, Default)]
pub(crate) struct Root {
    /// The path without a slash at the end.
    path: Vec<u8>,
    /// Whether the link could be read.
    is_known: bool,
}

impl Root {
    /// Replaces the target with that of the link `link` below `process`.
    pub(crate) fn read(&mut self, process: &Dir, link: &[u8]) {
        let read = process.try_read_link(link, &mut self.path);
        // A copied tree can have a directory instead of a link.
        self.is_known = matches!(read, Ok(()) | Err(Errno::INVAL));
        self.trim();
    }

    fn trim(&mut self) {
        while self.path.last() == Some(&b'/') {
            self.path.pop();
        }
    }

    /// Returns the starts, the most probable one first.
    pub(crate) fn starts() -> [Start; 3] {
        [Start::Process, Start::Namespace, Start::Caller]
    }

    /// Stores the name of a file in `name`, relative to the directory that the link is relative to.
    /// Returns false if the path cannot begin at `start`.
    pub(crate) fn name_of(
        &self,
        start: Start,
        link: &[u8],
        path: &[u8],
        name: &mut Vec<u8>,
    ) -> bool {
        name.clear();
        if start != Start::Caller {
            if !self.is_known {
                return false;
            }
            name.extend_from_slice(link);
        }
        let below = match start {
            Start::Caller => path,
            Start::Process => match path.strip_prefix(&self.path[..]) {
                Some(below) => below,
                None => return false,
            },
            Start::Namespace if self.path.is_empty() => return false,
            Start::Namespace => {
                for _ in self.path.iter().filter(|&&byte| byte == b'/') {
                    name.extend_from_slice(b"/..");
                }
                path
            }
        };
        name.extend_from_slice(below);
        below.starts_with(b"/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(root: &str, path: &str) -> Vec<String> {
        let mut target = Root {
            path: root.into(),
            is_known: true,
        };
        target.trim();
        let mut name = Vec::new();
        let names = Root::starts().into_iter().filter_map(|start| {
            let is_possible = target.name_of(start, b"7/root", path.as_bytes(), &mut name);
            is_possible.then(|| String::from_utf8(name.clone()).unwrap())
        });
        names.collect()
    }

    #[test]
    fn path_below_root_loses_prefix() {
        assert_eq!(names("/", "/lib/a"), ["7/root/lib/a", "/lib/a"]);
        assert_eq!(
            names("/srv/x", "/srv/x/lib/a"),
            ["7/root/lib/a", "7/root/../../srv/x/lib/a", "/srv/x/lib/a"]
        );
    }

    #[test]
    fn path_outside_root_starts_at_top() {
        for path in ["/srv/xy/a", "/lib/a"] {
            let at_top = format!("7/root/../..{path}");
            assert_eq!(names("/srv/x", path), [at_top, path.into()]);
        }
        assert_eq!(names("/", "[heap]"), [""; 0]);
    }

    #[test]
    fn unreadable_root_leaves_caller_root() {
        let mut name = Vec::new();
        let found = Root::starts()
            .map(|start| Root::default().name_of(start, b"root", b"/lib/a", &mut name));
        assert_eq!((found, &name[..]), ([false, false, true], &b"/lib/a"[..]));
    }
}
