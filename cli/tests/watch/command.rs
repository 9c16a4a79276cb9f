//! Watches of a command: its exit code, its streams and signals, and reports that cannot be
//! written.

use std::ffi::OsStr;
use std::io::Write as _;
use std::process::Stdio;

use testing::command::{output_of_copy, psapi, records_faults, stderr};

use crate::support::Watched;
#[cfg(target_os = "linux")]
use crate::support::{Running, number};

#[test]
fn exit_code_is_passed_on() {
    if !records_faults() {
        return;
    }
    let watched = Watched::compile();
    let code = |arguments: &[&str]| watched.watch(&[], arguments).0.status.code();
    assert_eq!(code(&[]), Some(0));
    assert_eq!(code(&["touch", "255"]), Some(255));
    assert_eq!(code(&["exit-in-thread"]), Some(7));
    if cfg!(windows) {
        // All 32 bits.
        let code = code(&["touch", "0xC0000005"]);
        assert_eq!(code, Some(0xC000_0005_u32.cast_signed()));
        return;
    }
    assert_eq!(code(&["kill", "15"]), Some(128 + 15));
    assert_eq!(code(&["kill", "9"]), Some(128 + 9));
    // The ptrace wrapper has no name for real-time signals.
    assert_eq!(code(&["kill", "40"]), Some(128 + 40));
    assert_eq!(code(&["stop"]), Some(6));
}

#[test]
fn unrunnable_command_has_shell_exit_code() {
    let directory = tempfile::tempdir().unwrap();
    let plain = directory.path().join("plain");
    std::fs::write(&plain, "").unwrap();
    // Only root can search this directory of `PATH`.
    let closed = directory.path().join("closed");
    std::fs::create_dir(&closed).unwrap();
    #[cfg(target_os = "linux")]
    std::fs::set_permissions(&closed, std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
    let path = std::env::join_paths([closed.as_path(), directory.path()]).unwrap();
    for (command, code) in [
        (OsStr::new("/no/such/command"), 127),
        (OsStr::new("no-such-command\x1b"), 127),
        (plain.as_os_str(), 126),
        // Windows finds only files with the extension of a program.
        (OsStr::new("plain"), if cfg!(windows) { 127 } else { 126 }),
        (directory.path().as_os_str(), 126),
    ] {
        let output = psapi()
            .arg("watch")
            .arg("--")
            .arg(command)
            .env("PATH", &path)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(code), "{command:?}");
        let message = stderr(&output);
        assert!(message.starts_with("psapi: cannot run "), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
        assert!(!message.contains('\x1b'));
        // Windows' text can have a place for the name.
        assert!(!message.contains('%'), "{message}");
    }
}

#[test]
fn report_goes_to_stderr() {
    if !records_faults() {
        return;
    }
    let watched = Watched::compile();
    let mut command = watched.command(&[], &["copy"]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"input").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(output.stdout, b"input");
    let text = stderr(&output);
    assert_eq!(text.lines().next(), Some("error"), "{text}");
    assert!(text.contains("\nwatched "), "{text}");
}

#[test]
fn unwritable_report_prevents_start() {
    let directory = tempfile::tempdir().unwrap();
    let created = directory.path().join("created");
    let watched = Watched::compile();
    let mut command = watched.command(&["-o", "/no/such/place"], &["create"]);
    command.arg(&created);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(125));
    assert!(stderr(&output).contains("/no/such/place"));
    assert!(!created.exists());
}

#[cfg(target_os = "linux")]
#[test]
fn failed_write_names_the_file() {
    let watched = Watched::compile();
    for live in [&[][..], &["--live"]] {
        let options = [&["-o", "/dev/full"][..], live].concat();
        let output = output_of_copy(&mut watched.command(&options, &["touch", "42"]));
        assert_eq!(output.status.code(), Some(125), "{live:?}");
        let message = stderr(&output);
        let is_about_symbols = |line: &&str| line.starts_with("psapi: no symbols for ");
        let rest: Vec<_> = message
            .lines()
            .filter(|line| !is_about_symbols(line))
            .collect();
        let [message] = rest[..] else {
            panic!("{message}");
        };
        assert!(message.contains("/dev/full"), "{message}");
        assert!(message.contains("exit code 42"), "{message}");
    }
    let running = Running::start(&watched, "running");
    let pid = running.child.id().to_string();
    let output = psapi()
        .args(["watch", "-d", "0.01", "-o", "/dev/full", &pid])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("/dev/full"), "{output:?}");
}

#[test]
fn closed_pipe_keeps_exit_code() {
    if !records_faults() {
        return;
    }
    let watched = Watched::compile();
    for live in [&[][..], &["--live"]] {
        let mut command = watched.command(live, &["touch", "42"]);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        command.stderr(writer).stdout(Stdio::null());
        let status = output_of_copy(&mut command).status;
        assert_eq!(status.code(), Some(42), "{live:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn signal_ends_the_command() {
    use std::io::{BufRead as _, BufReader};
    use std::process::Command;

    use serde_json::Value;

    let watched = Watched::compile();
    let report = watched.report_path();
    let mut command = watched.command(&["--json", "-o", report.to_str().unwrap()], &["term"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let kill = Command::new("kill").arg(child.id().to_string()).status();
    assert!(kill.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(128 + 15));
    let report: Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    assert!(number(&report["watch"], "faults") > 0);
}
