//! The size of a thread's kernel stack, `THREAD_SIZE`.
//!
//! No kernel interface reports it, so this file has the constant of each architecture. A kernel
//! built with the debugging aid KASAN doubles it, which a program cannot detect.

/// Returns `THREAD_SIZE` in bytes. Returns `None` if it depends on the kernel configuration, or if
/// programs of this architecture also run on kernels of another architecture.
pub(crate) fn size() -> Option<u64> {
    size_on(std::env::consts::ARCH, rustix::param::page_size() as u64)
}

/// Returns `THREAD_SIZE` of a kernel that runs programs for `arch`.
fn size_on(arch: &str, page_size: u64) -> Option<u64> {
    const KIB: u64 = 1024;
    match arch {
        "x86_64" | "riscv64" | "s390x" => Some(16 * KIB),
        // A stack has at least one page, and a page can have 64 KiB.
        "aarch64" => Some(page_size.max(16 * KIB)),
        // This includes 32-bit x86, whose programs also run on 64-bit kernels with larger stacks.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_is_known_for_fixed_architectures() {
        assert_eq!(size_on("x86_64", 4096), Some(16384));
        assert_eq!(size_on("aarch64", 4096), Some(16384));
        assert_eq!(size_on("aarch64", 65536), Some(65536));
        for unknown in ["x86", "arm", "powerpc64", "unknown"] {
            assert_eq!(size_on(unknown, 4096), None, "{unknown}");
        }
    }
}
