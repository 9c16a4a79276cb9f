//! Ctrl-C and the other events by which a console ends its processes.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use windows_sys::Win32::System::Console::{CTRL_BREAK_EVENT, CTRL_C_EVENT, SetConsoleCtrlHandler};
use windows_sys::core::BOOL;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Notes an event. Windows calls this on a thread of its own.
unsafe extern "system" fn note(event: u32) -> BOOL {
    INTERRUPTED.store(true, Ordering::Relaxed);
    if event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT {
        // The console closes or the user logs off. Windows ends this process when the handler
        // returns, or after some seconds, so the main thread gets that time to finish.
        loop {
            thread::park();
        }
    }
    true.into()
}

/// From now on, Ctrl-C does not end this process.
pub fn catch_interrupts() -> io::Result<()> {
    // SAFETY: the handler is a function that is valid for the whole run.
    match unsafe { SetConsoleCtrlHandler(Some(note), true.into()) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Returns true if Ctrl-C was pressed since it is caught.
pub fn is_interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// Lets Ctrl-C end this process again.
pub fn restore_interrupts() {
    // SAFETY: as above. Removing a handler that was not added is only an error.
    unsafe { SetConsoleCtrlHandler(Some(note), false.into()) };
}
