//! The size of a thread's stack in the kernel, `THREAD_SIZE`, which no interface tells: a constant
//! of each architecture, but for kernels built with KASAN, a debugging aid that doubles it.

/// `THREAD_SIZE` in bytes; `None` on an architecture where it depends on how the kernel was built.
pub(crate) fn size() -> Option<u64> {
    const KIB: u64 = 1024;
    if cfg!(any(
        target_arch = "x86_64",
        target_arch = "riscv64",
        target_arch = "s390x"
    )) {
        Some(16 * KIB)
    } else if cfg!(target_arch = "aarch64") {
        // A stack is whole pages, and pages may be 64 KiB there.
        Some((rustix::param::page_size() as u64).max(16 * KIB))
    } else if cfg!(target_arch = "x86") {
        Some(8 * KIB)
    } else {
        None
    }
}
