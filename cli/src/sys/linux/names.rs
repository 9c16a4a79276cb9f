//! Names of processes and files: bytes, compared as they are.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use psapi::ProcessStatus;

/// The unit that a `?` in a pattern matches: a byte.
pub type NameUnit = u8;

/// Returns a name as the units by which names are compared.
pub fn name_units(name: &[u8]) -> Cow<'_, [NameUnit]> {
    Cow::Borrowed(name)
}

/// Returns the names of a process: its name in the kernel, and the base name of its executable file
/// or `[NAME]` of a kernel thread.
pub fn process_names(status: &ProcessStatus) -> impl Iterator<Item = OsString> {
    let names = [status.name.clone(), status.display_name()];
    names.into_iter().flatten()
}

/// Appends the escape of the first byte: `\xff`. `bytes` is not empty and does not begin with UTF-8.
/// Returns the number of escaped bytes.
pub fn push_invalid(text: &mut String, bytes: &[u8]) -> usize {
    // Writing to a String cannot fail.
    let _ = write!(text, "\\x{:02x}", bytes[0]);
    1
}

/// Returns the name of a driver with `-` replaced by `_`: the kernel does not distinguish them.
pub fn driver_name(name: &OsStr) -> OsString {
    let bytes = name.as_bytes().iter();
    let bytes = bytes.map(|&byte| if byte == b'-' { b'_' } else { byte });
    OsString::from_vec(bytes.collect())
}
