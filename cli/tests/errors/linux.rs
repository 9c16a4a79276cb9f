//! Tests of what only Linux has: made-up `/proc` trees, other users, and its special files.

use std::fs::File;
use std::process::{Command, Stdio};

use testing::command::{ProcMount, ProcTree, program, psapi, run, run_unprivileged, stderr};

#[test]
fn usage_error_ignores_unwritable_stderr() {
    let closed = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        Stdio::from(writer)
    };
    let full = || Stdio::from(File::options().write(true).open("/dev/full").unwrap());
    for stderr in [closed(), full()] {
        let mut command = psapi();
        let status = command.arg("--nonsense").stderr(stderr).status().unwrap();
        assert_eq!(status.code(), Some(2));
    }
}

#[test]
fn hidden_processes_are_reported_once() {
    for option in ["hidepid=2", "hidepid=4"] {
        let Some(proc) = ProcMount::new(option) else {
            continue;
        };
        for arguments in [&[][..], &["ps"], &["system"], &["ps", "--json"]] {
            let output = run_unprivileged(proc.arguments(arguments));
            assert_eq!(output.status.code(), Some(0), "{output:?}");
            let message = stderr(&output);
            assert_eq!(message.lines().count(), 1, "{message}");
            assert!(
                message.contains("hides other users' processes"),
                "{message}"
            );
            assert!(message.contains("CAP_SYS_PTRACE"), "{message}");
        }
        let message = stderr(&run_unprivileged(
            proc.arguments(&["memory", "no such name"]),
        ));
        assert!(
            message.contains("hides other users' processes"),
            "{message}"
        );
    }
}

/// With `subset=pid`, `/proc` contains only processes, so the system's figures are missing.
#[test]
fn overview_lists_processes_without_system_files() {
    let tree = ProcTree::new();
    tree.process(7, 1, b"alone", 4);
    for format in [None, Some("--json"), Some("--csv")] {
        let arguments = format.map(str::to_owned).into_iter();
        let output = run(arguments.chain(tree.options()));
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(shown.contains("alone"), "{output:?}");
        let message = stderr(&output);
        assert!(message.contains("performance information"), "{message}");
        assert!(message.contains("subset=pid"), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }
}

#[test]
fn full_disk_exits_1() {
    for arguments in [
        &["ps"][..],
        &["--json"],
        &["ps", "--csv"],
        &["--help"],
        &["man"],
    ] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = psapi().args(arguments).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let message = stderr(&output);
        assert!(message.contains("no space left on device"), "{message}");
    }
}

/// The shell closes standard output, or opens it for reading only.
#[test]
fn unwritable_stdout_exits_1() {
    let own = std::process::id().to_string();
    for redirection in [">&-", "1</dev/null"] {
        for arguments in [
            &["ps"][..],
            &[],
            &["ps", "--json"],
            &["system", "--csv"],
            &["drivers"],
            &["pagefiles"],
            &["maps", &own],
            &["--help"],
            &["--version"],
            &["ps", "--help"],
            &["help", "ps"],
            &["completions", "bash"],
            &["man"],
        ] {
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("exec \"$0\" \"$@\" {redirection}")]);
            let output = shell.arg(program()).args(arguments).output().unwrap();
            let message = stderr(&output);
            assert_eq!(output.status.code(), Some(1), "{arguments:?}: {message}");
            let expected = "psapi: cannot write the output: bad file descriptor\n";
            assert_eq!(message, expected, "{arguments:?}");
        }
    }
    // Without output, a closed standard output is no failure.
    let directory = tempfile::tempdir().unwrap();
    let script = "exec \"$0\" man --dir \"$1\" >&-";
    let mut shell = Command::new("sh");
    shell
        .args(["-c", script])
        .arg(program())
        .arg(directory.path());
    assert!(shell.status().unwrap().success());
}

#[test]
fn invalid_proc_root_exits_1() {
    let empty = tempfile::tempdir().unwrap();
    let root = empty.path().to_str().unwrap();
    for arguments in [
        &["ps"][..],
        &[],
        &["system"],
        &["memory", "x"],
        &["memory", "123"],
        &["ps", "-p", "123"],
    ] {
        let output = run([arguments, &["--proc-root", root]].concat());
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let message = stderr(&output);
        assert!(
            message.starts_with("psapi: ") && message.contains(root),
            "{message}"
        );
        assert!(message.contains("a mounted proc file system"), "{message}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}
