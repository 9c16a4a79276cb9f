//! `PROC/PID/cgroup`: the control groups of a process, `HIERARCHY:CONTROLLERS:PATH` a line.

use super::text::{decimal, whole_lines};

/// One line of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// 0 for the unified hierarchy (version 2).
    pub(crate) hierarchy: u32,
    /// Comma-separated; empty for the unified hierarchy.
    pub(crate) controllers: &'a [u8],
    pub(crate) path: &'a [u8],
}

/// The lines of the file; one that does not parse is left out.
pub(crate) fn lines(text: &[u8]) -> impl Iterator<Item = Line<'_>> {
    whole_lines(text).filter_map(|line| {
        let mut parts = line.splitn(3, |&byte| byte == b':');
        Some(Line {
            hierarchy: decimal(parts.next()?)?.try_into().ok()?,
            controllers: parts.next()?,
            path: parts.next()?,
        })
    })
}

/// The container id that a cgroup path shows: 64 hexadecimal digits, as Docker, containerd,
/// CRI-O and Podman write them (`/docker/ID`, `…/docker-ID.scope`, `…/cri-containerd-ID.scope`,
/// `…/crio-ID.scope`, `…/libpod-ID.scope`), or the name of an LXC container (`/lxc/NAME`,
/// `/lxc.payload.NAME`). The innermost one, where containers are nested. The scope of a container's
/// monitor (`libpod-conmon-ID.scope`, `crio-conmon-ID.scope`) has its id, but is outside of it.
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

/// What the scope of a monitor, which starts a container and waits for its end, has before the id.
const MONITOR: &[u8] = b"conmon-";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_parse_and_a_colon_in_a_path_stays() {
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
    fn container_ids_are_found_where_the_engines_put_them() {
        let id = "0123456789abcdef".repeat(4);
        for path in [
            format!("/docker/{id}"),
            format!("/system.slice/docker-{id}.scope"),
            format!("/kubepods.slice/kubepods-pod1.slice/cri-containerd-{id}.scope"),
            format!("/kubepods/besteffort/pod8d/{id}"),
            format!("/machine.slice/libpod-{id}.scope/container"),
            format!("/kubepods-pod1.slice:cri-containerd:{id}"),
            // A monitor in a container is in that one.
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
