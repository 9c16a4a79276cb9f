//! Selection of processes by id and by name: targets that are missing, unreadable, shared or
//! reused.

#[cfg(target_os = "linux")]
mod linux;

use std::fs;
use std::process::{Command, Stdio};

use testing::command::{Started, lists_pages, program, run, stderr};

#[test]
fn missing_target_exits_1() {
    let mut child = Started::sleeping();
    let pid = child.pid();
    child.0.kill().unwrap();
    child.0.wait().unwrap();
    let output = run(["memory", &pid]);
    assert_eq!(output.status.code(), Some(1));
    let message = stderr(&output);
    assert!(
        message.starts_with("psapi: ") && message.contains(&pid),
        "{message}"
    );
    assert!(message.contains("no such process"), "{message}");

    let output = run(["memory", "no-process-has-this\nname"]);
    assert_eq!(output.status.code(), Some(1));
    // The message is longer if the user cannot read the names of some processes.
    let message = stderr(&output);
    let expected = "psapi: no process matches no-process-has-this\\nname";
    assert!(message.starts_with(expected), "{message}");
    assert_eq!(message.lines().count(), 1, "{message}");
    assert!(output.stdout.is_empty());
}

#[test]
fn id_list_shows_existing_processes() {
    let child = Started::sleeping();
    let mut exited = Started::sleeping();
    exited.0.kill().unwrap();
    exited.0.wait().unwrap();
    let ids = format!("{},{},{}", child.pid(), exited.pid(), child.pid());
    let output = run(["ps", "-o", "pid", "--pid", &ids]);
    assert_eq!(output.status.code(), Some(1));
    let table = String::from_utf8_lossy(&output.stdout);
    let pids: Vec<&str> = table.lines().skip(1).map(str::trim).collect();
    assert_eq!(pids, [child.pid()]);
    assert!(
        stderr(&output).contains(&exited.pid()),
        "{}",
        stderr(&output)
    );
}

#[test]
fn missing_target_does_not_stop_others() {
    let child = Started::sleeping();
    let output = run(["memory", "no-process-has-this-name", &child.pid(), "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["processes"][0]["pid"], child.0.id());
    assert_eq!(document["processes"].as_array().unwrap().len(), 1);
}

/// A file that discards what is written, and a user without processes.
const NULL: &str = if cfg!(windows) { "NUL" } else { "/dev/null" };
const USER: &str = if cfg!(windows) {
    "S-1-5-21-1-2-3-4"
} else {
    "4012345"
};

#[test]
fn no_match_exits_1() {
    let absent = "no process has this name";
    for (arguments, message) in [
        (&["memory", absent][..], "no process matches"),
        (&["modules", absent], "no process matches"),
        (&["maps", absent], "no process matches"),
        (&["ws", absent], "no process matches"),
        (&["ws", absent, "--svg", NULL], "no process matches"),
        (&["empty", absent], "no process matches"),
        (&["watch", absent], "no process matches"),
        (&["mapped", absent, "0x1000"], "no process matches"),
        (&["ps", absent], "no process matches"),
        (&["ps", "-n", absent], "no process matches"),
        (&["ps", "-u", USER], "no process passes all filters"),
        (&["drivers", "-n", absent], "no driver matches"),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?} {output:?}");
        assert!(stderr(&output).contains(message), "{output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
    }
    for arguments in [
        &["ws", "1", "2", "--svg", "/nonexistent"][..],
        &["ws", "1", "2", "--output", "/nonexistent"],
        &["ps", ""],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?} {output:?}");
    }
}

/// Starts a process that waits, with a text that no other command line contains. Also returns its
/// command line before the text.
#[cfg(target_os = "linux")]
fn marked(mark: &str) -> (Started, String) {
    let child = Started::new(Command::new("sh").args(["-c", "read line", "sh", mark]));
    testing::wait_until(|| {
        let line = child.proc("cmdline");
        line.windows(mark.len()).any(|part| part == mark.as_bytes())
    });
    (child, "sh -c read line sh ".to_owned())
}

#[cfg(windows)]
fn marked(mark: &str) -> (Started, String) {
    let child = Started::sleeping_with(&["read line", mark]);
    let path = child.path().display().to_string();
    (child, format!("{path} read line "))
}

#[test]
fn own_command_line_is_not_matched() {
    let mark = format!("mark-{}-of-own", std::process::id());
    let script = r#""$0" "$@"; exit $?"#;
    let wrapped = |arguments: &[&str]| {
        let mut shell = if cfg!(windows) {
            let mut shell = Command::new("cmd");
            shell.arg("/c");
            shell
        } else {
            let mut shell = Command::new("sh");
            shell.args(["-c", script]);
            shell
        };
        shell.arg(program()).args(arguments);
        shell.stdin(Stdio::null()).output().unwrap()
    };
    for subcommand in ["ps", "memory"] {
        let output = wrapped(&[subcommand, &mark]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert_eq!(output.stdout, b"", "{output:?}");
    }
    let (child, _) = marked(&mark);
    for subcommand in ["ps", "memory"] {
        let output = wrapped(&[subcommand, "--json", &mark]);
        assert!(output.status.success(), "{output:?}");
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let rows = document["processes"].as_array().unwrap();
        assert_eq!(rows.len(), 1, "{rows:?}");
        assert_eq!(rows[0]["pid"], child.0.id());
    }
}

#[test]
fn several_matches_are_shown() {
    let mark = format!("mark-{}-of-several", std::process::id());
    let children = [marked(&mark), marked(&mark)];
    let lines = children.each_ref().map(|child| {
        let pid = child.0.pid();
        format!("psapi: {pid:>9} {}{mark}\n", child.1)
    });
    // The order is by id, which wraps around.
    let assert_shown = |message: &str| {
        assert!(
            message.contains(&format!("{mark} matches 2 processes")),
            "{message}"
        );
        assert!(lines.iter().all(|line| message.contains(line)), "{message}");
    };
    for arguments in [&["modules"][..], &["maps"], &["ws"]] {
        if arguments == ["ws"] && !lists_pages() {
            continue;
        }
        let output = run(arguments.iter().chain(&[&mark[..]]));
        assert!(output.status.success(), "{output:?}");
        assert_shown(&stderr(&output));
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    let file = file.to_str().unwrap();
    for arguments in [
        &["watch"][..],
        &["ws", "--svg", file],
        &["ws", "--output", file],
    ] {
        let output = run(arguments.iter().chain(&[&mark[..]]));
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert_shown(&stderr(&output));
        assert!(!fs::exists(file).unwrap());
    }
    // Machine formats have the ids in their rows.
    let output = run(["modules", "--json", &mark]);
    assert!(output.status.success());
    assert_eq!(stderr(&output), "");
}

#[test]
fn tables_show_command_lines() {
    let mark = format!("mark-{}-of-tables", std::process::id());
    let (child, _) = marked(&mark);
    let pid = child.pid();
    for arguments in [
        &["ps", "-p", &pid][..],
        &["ps", "-p", &pid, "--width", "120"],
        &["memory", &pid, &std::process::id().to_string()],
    ] {
        let output = run(arguments);
        let table = String::from_utf8(output.stdout).unwrap();
        let row = table.lines().find(|line| line.contains("read line"));
        assert!(row.is_some_and(|row| row.contains(&pid)), "{table}");
    }
}
