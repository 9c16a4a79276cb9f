//! The pool of hugetlb pages.

use std::fs;

use rustix::fs::FlockOperation;

/// Additional pages in the pool of hugetlb pages. The old size is restored on drop.
pub struct HugePool {
    before: u64,
    /// Locked, so that concurrent tests do not restore each other's sizes.
    _setting: fs::File,
}

impl HugePool {
    const SETTING: &str = "/proc/sys/vm/nr_hugepages";

    /// Adds pages to the pool. Returns `None` if the pool cannot grow by that many.
    pub fn grow(pages: u64) -> Option<Self> {
        let setting = fs::File::open(Self::SETTING).ok()?;
        rustix::fs::flock(&setting, FlockOperation::LockExclusive).ok()?;
        let read = || fs::read_to_string(Self::SETTING).ok()?.trim().parse().ok();
        let before: u64 = read()?;
        let pool = HugePool {
            before,
            _setting: setting,
        };
        fs::write(Self::SETTING, (before + pages).to_string()).ok()?;
        // The write succeeds even if the kernel finds fewer free huge pages.
        (read()? >= before + pages).then_some(pool)
    }
}

impl Drop for HugePool {
    fn drop(&mut self) {
        let _ = fs::write(Self::SETTING, self.before.to_string());
    }
}
