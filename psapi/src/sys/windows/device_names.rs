//! Translates the kernel's names of files to Win32 paths.
//!
//! The kernel names a file by its device, such as `\Device\HarddiskVolume3\Windows`. A drive letter
//! is a symbolic link to a device. Only these links are read, and no drive is opened, so a network
//! drive that does not respond delays nothing.

#[cfg(windows)]
use std::ffi::OsString;
#[cfg(windows)]
use std::os::windows::ffi::OsStringExt as _;

/// The drive letters and the devices that they stand for.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeviceNames {
    /// A letter, and the name of its device.
    letters: Vec<(u8, Vec<u16>)>,
}

impl DeviceNames {
    /// Reads the links of all drive letters, as the caller sees them.
    #[cfg(windows)]
    pub(crate) fn read() -> Self {
        let letters = (b'A'..=b'Z').filter_map(|letter| {
            let link: Vec<u16> = format!("\\??\\{}:", char::from(letter))
                .encode_utf16()
                .collect();
            let device = super::nt::symbolic_link(&link).ok()?;
            Some((letter, device))
        });
        DeviceNames {
            letters: letters.collect(),
        }
    }

    /// Returns the Win32 path of a file. The name of a file on a device without a drive letter
    /// stays as it is.
    pub(crate) fn win32_path(&self, name: &[u16]) -> Vec<u16> {
        if let Some(rest) = after(name, "\\??\\UNC\\") {
            return join("\\\\", rest);
        }
        if let Some(rest) = after(name, "\\??\\") {
            return rest.to_vec();
        }
        for (letter, device) in &self.letters {
            let rest = name.split_at_checked(device.len());
            if let Some((start, rest)) = rest
                && equals(start, device)
                && matches!(rest, [] | [SEPARATOR, ..])
            {
                return join(&format!("{}:", char::from(*letter)), rest);
            }
        }
        // Files of network file systems. Parts with a semicolon name the file system and the
        // session's drive letter.
        for device in ["\\Device\\Mup\\", "\\Device\\LanmanRedirector\\"] {
            if let Some(mut rest) = after(name, device) {
                while rest.starts_with(&[u16::from(b';')]) {
                    let end = rest.iter().position(|&unit| unit == SEPARATOR);
                    rest = end.map_or(&[], |end| &rest[end + 1..]);
                }
                return join("\\\\", rest);
            }
        }
        name.to_vec()
    }
}

/// Returns the name of a file by its device, if it is named by a drive letter. Wine does that where
/// Windows names the device.
#[cfg(windows)]
pub(crate) fn by_device(name: &[u16]) -> Option<OsString> {
    let (link, rest) = name.split_at_checked("\\??\\C:".len())?;
    after(link, "\\??\\")?;
    let mut path = super::nt::symbolic_link(link).ok()?;
    path.extend_from_slice(rest);
    Some(OsString::from_wide(&path))
}

pub(crate) const SEPARATOR: u16 = b'\\' as u16;

/// Returns the part of a name after a prefix.
fn after<'n>(name: &'n [u16], prefix: &str) -> Option<&'n [u16]> {
    let prefix: Vec<u16> = prefix.encode_utf16().collect();
    let (start, rest) = name.split_at_checked(prefix.len())?;
    equals(start, &prefix).then_some(rest)
}

/// Compares names of objects, which do not distinguish case.
fn equals(a: &[u16], b: &[u16]) -> bool {
    let fold =
        |unit: &u16| u8::try_from(*unit).map_or(*unit, |byte| byte.to_ascii_lowercase().into());
    a.iter().map(fold).eq(b.iter().map(fold))
}

fn join(start: &str, rest: &[u16]) -> Vec<u16> {
    start.encode_utf16().chain(rest.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str) -> Vec<u16> {
        text.encode_utf16().collect()
    }

    fn win32_path(name: &str) -> String {
        let names = DeviceNames {
            letters: vec![
                (b'C', utf16(r"\Device\HarddiskVolume3")),
                (b'D', utf16(r"\Device\HarddiskVolume33")),
                (b'S', utf16(r"\??\C:\work")),
                (
                    b'Z',
                    utf16(r"\Device\LanmanRedirector\;Z:000000000001e240\server\share"),
                ),
            ],
        };
        String::from_utf16(&names.win32_path(&utf16(name))).unwrap()
    }

    #[test]
    fn device_becomes_drive_letter() {
        for (name, path) in [
            (
                r"\Device\HarddiskVolume3\Windows\a.dll",
                r"C:\Windows\a.dll",
            ),
            (r"\device\harddiskvolume3\a", r"C:\a"),
            (r"\Device\HarddiskVolume33\a", r"D:\a"),
            (r"\Device\HarddiskVolume3", r"C:"),
            (
                r"\??\C:\windows\system32\ntdll.dll",
                r"C:\windows\system32\ntdll.dll",
            ),
            (r"\??\unix\usr\bin\a", r"unix\usr\bin\a"),
        ] {
            assert_eq!(win32_path(name), path);
        }
    }

    #[test]
    fn network_name_becomes_unc_path() {
        for (name, path) in [
            (r"\Device\Mup\server\share\a.exe", r"\\server\share\a.exe"),
            (
                r"\Device\Mup\;LanmanRedirector\;Z:000000000001e240\server\share\a",
                r"\\server\share\a",
            ),
            (
                r"\Device\LanmanRedirector\server\share\a",
                r"\\server\share\a",
            ),
            (
                r"\Device\LanmanRedirector\;Z:000000000001e240\server\share\a",
                r"Z:\a",
            ),
            (r"\??\UNC\server\share\a", r"\\server\share\a"),
            (r"\Device\Mup\;", r"\\"),
        ] {
            assert_eq!(win32_path(name), path);
        }
    }

    #[test]
    fn device_without_letter_stays() {
        for name in [
            r"\Device\HarddiskVolume7\a",
            r"\Device\HarddiskVolume",
            r"\Device\CdRom0\setup.exe",
            "",
        ] {
            assert_eq!(win32_path(name), name);
        }
    }

    #[test]
    fn unpaired_surrogates_are_kept() {
        let mut name = utf16(r"\Device\HarddiskVolume3\");
        name.push(0xD800);
        let names = DeviceNames {
            letters: vec![(b'C', utf16(r"\Device\HarddiskVolume3"))],
        };
        let mut path = utf16(r"C:\");
        path.push(0xD800);
        assert_eq!(names.win32_path(&name), path);
    }
}
