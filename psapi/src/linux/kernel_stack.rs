//! The size of a thread's stack in the kernel, `THREAD_SIZE`, which no interface tells: a constant
//! of each architecture, but for kernels built with KASAN, a debugging aid that doubles it.

/// `THREAD_SIZE` in bytes; `None` on an architecture where it depends on how the kernel was built,
/// or whose programs can't tell which kernel runs them.
pub(crate) fn size() -> Option<u64> {
    of(std::env::consts::ARCH, rustix::param::page_size() as u64)
}

/// As [`size`], of a kernel that runs programs of an architecture.
fn of(arch: &str, page_size: u64) -> Option<u64> {
    const KIB: u64 = 1024;
    match arch {
        "x86_64" | "riscv64" | "s390x" => Some(16 * KIB),
        // A stack is whole pages, and pages may be 64 KiB there.
        "aarch64" => Some(page_size.max(16 * KIB)),
        // 32-bit x86 among them: its programs are run by 64-bit kernels, too, whose stacks are larger.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_where_programs_can_tell_the_kernel() {
        assert_eq!(of("x86_64", 4096), Some(16384));
        assert_eq!(of("aarch64", 4096), Some(16384));
        assert_eq!(of("aarch64", 65536), Some(65536));
        for unknown in ["x86", "arm", "powerpc64", "none such"] {
            assert_eq!(of(unknown, 4096), None, "{unknown}");
        }
    }
}
