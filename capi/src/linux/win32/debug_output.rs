//! `OutputDebugString`.

use crate::linux::caller_strings::read_until_zero;
use crate::linux::win32::name::NameUnit;
use crate::win32_error::Result;

/// Implements `OutputDebugString`. Linux has no channel to a debugger, so the text goes to standard
/// error. As on Windows, the caller learns nothing about where the text went.
pub fn write<U: NameUnit>(text: *const U) -> Result<()> {
    let text = U::decode(&read_until_zero(text, usize::MAX)?);
    let mut rest = &text[..];
    while !rest.is_empty() {
        // SAFETY: the pointer and the length belong to one slice. The call takes no lock, which a
        // fork could leave locked.
        let written = unsafe { libc::write(libc::STDERR_FILENO, rest.as_ptr().cast(), rest.len()) };
        match usize::try_from(written) {
            Ok(written @ 1..) => rest = &rest[written..],
            Err(_) if std::io::Error::last_os_error().raw_os_error() == Some(libc::EINTR) => {}
            _ => break,
        }
    }
    Ok(())
}
