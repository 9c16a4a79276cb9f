//! Standard output and consoles.

use std::io::{self, IsTerminal as _, StdoutLock, Write as _};
use std::os::windows::io::{AsHandle, AsRawHandle as _};

use windows_sys::Win32::Foundation::ERROR_INVALID_HANDLE;
use windows_sys::Win32::System::Console::{
    ENABLE_VIRTUAL_TERMINAL_PROCESSING, GetConsoleMode, SetConsoleMode,
};

/// A stream that can be a terminal.
pub trait AsStream: AsHandle {}

impl<Stream: AsHandle> AsStream for Stream {}

/// Writes to standard output without a buffer.
pub fn write_stdout(stream: &mut StdoutLock<'_>, bytes: &[u8]) -> io::Result<usize> {
    // The standard library takes a missing handle for a success.
    if stream.as_raw_handle().is_null() {
        return Err(io::Error::from_raw_os_error(
            ERROR_INVALID_HANDLE.cast_signed(),
        ));
    }
    if stream.is_terminal() {
        // A console takes text only. CSV contains the bytes of names that are not UTF-8.
        stream.write_all(String::from_utf8_lossy(bytes).as_bytes())?;
    } else {
        stream.write_all(bytes)?;
    }
    stream.flush()?;
    Ok(bytes.len())
}

/// Makes a console interpret escape sequences, which older consoles do only on request.
pub fn enable_escapes(stream: &impl AsStream) {
    let console = stream.as_handle().as_raw_handle();
    let mut mode = 0;
    // SAFETY: the handle is open while the stream is borrowed, and `mode` may be written.
    if unsafe { GetConsoleMode(console, &mut mode) } != 0 {
        // SAFETY: as above. A console without this mode refuses it.
        unsafe { SetConsoleMode(console, mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING) };
    }
}
