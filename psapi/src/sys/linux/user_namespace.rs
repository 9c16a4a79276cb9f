//! Whether user ids mean the same as outside of the caller's user namespace.

use rustix::io::Errno;

use crate::error::SourceError;
use crate::sys::linux::system::System;
use crate::sys::linux::text::whole_lines;

/// Returns true if the caller's user namespace maps user ids to other ids. The initial namespace
/// does not.
pub(crate) fn maps_user_ids(system: &System) -> Result<bool, SourceError> {
    let mut text = Vec::new();
    match system.proc_directory()?.read(b"self/uid_map", &mut text) {
        Ok(()) => Ok(!is_identity(&text)),
        // A kernel without user namespaces, or a proc file system that does not contain the caller.
        Err(error) if error.is(Errno::NOENT) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Returns true if each line of `PROC/self/uid_map` maps ids to themselves. A line has the first id
/// in the namespace, the first id in the parent namespace, and the number of ids.
fn is_identity(map: &[u8]) -> bool {
    whole_lines(map).all(|line| {
        let mut ids = line
            .split(u8::is_ascii_whitespace)
            .filter(|field| !field.is_empty());
        ids.next() == ids.next()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_ids_are_recognized() {
        assert!(is_identity(b"         0          0 4294967295\n"));
        assert!(!is_identity(b"         0       1000          1\n"));
        assert!(!is_identity(b"0 0 1\n1 100000 65536\n"));
    }
}
