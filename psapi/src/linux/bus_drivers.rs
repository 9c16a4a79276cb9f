//! `SYS/bus/*/drivers/*`: the drivers that have registered with a bus, and by their link `module`
//! the part of the kernel that each came with.
//!
//! Only built-in ones are of interest: `PROC/modules` describes the others better.

use std::path::Path;

use rustix::fs::Dir;
use rustix::io::Errno;

use super::file::Directory;
use crate::error::{Cause, Refusal};

/// A built-in driver that registered with a bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BusDriver {
    /// The name by which the bus knows it.
    pub(crate) name: Vec<u8>,
    /// The module that it would be in if it were not built in, where the kernel knows that.
    pub(crate) module: Option<Vec<u8>>,
}

/// The module that the target of a link `module` (`../../../../module/NAME`) names.
pub(crate) fn parse_link(target: &[u8]) -> Option<&[u8]> {
    let slash = memchr::memrchr(b'/', target)?;
    let (directory, name) = (&target[..slash], &target[slash + 1..]);
    let in_module = directory == b"module" || directory.ends_with(b"/module");
    (in_module && !matches!(name, b"" | b"." | b"..")).then_some(name)
}

/// The built-in drivers of all buses. What is not there, as it is not without a sys file system, or may
/// not be read, is left out.
pub(crate) fn read(sys_root: &Path) -> Result<Vec<BusDriver>, Refusal> {
    let mut drivers = Vec::new();
    let Some(buses) = available(Directory::open(&sys_root.join("bus")))? else {
        return Ok(drivers);
    };
    let mut target = Vec::new();
    for bus in names(&buses)? {
        let path = [&bus[..], b"/drivers"].concat();
        let Some(directory) = available(buses.directory(&path))? else {
            continue;
        };
        for name in names(&directory)? {
            // Only what was loaded has such a state.
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

fn names(directory: &Directory) -> Result<Vec<Vec<u8>>, Refusal> {
    let refused = |errno| directory.refusal(b"", errno);
    let mut names = Vec::new();
    for entry in Dir::read_from(directory).map_err(refused)? {
        let entry = entry.map_err(refused)?;
        let name = entry.file_name().to_bytes();
        if !matches!(name, b"." | b"..") {
            names.push(name.to_vec());
        }
    }
    Ok(names)
}

fn available<T>(opened: Result<T, Refusal>) -> Result<Option<T>, Refusal> {
    match opened {
        Ok(opened) => Ok(Some(opened)),
        Err(refusal) => match refusal.cause {
            // A driver may go away meanwhile; a link that is none is INVAL.
            Cause::Os(
                Errno::NOENT | Errno::NOTDIR | Errno::ACCESS | Errno::PERM | Errno::INVAL,
            ) => Ok(None),
            _ => Err(refusal),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_names_a_module() {
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
