//! `SYS/bus/*/drivers/*`: the drivers that are registered with a bus. The `module` link in each
//! directory names the kernel module that contains the driver.
//!
//! Only built-in drivers are read here, because `PROC/modules` has more details about loaded ones.

use std::path::Path;

use rustix::fs::Dir as Entries;
use rustix::io::Errno;

use crate::error::SourceError;
use crate::sys::linux::dir::Dir;

/// A built-in driver that is registered with a bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BusDriver {
    /// The driver's name on the bus.
    pub(crate) name: Vec<u8>,
    /// The module that is compiled into the kernel and contains the driver, if the kernel reports
    /// it.
    pub(crate) module: Option<Vec<u8>>,
}

/// Parses the target of a `module` link (`../../../../module/NAME`) and returns the module's name.
pub(crate) fn parse_link(target: &[u8]) -> Option<&[u8]> {
    let slash = memchr::memrchr(b'/', target)?;
    let (directory, name) = (&target[..slash], &target[slash + 1..]);
    let in_module = directory == b"module" || directory.ends_with(b"/module");
    (in_module && !matches!(name, b"" | b"." | b"..")).then_some(name)
}

/// Reads the built-in drivers of all buses. Skips files that are absent or not readable, so the
/// list is empty without a sys file system.
pub(crate) fn read(sys_root: &Path) -> Result<Vec<BusDriver>, SourceError> {
    let mut drivers = Vec::new();
    let Some(buses) = available(Dir::open(&sys_root.join("bus")))? else {
        return Ok(drivers);
    };
    let mut target = Vec::new();
    for bus in names(&buses)? {
        let path = [&bus[..], b"/drivers"].concat();
        let Some(directory) = available(buses.directory(&path))? else {
            continue;
        };
        for name in names(&directory)? {
            // Only loaded modules have the file `initstate`.
            let state = [&name[..], b"/module/initstate"].concat();
            if available(directory.attributes(&state))?.is_some() {
                continue;
            }
            let link = directory.read_link(&[&name[..], b"/module"].concat(), &mut target);
            let module = available(link)?.and_then(|()| parse_link(&target));
            let module = module.map(<[u8]>::to_vec);
            drivers.push(BusDriver { name, module });
        }
    }
    Ok(drivers)
}

/// Lists the names in a directory.
fn names(directory: &Dir) -> Result<Vec<Vec<u8>>, SourceError> {
    let failed = |errno| directory.error_at(b"", errno);
    let mut names = Vec::new();
    for entry in Entries::read_from(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_bytes();
        if !matches!(name, b"." | b"..") {
            names.push(name.to_vec());
        }
    }
    Ok(names)
}

/// Turns the error of a file that is absent or not readable into `None`.
fn available<T>(result: Result<T, SourceError>) -> Result<Option<T>, SourceError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) => match error.errno() {
            // A driver can be removed while the directory is read. `readlink` fails with EINVAL if
            // the file is not a link.
            Some(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS | Errno::PERM | Errno::INVAL) => {
                Ok(None)
            }
            _ => Err(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_link_returns_module_name() {
        assert_eq!(
            parse_link(b"../../../../module/8250_pci"),
            Some(&b"8250_pci"[..])
        );
        for other in [
            &b""[..],
            b"module",
            b"../module/",
            b"../../xmodule/a",
            b"/module/..",
        ] {
            assert_eq!(parse_link(other), None, "{other:?}");
        }
    }
}
