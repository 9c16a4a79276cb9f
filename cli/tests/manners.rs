//! Exit codes, errors, and what happens when the output goes nowhere.

mod common;

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::process::Command;

use common::{ProcTree, Started, json, program, psapi, run, stderr, text};

#[test]
fn wrong_usage_is_exit_code_2() {
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
        // More than a moment can be moved on by.
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

#[test]
fn wrong_usage_says_what_is_expected() {
    for (arguments, expected) in [
        (&["ps", "--pid", "a"][..], "a number from 1 to 4194304"),
        (&["ps", "--pid", "1,"], "a number from 1 to 4194304"),
        (&["ps", "--pid", "0"], "a number from 1 to 4194304"),
        (&["ps", "--pid", "4294967297"], "a number from 1 to 4194304"),
        (&["ps", "--width", "x"], "a number of columns"),
        (
            &["ps", "-i", "1", "--count", "x"],
            "a number of answers, at least 1",
        ),
        (
            &["ps", "-i", "1", "--count", "0"],
            "a number of answers, at least 1",
        ),
        (&["ps", "-i", "x"], "a number of seconds"),
        (&["memory", ""], "a pid or a name"),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let message = stderr(&output);
        assert!(message.contains(expected), "{arguments:?}: {message}");
    }
}

#[test]
fn help_and_version_succeed() {
    for arguments in [&["--help"][..], &["-h"], &["--version"], &["ps", "--help"]] {
        assert!(!text(arguments).is_empty());
    }
}

#[test]
fn a_pid_or_name_that_nobody_has_is_exit_code_1_and_says_so() {
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
    assert_eq!(
        stderr(&output),
        "psapi: no process is named no-process-has-this\\nname\n"
    );
    assert!(output.stdout.is_empty());
}

#[test]
fn a_listing_of_ids_shows_those_that_are_there() {
    let child = Started::sleeping();
    let mut gone = Started::sleeping();
    gone.0.kill().unwrap();
    gone.0.wait().unwrap();
    let ids = format!("{},{},{}", child.pid(), gone.pid(), child.pid());
    let output = run(["ps", "-o", "pid", "--pid", &ids]);
    assert_eq!(output.status.code(), Some(1));
    let table = String::from_utf8_lossy(&output.stdout);
    let pids: Vec<&str> = table.lines().skip(1).map(str::trim).collect();
    assert_eq!(pids, [child.pid()]);
    assert!(stderr(&output).contains(&gone.pid()), "{}", stderr(&output));
}

#[test]
fn of_several_targets_the_good_ones_are_shown() {
    let child = Started::sleeping();
    let output = run(["memory", "no-process-has-this-name", &child.pid(), "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["processes"][0]["pid"], child.0.id());
    assert_eq!(answer["processes"].as_array().unwrap().len(), 1);
}

#[test]
fn a_name_means_all_who_have_it_with_few_descriptors() {
    let directory = tempfile::tempdir().unwrap();
    let name = format!("psapi-{}", std::process::id());
    let link = directory.path().join(&name);
    let sleep = ["/bin/sleep", "/usr/bin/sleep"]
        .into_iter()
        .find(|path| fs::exists(path).unwrap());
    symlink(sleep.expect("sleep"), &link).unwrap();
    let children: Vec<Started> = (0..40)
        .map(|_| Started::new(Command::new(&link).arg("1000")))
        .collect();

    let output = Command::new("sh")
        .args(["-c", "ulimit -n 16; exec \"$0\" \"$@\""])
        .arg(program())
        .args(["memory", "--json", &name])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut pids: Vec<u64> = answer["processes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|process| process["pid"].as_u64().unwrap())
        .collect();
    pids.sort_unstable();
    let mut expected: Vec<u64> = children.iter().map(|child| child.0.id().into()).collect();
    expected.sort_unstable();
    assert_eq!(pids, expected);

    let wild = json([
        "ps",
        "--json",
        "--name",
        &format!("{}*", &name[..name.len() - 1]),
    ]);
    assert!(wild["processes"].as_array().unwrap().len() >= 40);
}

#[test]
fn a_name_of_digits_is_a_name_where_no_process_has_that_id() {
    let tree = ProcTree::new();
    tree.process(10, 1, b"77", 100);
    tree.process(20, 1, b"10", 200);
    let pid_of = |target| {
        let mut arguments = vec!["memory".to_owned(), "--json".into(), target];
        arguments.extend(tree.options());
        json(arguments)["processes"][0]["pid"].as_u64().unwrap()
    };
    assert_eq!(pid_of("77".to_owned()), 10);
    assert_eq!(pid_of("10".to_owned()), 10);
}

#[test]
fn a_closed_pipe_is_no_error() {
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
fn a_full_disk_is_an_error() {
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
        assert!(message.contains("No space left on device"), "{message}");
    }
}

#[test]
fn a_root_that_is_no_proc_is_an_error() {
    let empty = tempfile::tempdir().unwrap();
    let root = empty.path().to_str().unwrap();
    for arguments in [&["ps"][..], &[], &["perf"], &["memory", "x"]] {
        let output = run([arguments, &["--proc-root", root]].concat());
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let message = stderr(&output);
        assert!(
            message.starts_with("psapi: ") && message.contains(root),
            "{message}"
        );
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn completions_and_manual_pages_are_made() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(
            text(["completions", shell]).contains("pagefiles"),
            "{shell}"
        );
    }
    assert!(text(["man"]).contains(".TH psapi 1"));
    let directory = tempfile::tempdir().unwrap();
    text(["man", "--dir", directory.path().to_str().unwrap()]);
    for page in ["psapi.1", "psapi-ps.1", "psapi-memory.1"] {
        assert!(directory.path().join(page).exists(), "{page}");
    }
    let synopsis = |page: &str| {
        let text = fs::read_to_string(directory.path().join(page)).unwrap();
        let mut lines = text.lines().skip_while(|&line| line != ".SH SYNOPSIS");
        lines.nth(1).unwrap_or_default().to_owned()
    };
    for (page, end) in [
        ("psapi-memory.1", "<TARGET>..."),
        ("psapi-mapped.1", "<TARGET> <ADDRESS>..."),
        ("psapi-drivers.1", "[OPTIONS]"),
        ("psapi.1", "[OPTIONS] [COMMAND]"),
    ] {
        assert!(synopsis(page).ends_with(end), "{}", synopsis(page));
    }
    assert!(text(["man"]).contains("[OPTIONS] [COMMAND]"));
    let output = run(["man", "--dir", "/nonexistent/directory"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("/nonexistent/directory"));
}
