//! Hugetlb pages, set aside for a test.

use std::fs;

/// The pool of hugetlb pages with some more in it, and as it was again when dropped.
pub struct HugePool {
    before: u64,
    /// Locked, so that of two such tests neither takes the other's pages for those before.
    _setting: fs::File,
}

impl HugePool {
    const SETTING: &str = "/proc/sys/vm/nr_hugepages";

    /// `None`: the pool can't be made larger.
    pub fn with_more(pages: u64) -> Option<Self> {
        let setting = fs::File::open(Self::SETTING).ok()?;
        rustix::fs::flock(&setting, rustix::fs::FlockOperation::LockExclusive).ok()?;
        let read = || fs::read_to_string(Self::SETTING).ok()?.trim().parse().ok();
        let before: u64 = read()?;
        let pool = HugePool {
            before,
            _setting: setting,
        };
        fs::write(Self::SETTING, (before + pages).to_string()).ok()?;
        // The kernel sets aside as many as it finds.
        (read()? >= before + pages).then_some(pool)
    }
}

impl Drop for HugePool {
    fn drop(&mut self) {
        let _ = fs::write(Self::SETTING, self.before.to_string());
    }
}
