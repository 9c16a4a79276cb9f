//! `TerminateProcess`, `WaitForSingleObject`, `GetExitCodeProcess` and `GetProcessId`.

use std::time::Duration;

use psapi::{ErrorKind, ExitStatus};

use crate::linux::handle_table::Target;
use crate::linux::handles::resolve;
use crate::types::rights::{PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_TERMINATE, SYNCHRONIZE};
use crate::types::{BOOL, DWORD, HANDLE, TRUE, UINT};
use crate::user_memory;
use crate::win32_error::{Result, Win32Error};

/// The exit code of a process that runs.
const STILL_ACTIVE: DWORD = 259;

/// The argument of `WaitForSingleObject` without a time limit.
const INFINITE: DWORD = DWORD::MAX;

const WAIT_OBJECT_0: DWORD = 0;
const WAIT_TIMEOUT: DWORD = 258;

/// Implements `GetProcessId`.
pub fn id(process: HANDLE) -> Result<DWORD> {
    let target = resolve(process, PROCESS_QUERY_LIMITED_INFORMATION)?;
    Ok(target.process.id().get())
}

/// Implements `TerminateProcess`. A process that has ended cannot be terminated.
pub fn terminate(process: HANDLE, code: UINT) -> Result<BOOL> {
    let target = resolve(process, PROCESS_TERMINATE)?;
    if target.process.id().get() == std::process::id() {
        // SAFETY: `_exit` takes no pointers. The caller asked for an end without cleanup.
        unsafe { libc::_exit(code as i32) };
    }
    match target.process.terminate() {
        Ok(()) => {
            // The first termination is the effective one.
            let _ = target.terminated_with.set(Box::new(code));
            Ok(TRUE)
        }
        Err(error) if error.kind() == ErrorKind::Ended => Err(Win32Error::ACCESS_DENIED),
        Err(error) => Err(Win32Error::from_process_error(&error)),
    }
}

/// Implements `WaitForSingleObject` for processes.
pub fn wait(handle: HANDLE, milliseconds: DWORD) -> Result<DWORD> {
    let target = resolve(handle, SYNCHRONIZE)?;
    let timeout = match milliseconds {
        INFINITE => None,
        _ => Some(Duration::from_millis(milliseconds.into())),
    };
    match target.process.wait(timeout) {
        Ok(true) => Ok(WAIT_OBJECT_0),
        Ok(false) => Ok(WAIT_TIMEOUT),
        Err(error) => Err(Win32Error::from_process_error(&error)),
    }
}

/// Implements `GetExitCodeProcess`.
pub fn exit_code(process: HANDLE, to: *mut DWORD) -> Result<BOOL> {
    let target = resolve(process, PROCESS_QUERY_LIMITED_INFORMATION)?;
    user_memory::write(to, &code(&target)?)?;
    Ok(TRUE)
}

/// Returns the exit code. For a process that a signal killed, this is 128 plus the number of the
/// signal, as in shells.
fn code(target: &Target) -> Result<DWORD> {
    let killed_here = target.terminated_with.get().copied();
    match target.process.exit_status() {
        Ok(None) => Ok(STILL_ACTIVE),
        Ok(Some(ExitStatus::Code(code))) => Ok(code),
        Ok(Some(ExitStatus::Signal(signal))) if signal == libc::SIGKILL as u32 => {
            Ok(killed_here.unwrap_or(128 + signal))
        }
        Ok(Some(ExitStatus::Signal(signal))) => Ok(128 + signal),
        // The parent has collected the exit status.
        Err(error) if error.kind() == ErrorKind::Ended => {
            killed_here.ok_or(Win32Error::GEN_FAILURE)
        }
        Err(error) => Err(Win32Error::from_process_error(&error)),
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;
    use crate::linux::handles::{close, current, open};
    use crate::types::FALSE;
    use crate::types::rights::PROCESS_VM_READ;

    const ACCESS: DWORD = PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_TERMINATE | SYNCHRONIZE;

    /// Starts a shell that runs a command after it has read a line.
    fn start(command: &str) -> (Child, HANDLE) {
        let child = Command::new("sh")
            .args(["-c", &format!("read line; {command}")])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let process = open(ACCESS, FALSE, child.id()).unwrap();
        assert_eq!(id(process), Ok(child.id()));
        (child, process)
    }

    fn code_of(process: HANDLE) -> Result<DWORD> {
        let mut code = 0;
        exit_code(process, &mut code).map(|_| code)
    }

    #[test]
    fn exit_code_follows_end() {
        for (command, expected) in [("exit 7", 7), ("exit 259", 3), ("kill -TERM $$", 128 + 15)] {
            let (mut child, process) = start(command);
            assert_eq!(code_of(process), Ok(STILL_ACTIVE));
            assert_eq!(wait(process, 0), Ok(WAIT_TIMEOUT));
            assert_eq!(wait(process, 20), Ok(WAIT_TIMEOUT));
            drop(child.stdin.take());
            assert_eq!(wait(process, INFINITE), Ok(WAIT_OBJECT_0));
            assert_eq!(code_of(process), Ok(expected), "{command}");
            assert_eq!(terminate(process, 1), Err(Win32Error::ACCESS_DENIED));
            child.wait().unwrap();
            assert_eq!(wait(process, INFINITE), Ok(WAIT_OBJECT_0));
            assert_eq!(code_of(process), Err(Win32Error::GEN_FAILURE));
            assert_eq!(id(process), Ok(child.id()));
            close(process).unwrap();
        }
    }

    #[test]
    fn termination_sets_exit_code() {
        let (mut child, process) = start("exit 0");
        assert_eq!(terminate(process, 77), Ok(TRUE));
        assert_eq!(wait(process, INFINITE), Ok(WAIT_OBJECT_0));
        assert_eq!(code_of(process), Ok(77));
        assert_eq!(terminate(process, 78), Err(Win32Error::ACCESS_DENIED));
        // Other handles of the process share the code, and the kernel's status is not needed.
        let other = open(ACCESS, FALSE, child.id()).unwrap();
        child.wait().unwrap();
        assert_eq!(code_of(other), Ok(77));
        close(other).unwrap();
        close(process).unwrap();
    }

    #[test]
    fn foreign_kill_has_signal_code() {
        let (mut child, process) = start("exit 0");
        child.kill().unwrap();
        assert_eq!(wait(process, INFINITE), Ok(WAIT_OBJECT_0));
        assert_eq!(code_of(process), Ok(128 + 9));
        child.wait().unwrap();
        close(process).unwrap();
    }

    #[test]
    fn rights_are_required() {
        let (mut child, process) = start("exit 0");
        let without = open(PROCESS_VM_READ, FALSE, child.id()).unwrap();
        assert_eq!(terminate(without, 0), Err(Win32Error::ACCESS_DENIED));
        assert_eq!(wait(without, 0), Err(Win32Error::ACCESS_DENIED));
        assert_eq!(code_of(without), Err(Win32Error::ACCESS_DENIED));
        assert_eq!(id(without), Err(Win32Error::ACCESS_DENIED));
        assert_eq!(
            exit_code(process, std::ptr::null_mut()),
            Err(Win32Error::NOACCESS)
        );
        close(without).unwrap();
        for stale in [without, std::ptr::null_mut()] {
            assert_eq!(terminate(stale, 0), Err(Win32Error::INVALID_HANDLE));
            assert_eq!(wait(stale, 0), Err(Win32Error::INVALID_HANDLE));
        }
        assert_eq!(code_of(current()), Ok(STILL_ACTIVE));
        assert_eq!(wait(current(), 0), Ok(WAIT_TIMEOUT));
        close(process).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn terminating_the_caller_ends_it() {
        // SAFETY: the child calls only functions that are safe after a fork: it opens files, and
        // leaves without unwinding.
        match unsafe { libc::fork() } {
            0 => {
                let _ = terminate(current(), 0x1_2A);
                std::process::abort();
            }
            child => {
                let mut status = 0;
                // SAFETY: `status` has room for the status.
                assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
                assert_eq!(libc::WEXITSTATUS(status), 0x2A);
                assert!(libc::WIFEXITED(status));
            }
        }
    }
}
