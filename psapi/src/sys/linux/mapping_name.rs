//! Classifies mappings by the name that the kernel gives them in `maps`.

use crate::sys::linux::proc::exe::split_deleted;
use crate::sys::linux::proc::maps::{Access, Vma};

/// The backing of a mapping, according to its unescaped name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MappingName<'a> {
    /// The path, and whether it ends with ` (deleted)`.
    File {
        path: &'a [u8],
        has_suffix: bool,
    },
    /// The name passed to `memfd_create`.
    Memfd(&'a [u8]),
    SysV {
        key: u32,
    },
    /// Shared memory without a file, with the name that the program set, or an empty one.
    SharedAnonymous(&'a [u8]),
    /// Shared hugetlb pages without a file, which cannot have a name.
    SharedHugetlb,
    /// Private memory without a file, with the name that the program set, or an empty one.
    Anonymous(&'a [u8]),
    /// Private hugetlb pages without a file.
    Hugetlb,
    Heap,
    Stack,
    Vdso,
    /// Memory provided by the kernel that is not a file.
    Kernel(&'a [u8]),
}

/// Memory of the kernel with a name that a file can also have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KernelObject {
    /// Shared memory, except for hugetlb pages.
    SharedMemory,
    Hugetlb,
    SharedMemoryOrHugetlb,
    /// Memory of `memfd_secret`.
    SecretMemory,
    /// The ring of an asynchronous I/O context.
    Aio,
    /// The device `/dev/zero`.
    ZeroDevice,
    /// A buffer that devices share. It has a name but no path.
    DmaBuf,
}

/// Classifies a mapping by its unescaped name.
///
/// `is_object` returns true if the mapping is a kernel object and not a file of the same name, and
/// `None` if that is unknown. It is called only for such names.
pub(crate) fn classify<'a>(
    vma: &Vma,
    name: &'a [u8],
    is_object: impl Fn(KernelObject) -> Option<bool>,
) -> MappingName<'a> {
    let shared = vma.access.contains(Access::SHARED);
    match name {
        b"" if shared => return MappingName::SharedAnonymous(b""),
        b"" => return MappingName::Anonymous(b""),
        b"[heap]" => return MappingName::Heap,
        b"[stack]" => return MappingName::Stack,
        b"[vdso]" => return MappingName::Vdso,
        _ => {}
    }
    if let Some(name) = bracketed(name, b"[anon:") {
        return MappingName::Anonymous(name);
    }
    if let Some(name) = bracketed(name, b"[anon_shmem:") {
        return MappingName::SharedAnonymous(name);
    }
    if !name.starts_with(b"/") && !name.starts_with(b"(unreachable)/") {
        return MappingName::Kernel(name);
    }
    let (path, has_suffix) = split_deleted(name);
    // The file systems of kernel objects have no directories, so most objects appear as deleted
    // files. They have no block device either, so the major device number is 0.
    if vma.file.major == 0
        && let Some(object) = kernel_object(path, has_suffix, shared, &is_object)
    {
        return object;
    }
    // Mapping this device privately allocates anonymous memory.
    if path == b"/dev/zero" && !shared && is_object(KernelObject::ZeroDevice) != Some(false) {
        return MappingName::Anonymous(b"");
    }
    MappingName::File {
        path: name,
        has_suffix,
    }
}

/// Classifies a mapping that can be a kernel object. `path` is its name without the suffix.
fn kernel_object(
    path: &[u8],
    has_suffix: bool,
    shared: bool,
    is_object: impl Fn(KernelObject) -> Option<bool>,
) -> Option<MappingName<'_>> {
    if !has_suffix {
        let is_buffer =
            path.starts_with(b"/dmabuf:") && is_object(KernelObject::DmaBuf) != Some(false);
        return is_buffer.then_some(MappingName::Kernel(path));
    }
    let (object, name) = match path {
        b"/dev/zero" if shared => (
            KernelObject::SharedMemory,
            MappingName::SharedAnonymous(b""),
        ),
        // Private hugetlb memory also has a file in an internal file system.
        b"/anon_hugepage" if shared => (KernelObject::Hugetlb, MappingName::SharedHugetlb),
        b"/anon_hugepage" => (KernelObject::Hugetlb, MappingName::Hugetlb),
        b"/[aio]" => (KernelObject::Aio, MappingName::Kernel(b"[aio]")),
        b"/secretmem" => (KernelObject::SecretMemory, MappingName::Kernel(path)),
        _ => match (path.strip_prefix(b"/memfd:"), system_v_key(path)) {
            (Some(name), _) => (
                KernelObject::SharedMemoryOrHugetlb,
                MappingName::Memfd(name),
            ),
            (None, Some(key)) => (
                KernelObject::SharedMemoryOrHugetlb,
                MappingName::SysV { key },
            ),
            // Drivers allocate shared memory under names of their own.
            (None, None) => {
                let is_memory = is_object(KernelObject::SharedMemory) == Some(true);
                return is_memory.then_some(MappingName::Kernel(path));
            }
        },
    };
    (is_object(object) != Some(false)).then_some(name)
}

fn system_v_key(path: &[u8]) -> Option<u32> {
    let key = path.strip_prefix(b"/SYSV").filter(|key| key.len() == 8)?;
    u32::try_from(crate::sys::linux::text::hexadecimal(key)?).ok()
}

fn bracketed<'a>(name: &'a [u8], open: &[u8]) -> Option<&'a [u8]> {
    name.strip_prefix(open)?.strip_suffix(b"]")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::linux::proc::maps::parse_line;

    fn parse(line: &str) -> MappingName<'_> {
        let (vma, name) = parse_line(line.as_bytes()).unwrap();
        // The minor numbers below 20 are the kernel's, 25 is a devtmpfs, and 2a is a tmpfs.
        classify(&vma, name, |object| {
            Some(match object {
                KernelObject::ZeroDevice => vma.file.minor == 0x25,
                _ => vma.file.minor < 0x20,
            })
        })
    }

    #[test]
    fn classifies_names() {
        assert_eq!(
            parse("1000-2000 r-xp 0 fe:00 7 /lib/a b.so"),
            MappingName::File {
                path: b"/lib/a b.so",
                has_suffix: false
            }
        );
        assert_eq!(
            parse("1000-2000 rw-s 0 00:01 9 /memfd:a (deleted) b (deleted)"),
            MappingName::Memfd(b"a (deleted) b")
        );
        assert_eq!(
            parse("1000-2000 rw-s 0 00:01 9 /SYSV0000beef (deleted)"),
            MappingName::SysV { key: 0xbeef }
        );
        assert_eq!(
            parse("1000-2000 rw-s 0 00:01 9 /dev/zero (deleted)"),
            MappingName::SharedAnonymous(b"")
        );
        assert_eq!(
            parse("200000-400000 rw-s 0 00:11 9 /anon_hugepage (deleted)"),
            MappingName::SharedHugetlb
        );
        assert_eq!(
            parse("200000-400000 rw-p 0 00:11 9 /anon_hugepage (deleted)"),
            MappingName::Hugetlb
        );
        assert_eq!(
            parse("1000-2000 rw-s 0 00:01 9 [anon_shmem:jit]"),
            MappingName::SharedAnonymous(b"jit")
        );
        assert_eq!(
            parse("1000-2000 rw-p 0 00:00 0 [anon:a]b]"),
            MappingName::Anonymous(b"a]b")
        );
        assert_eq!(
            parse("1000-2000 rw-p 0 00:00 0 "),
            MappingName::Anonymous(b"")
        );
        // The device node, before and after its deletion.
        for zero in ["/dev/zero", "/dev/zero (deleted)"] {
            let line = format!("1000-2000 rw-p 0 00:25 5 {zero}");
            assert_eq!(parse(&line), MappingName::Anonymous(b""));
        }
        assert_eq!(parse("1000-2000 rw-p 0 00:00 0 [heap]"), MappingName::Heap);
        assert_eq!(
            parse("1000-2000 rw-p 0 00:00 0 [stack]"),
            MappingName::Stack
        );
        assert_eq!(parse("1000-2000 r-xp 0 00:00 0 [vdso]"), MappingName::Vdso);
        assert_eq!(
            parse("1000-2000 r--p 0 00:00 0 [vvar]"),
            MappingName::Kernel(b"[vvar]")
        );
        assert_eq!(
            parse("1000-2000 rw-s 0 00:0e 5 anon_inode:[perf_event]"),
            MappingName::Kernel(b"anon_inode:[perf_event]")
        );
        assert_eq!(
            parse("1000-2000 rw-s 0 00:0f 5 /[aio] (deleted)"),
            MappingName::Kernel(b"[aio]")
        );
    }

    #[test]
    fn memory_without_path_is_no_file() {
        for (line, name) in [
            (
                "1000-2000 rw-s 0 00:0b 5 /secretmem (deleted)",
                "/secretmem",
            ),
            (
                "1000-2000 rw-s 0 00:01 5 /drm mm object (deleted)",
                "/drm mm object",
            ),
            ("1000-2000 rw-s 0 00:0c 5 /dmabuf:", "/dmabuf:"),
            ("1000-2000 rw-s 0 00:0c 5 /dmabuf:camera", "/dmabuf:camera"),
        ] {
            assert_eq!(parse(line), MappingName::Kernel(name.as_bytes()), "{line}");
        }
    }

    #[test]
    fn unknown_devices_are_kernel_objects() {
        let classify = |line: &'static str| {
            let (vma, name) = parse_line(line.as_bytes()).unwrap();
            classify(&vma, name, |_| None)
        };
        assert_eq!(
            classify("1000-2000 rw-s 0 00:01 9 /memfd:a (deleted)"),
            MappingName::Memfd(b"a")
        );
        assert!(matches!(
            classify("1000-2000 rw-s 0 00:01 9 /another (deleted)"),
            MappingName::File { .. }
        ));
    }

    #[test]
    fn file_named_like_memory_is_file() {
        for path in [
            "/memfd:a",
            "/SYSV0000beef",
            "/tmp/memfd:a (deleted)",
            "/memfd:a (deleted)",
            "/SYSV0000beef (deleted)",
            "/SYSV0000bee (deleted)",
            "/dev/zero (deleted)",
            "/anon_hugepage (deleted)",
            "/[aio] (deleted)",
            "/secretmem (deleted)",
            "/dmabuf:",
        ] {
            let line = format!("1000-2000 rw-s 0 00:2a 9 {path}");
            assert!(matches!(parse(&line), MappingName::File { .. }), "{line}");
        }
        let line = "1000-2000 rw-p 0 00:2a 9 /dev/zero";
        assert!(matches!(parse(line), MappingName::File { .. }));
        // The internal file system is not on a block device.
        let line = "1000-2000 rw-s 0 fe:00 9 /dev/zero (deleted)";
        assert!(matches!(
            parse(line),
            MappingName::File {
                has_suffix: true,
                ..
            }
        ));
    }
}
