//! A command that waits at its first instruction.

use std::ffi::OsString;
use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::os::windows::process::CommandExt as _;
use std::process::{Child, Command};

use psapi::{ProcessId, System};
use windows_sys::Win32::System::Threading::{
    CREATE_SUSPENDED, OpenThread, ResumeThread, THREAD_SUSPEND_RESUME,
};

use super::exit::ExitCode;

/// A command that was started suspended.
#[derive(Debug)]
pub struct SuspendedCommand(Child);

impl SuspendedCommand {
    /// Creates the process of a command: the program and its arguments.
    pub fn start(command: &[OsString]) -> io::Result<Self> {
        let (program, arguments) = command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let mut command = Command::new(program);
        command.args(arguments).creation_flags(CREATE_SUSPENDED);
        command.spawn().map(SuspendedCommand)
    }

    /// Returns the id of the process.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Lets the command run.
    pub fn resume(&self, system: &System) -> anyhow::Result<()> {
        // Another program can have added threads, which are not suspended.
        let threads = system.thread_ids(ProcessId::new(self.id()))?;
        for thread in threads.unwrap_or_default() {
            resume_thread(thread)?;
        }
        Ok(())
    }

    /// Terminates the command if it still runs, and returns its exit code.
    pub fn end(&mut self) -> Option<ExitCode> {
        if let Ok(None) = self.0.try_wait() {
            let _ = self.0.kill();
        }
        let status = self.0.wait().ok()?;
        status.code().map(i32::cast_unsigned)
    }
}

fn resume_thread(id: u32) -> io::Result<()> {
    // SAFETY: the arguments are plain values.
    let thread = unsafe { OpenThread(THREAD_SUSPEND_RESUME, false.into(), id) };
    if thread.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle was opened above, and nothing else closes it.
    let thread = unsafe { OwnedHandle::from_raw_handle(thread) };
    // SAFETY: the handle is open and has the right to resume the thread.
    match unsafe { ResumeThread(thread.as_raw_handle()) } {
        u32::MAX => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suspended_command_runs_when_resumed() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("ran");
        let script = format!("mkdir {}& exit 66051", file.display());
        let command = ["cmd", "/c", &script].map(OsString::from);
        let mut started = SuspendedCommand::start(&command).unwrap();
        assert!(started.0.try_wait().unwrap().is_none());
        assert!(!file.exists());
        started.resume(&System::new()).unwrap();
        started.0.wait().unwrap();
        assert!(file.exists());
        // Exit codes have 32 bits.
        assert_eq!(started.end(), Some(66051));
    }

    #[test]
    fn suspended_command_can_be_terminated() {
        let command = ["cmd", "/c", "exit 7"].map(OsString::from);
        let mut started = SuspendedCommand::start(&command).unwrap();
        assert_eq!(started.end(), Some(1));
    }
}
