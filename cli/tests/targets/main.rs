//! Selection of processes by id and by name: targets that are missing, unreadable, shared or
//! reused.

#[cfg(target_os = "linux")]
mod linux;

use testing::command::{Started, run, stderr};

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
