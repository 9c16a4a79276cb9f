//! The end of a process: waiting for it, causing it, and the exit status.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use psapi::{ErrorKind, ExitStatus, Process, System};

#[cfg(target_os = "linux")]
use testing::privilege::{is_root, unprivileged};
#[cfg(target_os = "linux")]
use testing::skip;

/// Starts a shell that runs a command after it has read a line.
fn start(command: &str) -> (Child, Process) {
    let mut shell = if cfg!(windows) {
        let mut shell = Command::new("cmd");
        shell.args(["/c", &format!("set /p line= & {command}")]);
        shell
    } else {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("read line; {command}")]);
        shell
    };
    let child = shell
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let process = System::new().process(child.id()).unwrap();
    (child, process)
}

const NOW: Option<Duration> = Some(Duration::ZERO);

#[test]
fn exit_status_is_code_or_signal() {
    for (command, status) in [
        ("exit 0", ExitStatus::Code(0)),
        ("exit 250", ExitStatus::Code(250)),
        #[cfg(target_os = "linux")]
        ("kill -TERM $$", ExitStatus::Signal(15)),
        #[cfg(windows)]
        ("exit -1", ExitStatus::Code(u32::MAX)),
    ] {
        let (mut child, process) = start(command);
        assert_eq!(process.exit_status().unwrap(), None);
        assert!(!process.wait(NOW).unwrap());
        drop(child.stdin.take());
        assert!(process.wait(None).unwrap());
        assert_eq!(process.exit_status().unwrap(), Some(status));
        child.wait().unwrap();
        assert!(process.wait(NOW).unwrap());
        if cfg!(windows) {
            // The handle keeps it.
            assert_eq!(process.exit_status().unwrap(), Some(status));
            continue;
        }
        let error = process.exit_status().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Ended, "{error}");
    }
}

#[test]
fn termination_kills_only_once() {
    let (mut child, process) = start("exit 0");
    process.terminate().unwrap();
    assert!(process.wait(Some(Duration::MAX)).unwrap());
    let killed = if cfg!(windows) {
        ExitStatus::Code(1)
    } else {
        ExitStatus::Signal(9)
    };
    assert_eq!(process.exit_status().unwrap(), Some(killed));
    let after_end = || process.terminate().unwrap_err().kind();
    assert_eq!(after_end(), ErrorKind::Ended);
    child.wait().unwrap();
    assert_eq!(after_end(), ErrorKind::Ended);
}

#[cfg(target_os = "linux")]
#[test]
fn foreign_process_denies_termination() {
    if !is_root() {
        return skip("needs root to change the user");
    }
    let (mut child, process) = start("exit 3");
    let error = unprivileged(|| process.terminate().unwrap_err());
    assert_eq!(error.kind(), ErrorKind::AccessDenied, "{error}");
    assert!(error.remedy().unwrap().contains("CAP_KILL"), "{error}");
    // Waiting needs no privilege, but the exit status does.
    assert!(!unprivileged(|| process.wait(NOW).unwrap()));
    drop(child.stdin.take());
    assert!(unprivileged(|| process.wait(None).unwrap()));
    let error = unprivileged(|| process.exit_status().unwrap_err());
    assert_eq!(error.kind(), ErrorKind::AccessDenied, "{error}");
    assert_eq!(process.exit_status().unwrap(), Some(ExitStatus::Code(3)));
    child.wait().unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn kernel_threads_cannot_be_killed() {
    let process = System::new().process(2).ok().filter(|process| {
        let status = process.status(psapi::Fields::STAT).unwrap();
        status.kernel_thread == Some(true)
    });
    let Some(process) = process else {
        return skip("no kernel threads in this pid namespace");
    };
    let error = process.terminate().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported, "{error}");
}
