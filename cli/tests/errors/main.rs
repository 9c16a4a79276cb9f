//! Exit codes and messages of failing runs, and output to closed pipes and full disks.

#[cfg(target_os = "linux")]
mod linux;

use testing::command::{psapi, run, stderr};

#[test]
fn usage_error_exits_2() {
    for arguments in [
        &["--nonsense"][..],
        &["nonsense"],
        &["memory"],
        &["ps", "-o", "nonsense"],
        &["ps", "--sort", "nonsense"],
        &["ps", "--sort", "ws:up"],
        &["ps", "-o", "pid,cpu"],
        &["ps", "--interval", "0"],
        &["ps", "--interval", "-1"],
        &["ps", "--interval", "NaN"],
        // The end of such an interval overflows the clock.
        &["ps", "--interval", "1e19"],
        &["ps", "--count", "2"],
        &["ps", "--user", "no such user"],
        &["ps", "--json", "--csv"],
        &["--interval", "1", "ps"],
        &["memory", ""],
        &["maps", "1", ""],
        &["mapped", "", "0x1000"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(
            stderr(&output).starts_with("error: "),
            "{}",
            stderr(&output)
        );
    }
}

/// The value that an option for ids expects.
const ID: &str = if cfg!(windows) {
    "a process id, a number from 1"
} else {
    "a process id from 1 to 4194304"
};

#[test]
fn usage_error_names_expected_value() {
    for (arguments, expected) in [
        (&["ps", "--pid", "a"][..], ID),
        (&["ps", "--pid", "1,"], ID),
        (&["ps", "--pid", "0"], ID),
        (&["ps", "--pid", "4294967297"], ID),
        (&["ps", "--width", "x"], "a number of columns"),
        (
            &["ps", "-i", "1", "--count", "x"],
            "a number of samples, at least 1",
        ),
        (
            &["ps", "-i", "1", "--count", "0"],
            "a number of samples, at least 1",
        ),
        (&["ps", "-i", "x"], "a number of seconds"),
        (&["watch", "--top", "x", "1"], "a number of rows"),
        (
            &["ps", "--sort", "x"],
            "unknown column; --help lists all columns",
        ),
        (
            &["ws", "--sort", "x", "1"],
            "unknown column; expected one of start, size,",
        ),
        (
            &["ws", "1", "--modules", "--pages"],
            "--modules adds up pages",
        ),
        (&["ws", "1", "--from", "x"], "leave out one of the two"),
        (
            &["ws", "1", "-o", "x", "--sort", "size"],
            "show them afterwards",
        ),
        (&["ws", "1", "-o", "x", "--json"], "show them afterwards"),
        (
            &["ws", "1", "--against", "x", "-i", "1"],
            "the previous sample",
        ),
        (&["ws", "--from", "x", "-i", "1"], "a single working set"),
        (
            &["ws", "1", "--pages", "--sort", "huge"],
            "expected one of start, end,",
        ),
        (&["ps", "--json", "--csv"], "the output has one format"),
        (
            &["ws", "--sort", "growth", "1"],
            "unknown column; expected one of start, size,",
        ),
        (
            &["ws", "--sort", "size:up", "1"],
            "the order must be asc or desc\n",
        ),
        (
            &["ws", "--interval", "1", "--svg", "x", "1"],
            "a picture shows one moment",
        ),
        (&["memory", ""], "a process id, a name or a part of a"),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let message = stderr(&output);
        assert!(message.contains(expected), "{arguments:?}: {message}");
    }
}

#[test]
fn closed_pipe_exits_0() {
    for arguments in [
        &["ps"][..],
        &[],
        &["ps", "--json"],
        &["ps", "--csv"],
        &["--help"],
        &["completions", "bash"],
        &["ps", "--interval", "0.05"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = psapi().args(arguments).stdout(writer).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert_eq!(stderr(&output), "", "{arguments:?}");
    }
}

#[test]
fn usage_error_prints_usage_of_subcommand() {
    for (arguments, usage) in [
        (&["ps", "-o", "cpu"][..], "Usage: psapi ps "),
        (&["ws", "1", "-i", "1", "--svg", "x"], "Usage: psapi ws "),
        (
            &["watch", "--csv", "--by", "module,thread", "1"],
            "Usage: psapi watch ",
        ),
        (&["--interval", "1", "ps"], "Usage: psapi ps "),
    ] {
        let message = stderr(&run(arguments));
        assert!(message.contains(usage), "{arguments:?}: {message}");
    }
}
