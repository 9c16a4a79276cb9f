//! Names of a process's files below a proc root.

use std::ops::Deref;

use crate::ProcessId;

/// `PID/FILE`, `FILE`, or `PID/task/TID/FILE`, built without allocating.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Name {
    bytes: [u8; ROOM],
    length: usize,
}

/// Room for two ids of ten digits, `/task/` and the longest file that is read.
const ROOM: usize = 48;

impl Name {
    /// The empty one.
    pub(crate) const fn new() -> Self {
        Name {
            bytes: [0; ROOM],
            length: 0,
        }
    }

    /// The directory of a process, slash included.
    pub(crate) fn of_process(id: ProcessId) -> Self {
        use std::io::Write as _;
        let mut name = Name::new();
        let mut rest = &mut name.bytes[..];
        // Ten digits and a slash always fit.
        let _ = write!(rest, "{id}/");
        name.length = ROOM - rest.len();
        name
    }

    /// The name of something below this.
    pub(crate) fn join(mut self, file: &[u8]) -> Self {
        self.bytes[self.length..][..file.len()].copy_from_slice(file);
        self.length += file.len();
        self
    }
}

impl Deref for Name {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_name_fits() {
        let id = ProcessId::new(u32::MAX);
        let thread = Name::of_process(id)
            .join(b"task/")
            .join(&Name::of_process(id));
        assert_eq!(
            &*thread.join(b"smaps_rollup"),
            b"4294967295/task/4294967295/smaps_rollup"
        );
        assert_eq!(&*Name::new().join(b"stat"), b"stat");
    }
}
