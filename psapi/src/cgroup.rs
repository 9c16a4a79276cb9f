//! The control groups of a process, and the container that they belong to.

use std::ffi::OsStr;
use std::path::Path;

use crate::sys::os_str;

/// The control groups of a process. Source: `PROC/PID/cgroup`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Cgroup {
    pub(crate) text: Vec<u8>,
    /// Whether the kernel has marked the group in the unified hierarchy as deleted.
    pub(crate) deleted: bool,
}

/// The mark of a deleted group, which the kernel appends to its path.
pub(crate) const DELETED: &[u8] = b" (deleted)";

/// The control group of a process in one hierarchy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct CgroupEntry<'a> {
    /// The number of the hierarchy; 0 is the unified hierarchy (version 2).
    pub hierarchy: u32,
    /// The controllers bound to the hierarchy, comma-separated; empty for the unified hierarchy.
    pub controllers: &'a OsStr,
    /// The path of the group, relative to the root of the hierarchy, or of the reader's cgroup
    /// namespace.
    pub path: &'a Path,
    /// Whether the group was removed after the process exited. Only the unified hierarchy reports
    /// that; in others, a process that has exited is in the root group.
    pub deleted: bool,
}

impl Cgroup {
    /// Returns the group in each hierarchy, in the kernel's order.
    pub fn entries(&self) -> impl Iterator<Item = CgroupEntry<'_>> {
        lines(&self.text).map(|line| {
            let marked = Some(line.path).filter(|_| self.deleted && line.hierarchy == 0);
            let deleted = marked.and_then(|path| path.strip_suffix(DELETED));
            CgroupEntry {
                hierarchy: line.hierarchy,
                controllers: os_str(line.controllers),
                path: Path::new(os_str(deleted.unwrap_or(line.path))),
                deleted: deleted.is_some(),
            }
        })
    }

    /// Returns the most informative path. This is the path in the unified hierarchy, unless the
    /// process is in its root group.
    ///
    /// On systems that use version 1, the unified hierarchy has only a root group. The result is
    /// then the first path in another hierarchy that is not the root.
    pub fn path(&self) -> Option<&Path> {
        let unified = self.entries().find(|entry| entry.hierarchy == 0);
        let root = Path::new("/");
        unified
            .filter(|entry| entry.path != root)
            .or_else(|| self.entries().find(|entry| entry.path != root))
            .or_else(|| self.entries().next())
            .map(|entry| entry.path)
    }

    /// Returns the id of the container that the group belongs to, if a path contains one. Docker,
    /// containerd, CRI-O, Podman and LXC name their groups this way.
    pub fn container_id(&self) -> Option<&OsStr> {
        self.entries()
            .find_map(|entry| container_id(entry.path.as_os_str().as_encoded_bytes()))
            .map(os_str)
    }
}

/// A line of `PROC/PID/cgroup`, `HIERARCHY:CONTROLLERS:PATH`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// 0 is the unified hierarchy (version 2).
    pub(crate) hierarchy: u32,
    /// Comma-separated; empty for the unified hierarchy.
    pub(crate) controllers: &'a [u8],
    pub(crate) path: &'a [u8],
}

/// Returns the lines of the file. Lines that do not parse are skipped.
pub(crate) fn lines(text: &[u8]) -> impl Iterator<Item = Line<'_>> {
    // A last line without a newline is truncated.
    let whole_lines = text
        .split_inclusive(|&byte| byte == b'\n')
        .filter_map(|line| line.strip_suffix(b"\n"));
    whole_lines.filter_map(|line| {
        let mut parts = line.splitn(3, |&byte| byte == b':');
        Some(Line {
            hierarchy: number(parts.next()?)?,
            controllers: parts.next()?,
            path: parts.next()?,
        })
    })
}

/// Parses a decimal number without a sign.
fn number(digits: &[u8]) -> Option<u32> {
    let digits = str::from_utf8(digits).ok()?;
    let is_signed = digits.starts_with('+');
    digits.parse().ok().filter(|_| !is_signed)
}

/// Returns the container id in a cgroup path.
///
/// Docker, containerd, CRI-O and Podman write an id of 64 hexadecimal digits: `/docker/ID`,
/// `…/docker-ID.scope`, `…/cri-containerd-ID.scope`, `…/crio-ID.scope`, `…/libpod-ID.scope`. For
/// LXC, the id is the container's name: `/lxc/NAME`, `/lxc.payload.NAME`. If containers are nested,
/// the innermost id is returned.
///
/// The scope of a container's monitor (`libpod-conmon-ID.scope`, `crio-conmon-ID.scope`) contains
/// the container's id, but the monitor runs outside of the container.
pub(crate) fn container_id(path: &[u8]) -> Option<&[u8]> {
    let mut components = path.split(|&byte| byte == b'/').rev().peekable();
    while let Some(component) = components.next() {
        let name = component.strip_suffix(b".scope").unwrap_or(component);
        let id = name
            .rsplit(|&byte| byte == b'-' || byte == b':')
            .next()
            .unwrap_or(name);
        if id.len() == 64 && id.iter().all(u8::is_ascii_hexdigit) {
            let engine = &name[..name.len() - id.len()];
            if engine.ends_with(MONITOR) {
                continue;
            }
            return Some(id);
        }
        if let Some(name) = component
            .strip_prefix(b"lxc.payload.")
            .filter(|name| !name.is_empty())
        {
            return Some(name);
        }
        if components.peek() == Some(&&b"lxc"[..]) && !component.is_empty() {
            return Some(component);
        }
    }
    None
}

/// The part of a monitor's scope before the id. A monitor starts a container and waits until it
/// ends.
const MONITOR: &[u8] = b"conmon-";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_parse_for_both_versions() {
        let text =
            b"4:memory:/a\n3:cpu,cpuacct:/b:c\n1:name=systemd:/\n0::/user.slice\nbad\n0::cut";
        let line = |hierarchy, controllers, path| Line {
            hierarchy,
            controllers,
            path,
        };
        assert_eq!(
            lines(text).collect::<Vec<_>>(),
            [
                line(4, b"memory", b"/a"),
                line(3, b"cpu,cpuacct", b"/b:c"),
                line(1, b"name=systemd", b"/"),
                line(0, b"", b"/user.slice"),
            ]
        );
    }

    #[test]
    fn container_id_is_found_per_engine() {
        let id = "0123456789abcdef".repeat(4);
        for path in [
            format!("/docker/{id}"),
            format!("/system.slice/docker-{id}.scope"),
            format!("/kubepods.slice/kubepods-pod1.slice/cri-containerd-{id}.scope"),
            format!("/kubepods/besteffort/pod8d/{id}"),
            format!("/machine.slice/libpod-{id}.scope/container"),
            format!("/kubepods-pod1.slice:cri-containerd:{id}"),
            // A monitor inside another container belongs to that container.
            format!("/docker/{id}/libpod-conmon-{}.scope", "f".repeat(64)),
        ] {
            assert_eq!(container_id(path.as_bytes()), Some(id.as_bytes()), "{path}");
        }
        for path in [
            format!("/machine.slice/libpod-conmon-{id}.scope"),
            format!("/kubepods.slice/kubepods-pod1.slice/crio-conmon-{id}.scope"),
            format!("/kubepods/pod8d/crio-conmon-{id}"),
        ] {
            assert_eq!(container_id(path.as_bytes()), None, "{path}");
        }
        assert_eq!(container_id(b"/lxc/web/init.scope"), Some(&b"web"[..]));
        assert_eq!(container_id(b"/lxc.payload.web/x"), Some(&b"web"[..]));
        for path in [
            "/",
            "/user.slice/user-0.slice",
            &id[..63],
            "/lxc/",
            "/lxc.payload./",
        ] {
            assert_eq!(container_id(path.as_bytes()), None, "{path}");
        }
    }
}
