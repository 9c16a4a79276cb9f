//! Exit codes, errors, and what happens when the output goes nowhere.

mod common;

use std::fs::{self, File, Permissions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::{Command, Output, Stdio};

use common::{
    ProcMount, ProcTree, Started, json, program, psapi, run, run_as_nobody, stderr, text,
};

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
fn wrong_usage_is_that_also_if_nobody_reads_why() {
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
        (
            &["ps", "--sort", "x"],
            "no such column; the long help (--help) lists them",
        ),
        (
            &["ws", "--sort", "x", "1"],
            "no such column; there are start, size,",
        ),
        (
            &["ws", "--sort", "size:up", "1"],
            "the order is asc or desc\n",
        ),
        (
            &["ws", "--interval", "1", "--svg", "x", "1"],
            "no file and no picture",
        ),
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
    // Some processes may not show their names to who runs the tests.
    let message = stderr(&output);
    let expected = "psapi: no process is named no-process-has-this\\nname";
    assert!(message.starts_with(expected), "{message}");
    assert_eq!(message.lines().count(), 1, "{message}");
    assert!(output.stdout.is_empty());
}

#[test]
fn what_can_t_be_read_is_not_said_to_be_absent() {
    // As a proc file system mounted with hidepid=1 looks to a user without rights.
    let tree = ProcTree::new();
    tree.process(1, 0, b"init", 4);
    tree.process(5, 1, b"own", 4);
    fs::set_permissions(tree.path(), Permissions::from_mode(0o755)).unwrap();
    let ask = |arguments: &[&str]| {
        let arguments = arguments.iter().map(|&argument| argument.to_owned());
        let output = run_as_nobody(arguments.chain(tree.options()));
        let code = output.status.code();
        let table = String::from_utf8_lossy(&output.stdout).into_owned();
        (code, table, stderr(&output))
    };
    let names = ["ps", "-o", "pid", "-n", "no such name"];
    let users = ["ps", "-o", "pid", "-u", "1234"];
    let absent = "psapi: no process is named no such name\n";
    let (code, _, message) = ask(&["memory", "no such name"]);
    assert_eq!((code, &message[..]), (Some(1), absent));
    assert_eq!(ask(&names), (Some(0), "PID\n".into(), String::new()));

    for file in ["1/stat", "1/status"] {
        fs::set_permissions(tree.path().join(file), Permissions::from_mode(0o000)).unwrap();
    }
    let (code, _, message) = ask(&["memory", "no such name"]);
    assert_eq!(code, Some(1), "{message}");
    assert!(message.starts_with(absent.trim_end()), "{message}");
    assert!(message.contains("the names of 1 process"), "{message}");
    assert!(message.contains("hidepid"), "{message}");
    for (arguments, expected) in [(names, "the names of 1 process"), (users, "the users of 1")] {
        let (code, table, message) = ask(&arguments);
        assert_eq!((code, &table[..]), (Some(0), "PID\n"), "{message}");
        assert!(message.contains(expected), "{message}");
        assert!(message.contains("hidepid"), "{message}");
    }
    // Whom nobody asked for is not missing.
    let (_, _, message) = ask(&["ps", "-n", "own", "-p", "5"]);
    assert_eq!(message, "");
}

#[test]
fn that_processes_are_hidden_is_told_once() {
    for option in ["hidepid=2", "hidepid=4"] {
        let Some(proc) = ProcMount::new(option) else {
            continue;
        };
        for arguments in [&[][..], &["ps"], &["perf"], &["ps", "--json"]] {
            let output = run_as_nobody(proc.asked(arguments));
            assert_eq!(output.status.code(), Some(0), "{output:?}");
            let message = stderr(&output);
            assert_eq!(message.lines().count(), 1, "{message}");
            assert!(
                message.contains("hides other users' processes"),
                "{message}"
            );
            assert!(message.contains("CAP_SYS_PTRACE"), "{message}");
        }
        let message = stderr(&run_as_nobody(proc.asked(&["memory", "no such name"])));
        assert!(
            message.contains("hides other users' processes"),
            "{message}"
        );
    }
}

#[test]
fn a_proc_that_shows_processes_alone_has_them_in_the_overview() {
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
fn a_listing_of_ids_shows_what_a_listing_of_all_shows_of_a_process_that_may_not_be_read() {
    // As a proc file system mounted with hidepid=1 looks to a user without rights.
    let tree = ProcTree::new();
    tree.process(1, 0, b"init", 4);
    tree.process(5, 1, b"own", 4);
    fs::set_permissions(tree.path(), Permissions::from_mode(0o755)).unwrap();
    for file in ["1/stat", "1/status"] {
        fs::set_permissions(tree.path().join(file), Permissions::from_mode(0o000)).unwrap();
    }
    let ps = |arguments: &[&str]| {
        let mut all = vec!["ps".to_owned(), "-o".to_owned(), "pid,ws,name".to_owned()];
        all.extend(arguments.iter().map(|&argument| argument.to_owned()));
        all.extend(tree.options());
        run_as_nobody(all)
    };
    let listed = ps(&[]);
    assert_eq!(
        String::from_utf8_lossy(&listed.stdout),
        "PID  WSET  NAME\n  1     -  -\n  5  4.0K  own\n"
    );
    for arguments in [&["--pid", "1,5"][..], &["--pid", "5", "--pid", "1"]] {
        let chosen = ps(arguments);
        assert_eq!(chosen.status.code(), Some(0), "{}", stderr(&chosen));
        assert_eq!(chosen.stdout, listed.stdout);
        assert_eq!(stderr(&chosen), stderr(&listed));
    }
    let alone = ps(&["--pid", "1"]);
    assert_eq!(alone.status.code(), Some(0), "{}", stderr(&alone));
    let message = stderr(&alone);
    assert!(
        message.starts_with("psapi: of 1 process, can't read: ") && message.contains("hidepid"),
        "{message}"
    );
    assert_eq!(message.lines().count(), 1, "{message}");
}

/// Runs the command repeatedly until it has shown process 10, puts another process into the place
/// of it, and lets the command end by itself.
fn with_a_reused_id(tree: &ProcTree, arguments: &[&str]) -> (Output, Vec<serde_json::Value>) {
    tree.process(10, 1, b"first", 4);
    let mut running = psapi()
        .args(arguments)
        .args(["--json", "--interval", "0.01", "--count", "300"])
        .args(tree.options())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut answers = BufReader::new(running.stdout.take().unwrap()).lines();
    let mut shown = vec![answers.next().unwrap().unwrap()];
    // In one step, as an id is handed on.
    let newcomer = ProcTree::new();
    newcomer.process(10, 1, b"second", 8);
    let stat = fs::read_to_string(newcomer.path().join("10/stat")).unwrap();
    newcomer.write("10/stat", stat.replace(" 0 100 0 ", " 0 4711 0 "));
    fs::rename(tree.path().join("10"), newcomer.path().join("gone")).unwrap();
    fs::rename(newcomer.path().join("10"), tree.path().join("10")).unwrap();
    shown.extend(answers.map(Result::unwrap));
    let output = running.wait_with_output().unwrap();
    let parse = |line: &String| serde_json::from_str(line).unwrap();
    (output, shown.iter().map(parse).collect())
}

#[test]
fn an_id_that_is_handed_on_is_not_followed_and_its_end_is_told_once() {
    for command in [&["memory", "10"][..], &["ps", "-p", "10"]] {
        let tree = ProcTree::new();
        tree.process(1, 0, b"init", 4);
        let (output, shown) = with_a_reused_id(&tree, command);
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        assert_eq!(stderr(&output), "psapi: process 10 has ended\n");
        assert!(shown.len() < 300, "it stops with its last process");
        for sample in shown {
            assert_eq!(sample["processes"][0]["name"], "first", "{command:?}");
        }
    }
    for command in [&["memory", "10", "20", "10"][..], &["ps", "-p", "10,20"]] {
        let tree = ProcTree::new();
        tree.process(20, 1, b"stays", 4);
        let (output, shown) = with_a_reused_id(&tree, command);
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        assert_eq!(stderr(&output), "psapi: process 10 has ended\n");
        assert_eq!(shown.len(), 300, "{command:?}");
        let last = shown.last().unwrap()["processes"].as_array().unwrap();
        assert_eq!(last.len(), 1, "{command:?}");
        assert_eq!(last[0]["pid"], 20, "{command:?}");
    }
}

#[test]
fn a_name_is_looked_for_anew_in_each_sample_and_its_absence_is_told_once() {
    let tree = ProcTree::new();
    tree.process(20, 1, b"stays", 4);
    let command = ["memory", "20", "first", "second", "no such name"];
    let (output, shown) = with_a_reused_id(&tree, &command);
    let name = |sample: &serde_json::Value| {
        let row = sample["processes"].as_array().unwrap().last().unwrap();
        row["name"].as_str().unwrap().to_owned()
    };
    assert_eq!(shown.len(), 300);
    assert_eq!(name(&shown[0]), "first");
    assert_eq!(name(&shown[299]), "second");
    let message = stderr(&output);
    for absent in ["no such name", "first", "second"] {
        let told = format!("psapi: no process is named {absent}\n");
        assert_eq!(message.matches(&told).count(), 1, "{message}");
    }
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
    for arguments in [
        &["ps"][..],
        &[],
        &["perf"],
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
    let pages = directory.path().join("share/man1");
    text(["man", "--dir", pages.to_str().unwrap()]);
    for page in ["psapi.1", "psapi-ps.1", "psapi-memory.1"] {
        assert!(pages.join(page).exists(), "{page}");
    }
    let synopsis = |page: &str| {
        let text = fs::read_to_string(pages.join(page)).unwrap();
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
    let output = run(["man", "--dir", "/proc/nonexistent"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("/proc/nonexistent"));
}
