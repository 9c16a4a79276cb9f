//! Paths of a process's files, relative to a proc root or to a process's directory.
//!
//! A capture opens several files for each of thousands of processes. These paths therefore live on
//! the stack.

use std::ops::Deref;

use crate::ProcessId;

/// A path such as `PID/FILE`, `FILE` or `PID/task/TID/FILE`, built without allocation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProcPath {
    bytes: [u8; CAPACITY],
    length: usize,
}

/// Enough for two ids of ten digits, `/task/` and the longest file name.
const CAPACITY: usize = 48;

impl ProcPath {
    /// Returns an empty path.
    pub(crate) const fn new() -> Self {
        ProcPath {
            bytes: [0; CAPACITY],
            length: 0,
        }
    }

    /// Returns the directory of a process or thread, with a slash at the end.
    pub(crate) fn of_process(id: ProcessId) -> Self {
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(id.get());
        ProcPath::new().join(digits.as_bytes()).join(b"/")
    }

    /// Appends `file`. Panics if the path gets longer than any path that this crate reads.
    pub(crate) fn join(mut self, file: &[u8]) -> Self {
        self.bytes[self.length..][..file.len()].copy_from_slice(file);
        self.length += file.len();
        self
    }
}

impl Deref for ProcPath {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longest_path_fits() {
        let id = ProcessId::new(u32::MAX);
        let thread = ProcPath::of_process(id)
            .join(b"task/")
            .join(&ProcPath::of_process(id));
        assert_eq!(
            &*thread.join(b"smaps_rollup"),
            b"4294967295/task/4294967295/smaps_rollup"
        );
        assert_eq!(&*ProcPath::new().join(b"stat"), b"stat");
    }
}
