//! A snapshot of processes, threads and modules, and how far the caller has read it.

use std::sync::atomic::{AtomicUsize, Ordering};

use psapi::Module;

/// What `CreateToolhelp32Snapshot` lists. Lists that the caller did not request are empty.
#[derive(Debug, Default)]
pub struct Snapshot {
    pub processes: Entries<ProcessRow>,
    pub threads: Entries<ThreadRow>,
    pub modules: Entries<Module>,
    /// The process whose modules are listed.
    pub owner: u32,
}

#[derive(Debug)]
pub struct ProcessRow {
    pub id: u32,
    /// 0 if the parent is not visible.
    pub parent: u32,
    pub threads: u32,
    pub base_priority: i32,
    pub name: Vec<u8>,
}

#[derive(Debug)]
pub struct ThreadRow {
    pub id: u32,
    pub process: u32,
    pub base_priority: i32,
}

/// A list that the caller reads one entry at a time.
#[derive(Debug)]
pub struct Entries<T> {
    entries: Vec<T>,
    next: AtomicUsize,
}

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Entries::new(Vec::new())
    }
}

impl<T> Entries<T> {
    pub fn new(entries: Vec<T>) -> Self {
        Entries {
            entries,
            next: AtomicUsize::new(0),
        }
    }

    pub fn first(&self) -> Option<&T> {
        self.next.store(1, Ordering::Relaxed);
        self.entries.first()
    }

    /// Returns the entry after the one that was returned last, by any thread.
    pub fn next(&self) -> Option<&T> {
        let count = self.entries.len();
        let advance = |next| (next < count).then_some(next + 1);
        let next = self
            .next
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, advance);
        self.entries.get(next.ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_follow_each_other() {
        let entries = Entries::new(vec![1, 2]);
        for _ in 0..2 {
            assert_eq!(entries.first(), Some(&1));
            assert_eq!(entries.next(), Some(&2));
            assert_eq!((entries.next(), entries.next()), (None, None));
        }
        let empty: Entries<i32> = Entries::default();
        assert_eq!((empty.first(), empty.next()), (None, None));
    }
}
