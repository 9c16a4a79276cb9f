//! What the kernel's name of a mapping says about what is behind it.

use super::exe::split_deleted;
use super::maps::{Access, Vma};

/// What is behind a mapping, by its name, which has no escapes any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Named<'a> {
    /// The path, and whether it ends like the mark of a deleted file.
    File {
        path: &'a [u8],
        marked: bool,
    },
    /// The name that it was given.
    Memfd(&'a [u8]),
    SysV {
        key: u32,
    },
    /// Shared memory without a file: with the name that the program gave it, if it did.
    SharedAnonymous(&'a [u8]),
    /// As `SharedAnonymous`, of hugetlb pages: the kernel takes no name for these.
    SharedHugetlb,
    /// Private memory without a file: with the name that the program gave it, if it did.
    Anonymous(&'a [u8]),
    /// As `Anonymous`, of hugetlb pages.
    Hugetlb,
    Heap,
    Stack,
    Vdso,
    /// Something of the kernel's that is no file.
    Kernel(&'a [u8]),
}

pub(crate) fn classify<'a>(vma: &Vma, name: &'a [u8]) -> Named<'a> {
    let shared = vma.access.contains(Access::SHARED);
    match name {
        b"" if shared => return Named::SharedAnonymous(b""),
        b"" => return Named::Anonymous(b""),
        b"[heap]" => return Named::Heap,
        b"[stack]" => return Named::Stack,
        b"[vdso]" => return Named::Vdso,
        _ => {}
    }
    if let Some(name) = bracketed(name, b"[anon:") {
        return Named::Anonymous(name);
    }
    if let Some(name) = bracketed(name, b"[anon_shmem:") {
        return Named::SharedAnonymous(name);
    }
    if !name.starts_with(b"/") && !name.starts_with(b"(unreachable)/") {
        return Named::Kernel(name);
    }
    // The kernel keeps memory without a file in a file system of its own that has no directory,
    // nor a block device, so that all in it is marked as deleted.
    let (path, marked) = split_deleted(name);
    if marked && vma.file.major == 0 {
        if let Some(name) = path.strip_prefix(b"/memfd:") {
            return Named::Memfd(name);
        }
        match path {
            b"/dev/zero" if shared => return Named::SharedAnonymous(b""),
            // Private memory of hugetlb pages has a file there, too.
            b"/anon_hugepage" if shared => return Named::SharedHugetlb,
            b"/anon_hugepage" => return Named::Hugetlb,
            b"/[aio]" => return Named::Kernel(b"[aio]"),
            _ => {}
        }
        if let Some(key) = path.strip_prefix(b"/SYSV")
            && key.len() == 8
            && let Some(key) = super::text::hexadecimal(key)
        {
            return Named::SysV { key: key as u32 };
        }
    }
    // The device, mapped privately, is another way to ask for fresh memory: nothing is behind it.
    if path == b"/dev/zero" && !shared {
        return Named::Anonymous(b"");
    }
    Named::File { path: name, marked }
}

fn bracketed<'a>(name: &'a [u8], open: &[u8]) -> Option<&'a [u8]> {
    name.strip_prefix(open)?.strip_suffix(b"]")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linux::maps::parse_line;

    fn of(line: &str) -> Named<'_> {
        let (vma, name) = parse_line(line.as_bytes()).unwrap();
        classify(&vma, name)
    }

    #[test]
    fn each_name_tells_its_kind() {
        assert_eq!(
            of("1000-2000 r-xp 0 fe:00 7 /lib/a b.so"),
            Named::File {
                path: b"/lib/a b.so",
                marked: false
            }
        );
        assert_eq!(
            of("1000-2000 rw-s 0 00:01 9 /memfd:a (deleted) b (deleted)"),
            Named::Memfd(b"a (deleted) b")
        );
        assert_eq!(
            of("1000-2000 rw-s 0 00:01 9 /SYSV0000beef (deleted)"),
            Named::SysV { key: 0xbeef }
        );
        assert_eq!(
            of("1000-2000 rw-s 0 00:01 9 /dev/zero (deleted)"),
            Named::SharedAnonymous(b"")
        );
        assert_eq!(
            of("200000-400000 rw-s 0 00:11 9 /anon_hugepage (deleted)"),
            Named::SharedHugetlb
        );
        assert_eq!(
            of("200000-400000 rw-p 0 00:11 9 /anon_hugepage (deleted)"),
            Named::Hugetlb
        );
        assert_eq!(
            of("1000-2000 rw-s 0 00:01 9 [anon_shmem:jit]"),
            Named::SharedAnonymous(b"jit")
        );
        assert_eq!(
            of("1000-2000 rw-p 0 00:00 0 [anon:a]b]"),
            Named::Anonymous(b"a]b")
        );
        assert_eq!(of("1000-2000 rw-p 0 00:00 0 "), Named::Anonymous(b""));
        // The device, and the device where its node has been deleted since.
        for zero in ["/dev/zero", "/dev/zero (deleted)"] {
            let line = format!("1000-2000 rw-p 0 00:06 5 {zero}");
            assert_eq!(of(&line), Named::Anonymous(b""));
        }
        assert_eq!(of("1000-2000 rw-p 0 00:00 0 [heap]"), Named::Heap);
        assert_eq!(of("1000-2000 rw-p 0 00:00 0 [stack]"), Named::Stack);
        assert_eq!(of("1000-2000 r-xp 0 00:00 0 [vdso]"), Named::Vdso);
        assert_eq!(
            of("1000-2000 r--p 0 00:00 0 [vvar]"),
            Named::Kernel(b"[vvar]")
        );
        assert_eq!(
            of("1000-2000 rw-s 0 00:0e 5 anon_inode:[perf_event]"),
            Named::Kernel(b"anon_inode:[perf_event]")
        );
        assert_eq!(
            of("1000-2000 rw-s 0 00:0f 5 /[aio] (deleted)"),
            Named::Kernel(b"[aio]")
        );
    }

    #[test]
    fn files_that_only_look_like_shared_memory_are_files() {
        for path in ["/memfd:a", "/SYSV0000beef", "/tmp/memfd:a (deleted)"] {
            let line = format!("1000-2000 rw-s 0 00:2a 9 {path}");
            assert!(matches!(of(&line), Named::File { .. }), "{line}");
        }
        // A file system on a device has directories.
        let line = "1000-2000 rw-s 0 fe:00 9 /dev/zero (deleted)";
        assert!(matches!(of(line), Named::File { marked: true, .. }));
        let line = "1000-2000 rw-s 0 00:01 9 /SYSV0000bee (deleted)";
        assert!(matches!(of(line), Named::File { marked: true, .. }));
    }
}
