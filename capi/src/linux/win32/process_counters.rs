//! `GetProcessIoCounters`, `GetProcessHandleCount` and `IsWow64Process`.

use psapi::ModuleClass;

use crate::convert::to_dword;
use crate::linux::handles::resolve;
use crate::linux::win32::system_info::is_64_bit_system;
use crate::types::rights::PROCESS_QUERY_LIMITED_INFORMATION;
use crate::types::{BOOL, DWORD, FALSE, HANDLE, IO_COUNTERS, TRUE};
use crate::user_memory;
use crate::win32_error::{Result, Win32Error};

/// Implements `GetProcessIoCounters`. Linux counts only reads and writes.
pub fn io(process: HANDLE, to: *mut IO_COUNTERS) -> Result<BOOL> {
    let target = resolve(process, PROCESS_QUERY_LIMITED_INFORMATION)?;
    let counters = target
        .process
        .io_counters()
        .map_err(|error| Win32Error::from_process_error(&error))?;
    let counters = IO_COUNTERS {
        ReadOperationCount: counters.read_calls,
        WriteOperationCount: counters.write_calls,
        OtherOperationCount: counters.other_calls.unwrap_or(0),
        ReadTransferCount: counters.read,
        WriteTransferCount: counters.written,
        OtherTransferCount: counters.other.unwrap_or(0),
    };
    user_memory::write(to, &counters)?;
    Ok(TRUE)
}

/// Implements `GetProcessHandleCount`: the number of open file descriptors.
pub fn handles(process: HANDLE, to: *mut DWORD) -> Result<BOOL> {
    let target = resolve(process, PROCESS_QUERY_LIMITED_INFORMATION)?;
    let count = target
        .process
        .handle_count()
        .map_err(|error| Win32Error::from_process_error(&error))?;
    user_memory::write(to, &to_dword(count))?;
    Ok(TRUE)
}

/// Implements `IsWow64Process`. True for a 32-bit program on a 64-bit kernel.
pub fn is_wow64(process: HANDLE, to: *mut BOOL) -> Result<BOOL> {
    let target = resolve(process, PROCESS_QUERY_LIMITED_INFORMATION)?;
    let executable = target
        .process
        .executable()
        .map_err(|error| Win32Error::from_process_error(&error))?;
    let is_wow64 = executable.class == ModuleClass::Bits32 && is_64_bit_system();
    user_memory::write(to, if is_wow64 { &TRUE } else { &FALSE })?;
    Ok(TRUE)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read as _, Write as _};
    use std::process::{Command, Stdio};
    use std::ptr::null_mut;

    use super::*;
    use crate::linux::handles::{close, current, open};
    use crate::types::rights::PROCESS_VM_READ;

    #[test]
    fn counts_reads_and_writes() {
        let mut child = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let process = open(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, child.id()).unwrap();
        let mut echo = |size: usize| {
            let text = vec![b'x'; size];
            child.stdin.as_mut().unwrap().write_all(&text).unwrap();
            let mut copy = vec![0; size];
            child
                .stdout
                .as_mut()
                .unwrap()
                .read_exact(&mut copy)
                .unwrap();
            let mut counters = IO_COUNTERS::default();
            io(process, &mut counters).unwrap();
            counters
        };
        let (before, after) = (echo(10), echo(1000));
        assert_eq!(after.WriteTransferCount - before.WriteTransferCount, 1000);
        assert_eq!(after.WriteOperationCount - before.WriteOperationCount, 1);
        assert!(after.ReadTransferCount >= before.ReadTransferCount + 1000);
        assert_eq!(
            (after.OtherOperationCount, after.OtherTransferCount),
            (0, 0)
        );
        child.kill().unwrap();
        child.wait().unwrap();
        let mut counters = IO_COUNTERS::default();
        assert_eq!(io(process, &mut counters), Err(Win32Error::GEN_FAILURE));
        close(process).unwrap();
    }

    #[test]
    fn counts_open_descriptors() {
        let mut child = Command::new("sh")
            .args(["-c", "exec 7</dev/null 8</dev/null; echo; read line"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        let process = open(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, child.id()).unwrap();
        let listed = std::fs::read_dir(format!("/proc/{}/fd", child.id())).unwrap();
        let listed = listed.count() as DWORD;
        let mut count = 0;
        assert_eq!(handles(process, &mut count), Ok(TRUE));
        assert_eq!(count, listed);
        assert_eq!(handles(process, null_mut()), Err(Win32Error::NOACCESS));
        close(process).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn own_program_is_not_wow64() {
        let mut wow64 = 7;
        assert_eq!(is_wow64(current(), &mut wow64), Ok(TRUE));
        let mut class = [0; 5];
        let mut program = File::open("/proc/self/exe").unwrap();
        program.read_exact(&mut class).unwrap();
        // The fifth byte of an ELF file is its class: 1 for 32 bits.
        assert_eq!(wow64 != FALSE, class[4] == 1 && is_64_bit_system());
    }

    #[test]
    fn rights_are_required() {
        let process = open(PROCESS_VM_READ, FALSE, std::process::id()).unwrap();
        let denied = Err(Win32Error::ACCESS_DENIED);
        assert_eq!(io(process, null_mut()), denied);
        assert_eq!(handles(process, null_mut()), denied);
        assert_eq!(is_wow64(process, null_mut()), denied);
        close(process).unwrap();
    }
}
