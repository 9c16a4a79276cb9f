//! Devices and pipes, and files that replace others.

use std::fs::File;
use std::io;
use std::path::{Component, Path, Prefix};

use tempfile::NamedTempFile;

/// The names of devices that are valid in every directory.
const DEVICES: [&str; 6] = ["NUL", "CON", "CONOUT$", "PRN", "AUX", "CONIN$"];

/// Opens a pipe or a device. Returns `None` for a regular file, and for a file that does not exist.
pub fn find_special(target: &Path) -> io::Result<Option<File>> {
    if is_device(target) {
        return File::options().write(true).open(target).map(Some);
    }
    Ok(None)
}

/// Returns true if a path names a device or a pipe: `NUL`, `COM1` or `\\.\pipe\name`.
fn is_device(path: &Path) -> bool {
    if let Some(Component::Prefix(prefix)) = path.components().next()
        && let Prefix::DeviceNS(_) = prefix.kind()
    {
        return true;
    }
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return false;
    };
    // A device ends at the first dot or colon, and spaces before it do not count.
    let name = name.split(['.', ':']).next().unwrap_or(name).trim_end();
    let is_port = |prefix: &str| {
        let number = name.get(prefix.len()..).filter(|_| {
            let start = name.get(..prefix.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        });
        number.is_some_and(|number| matches!(number.as_bytes(), [b'1'..=b'9']))
    };
    DEVICES
        .iter()
        .any(|device| name.eq_ignore_ascii_case(device))
        || is_port("COM")
        || is_port("LPT")
}

/// Creates a temporary file in a directory.
pub fn temporary(directory: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(".psapi-")
        .tempfile_in(directory)
}

/// Does nothing: a new file has the owner and the permissions that its directory gives it.
pub fn keep_owner(_: &File, _: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_recognized_by_name() {
        for device in ["nul", "NUL.txt", r"C:\x\Com1", r"\\.\pipe\psapi", "CON"] {
            assert!(is_device(Path::new(device)), "{device}");
        }
        for file in ["null", "a.nul", r"C:\con\x.png", "COM", "com10", "-"] {
            assert!(!is_device(Path::new(file)), "{file}");
        }
    }
}
