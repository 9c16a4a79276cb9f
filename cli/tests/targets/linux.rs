//! Tests of what only Linux has: made-up `/proc` trees, other users, and its special files.

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::{Command, Output, Stdio};

use testing::command::{ProcTree, Started, json, program, psapi, run, run_unprivileged, stderr};
use testing::{Program, TestProcess, programs};

#[test]
fn unreadable_names_are_not_absent() {
    // With `hidepid=1`, an unprivileged user cannot read the files of other users' processes.
    let tree = ProcTree::new();
    tree.process(1, 0, b"init", 4);
    tree.process(5, 1, b"own", 4);
    fs::set_permissions(tree.path(), Permissions::from_mode(0o755)).unwrap();
    let psapi = |arguments: &[&str]| {
        let arguments = arguments.iter().map(|&argument| argument.to_owned());
        let output = run_unprivileged(arguments.chain(tree.options()));
        let code = output.status.code();
        let table = String::from_utf8_lossy(&output.stdout).into_owned();
        (code, table, stderr(&output))
    };
    let names = ["ps", "-o", "pid", "-n", "no such name"];
    let users = ["ps", "-o", "pid", "-u", "1234"];
    let absent = "psapi: no process matches no such name\n";
    let (code, _, message) = psapi(&["memory", "no such name"]);
    assert_eq!((code, &message[..]), (Some(1), absent));
    assert_eq!(psapi(&names), (Some(1), String::new(), absent.into()));

    for file in ["1/stat", "1/status"] {
        fs::set_permissions(tree.path().join(file), Permissions::from_mode(0o000)).unwrap();
    }
    let (code, _, message) = psapi(&["memory", "no such name"]);
    assert_eq!(code, Some(1), "{message}");
    assert!(message.starts_with(absent.trim_end()), "{message}");
    assert!(
        message.contains("processes may be missing: 1 is unreadable"),
        "{message}"
    );
    assert!(message.contains("CAP_SYS_PTRACE"), "{message}");
    for (arguments, expected) in [(names, "the names of 1 process"), (users, "the users of 1")] {
        let (code, table, message) = psapi(&arguments);
        assert_eq!((code, &table[..]), (Some(1), ""), "{message}");
        assert!(message.contains(expected), "{message}");
        assert!(message.contains("CAP_SYS_PTRACE"), "{message}");
        assert!(message.contains("processes may be missing"), "{message}");
    }
    // If something matches, nothing is said about the others.
    let (_, table, message) = psapi(&["ps", "-o", "pid", "-n", "own"]);
    assert_eq!((&table[..], &message[..]), ("PID\n  5\n", ""));
    // Processes outside the selection are not reported.
    let (_, _, message) = psapi(&["ps", "-n", "own", "-p", "5"]);
    assert_eq!(message, "");
}

#[test]
fn id_list_shows_unreadable_process() {
    // With `hidepid=1`, an unprivileged user cannot read the files of other users' processes.
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
        run_unprivileged(all)
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
        message.starts_with("psapi: cannot read status, memory of 1 process: owned by "),
        "{message}"
    );
    assert_eq!(message.lines().count(), 1, "{message}");
}

/// Samples a tree and replaces process 10 by another one after the first sample.
///
/// Returns the output and all samples.
fn with_reused_id(tree: &ProcTree, arguments: &[&str]) -> (Output, Vec<serde_json::Value>) {
    tree.process(10, 1, b"first", 4);
    let mut running = psapi()
        .args(arguments)
        .args(["--json", "--interval", "0.01", "--count", "300"])
        .args(tree.options())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(running.stdout.take().unwrap()).lines();
    let mut samples = vec![lines.next().unwrap().unwrap()];
    // The processes differ in their start times. Prepare the new process elsewhere, because its
    // directory must be complete when it appears.
    let newcomer = ProcTree::new();
    newcomer.process(10, 1, b"second", 8);
    let stat = fs::read_to_string(newcomer.path().join("10/stat")).unwrap();
    newcomer.write("10/stat", stat.replace(" 0 100 0 ", " 0 4711 0 "));
    fs::rename(tree.path().join("10"), newcomer.path().join("gone")).unwrap();
    fs::rename(newcomer.path().join("10"), tree.path().join("10")).unwrap();
    samples.extend(lines.map(Result::unwrap));
    let output = running.wait_with_output().unwrap();
    let parse = |line: &String| serde_json::from_str(line).unwrap();
    (output, samples.iter().map(parse).collect())
}

/// The exit of the first process is reported once.
#[test]
fn reused_id_is_not_followed() {
    for command in [&["memory", "10"][..], &["ps", "-p", "10"]] {
        let tree = ProcTree::new();
        tree.process(1, 0, b"init", 4);
        let (output, samples) = with_reused_id(&tree, command);
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        assert_eq!(stderr(&output), "psapi: process 10 has ended\n");
        assert!(samples.len() < 300, "sampling ends with the last process");
        for sample in samples {
            assert_eq!(sample["processes"][0]["name"], "first", "{command:?}");
        }
    }
    for command in [&["memory", "10", "20", "10"][..], &["ps", "-p", "10,20"]] {
        let tree = ProcTree::new();
        tree.process(20, 1, b"stays", 4);
        let (output, samples) = with_reused_id(&tree, command);
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        assert_eq!(stderr(&output), "psapi: process 10 has ended\n");
        assert_eq!(samples.len(), 300, "{command:?}");
        let last = samples.last().unwrap()["processes"].as_array().unwrap();
        assert_eq!(last.len(), 1, "{command:?}");
        assert_eq!(last[0]["pid"], 20, "{command:?}");
    }
}

/// A name without a process is reported once.
#[test]
fn names_are_resolved_each_sample() {
    let tree = ProcTree::new();
    tree.process(20, 1, b"stays", 4);
    let command = ["memory", "20", "first", "second", "no such name"];
    let (output, samples) = with_reused_id(&tree, &command);
    let name = |sample: &serde_json::Value| {
        let row = sample["processes"].as_array().unwrap().last().unwrap();
        row["name"].as_str().unwrap().to_owned()
    };
    assert_eq!(samples.len(), 300);
    assert_eq!(name(&samples[0]), "first");
    assert_eq!(name(&samples[299]), "second");
    let message = stderr(&output);
    for absent in ["no such name", "first", "second"] {
        let line = format!("psapi: no process matches {absent}\n");
        assert_eq!(message.matches(&line).count(), 1, "{message}");
    }
}

/// The shell limits psapi to 16 open files for 40 processes.
#[test]
fn name_matches_many_with_few_descriptors() {
    let directory = tempfile::tempdir().unwrap();
    let name = format!("psapi-{}", std::process::id());
    let link = directory.path().join(&name);
    let sleep = ["/bin/sleep", "/usr/bin/sleep"]
        .into_iter()
        .find(|path| fs::exists(path).unwrap());
    symlink(sleep.expect("the program sleep is installed"), &link).unwrap();
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
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut pids: Vec<u64> = document["processes"]
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

/// A target of digits is a process id first, and a name if no process has that id.
#[test]
fn unused_id_is_a_name() {
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

fn in_tree(tree: &ProcTree, arguments: &[&str]) -> Vec<String> {
    let arguments = arguments.iter().map(|&argument| argument.to_owned());
    arguments.chain(tree.options()).collect()
}

/// A tree in which two processes run scripts, and another has the name of a script.
fn scripts() -> ProcTree {
    let tree = ProcTree::new();
    for (pid, name, arguments) in [
        (10, "python3.11", "python3.11\0/srv/leak.py\0--rate=77\0"),
        (20, "python3.11", "python3.11\0/srv/serve.py\0"),
        (30, "leak.py", "/usr/bin/leak.py\0"),
    ] {
        tree.process(pid, 1, name.as_bytes(), 4);
        tree.write(&format!("{pid}/cmdline"), arguments);
    }
    tree.kernel_thread(40, 2, b"kworker/0:1");
    tree
}

/// Returns the ids in a listing.
fn pids(tree: &ProcTree, arguments: &[&str]) -> Vec<u64> {
    let document = json(in_tree(tree, &[arguments, &["--json"]].concat()));
    let rows = document["processes"].as_array().unwrap();
    rows.iter()
        .map(|row| row["pid"].as_u64().unwrap())
        .collect()
}

#[test]
fn target_is_part_of_command_line() {
    let tree = scripts();
    for (target, expected) in [
        ("serve.py", &[20][..]),
        ("11 /srv/s", &[20]),
        ("srv/*k.py", &[10]),
        ("/srv/", &[10, 20]),
        // Names come first.
        ("leak.py", &[30]),
        ("python3.11", &[10, 20]),
        // A number is an id or a name, but not a part of other text.
        ("10", &[10]),
    ] {
        assert_eq!(pids(&tree, &["memory", target]), expected, "{target}");
    }
    for absent in ["77", "absent.py", "[kworker"] {
        let output = run(in_tree(&tree, &["memory", absent]));
        assert_eq!(output.status.code(), Some(1), "{absent}: {output:?}");
    }
}

#[test]
fn listing_matches_names_and_command_lines() {
    let tree = scripts();
    for (pattern, expected) in [
        ("leak.py", &[10, 30][..]),
        ("python", &[10, 20]),
        ("kworker", &[40]),
        ("[kworker/0:1]", &[40]),
        ("20", &[20]),
        ("serve.py", &[20]),
    ] {
        assert_eq!(pids(&tree, &["ps", pattern]), expected, "{pattern}");
    }
    assert_eq!(pids(&tree, &["ps", "serve", "kworker"]), [20, 40]);
    assert_eq!(pids(&tree, &["ps", "python", "-p", "10,30"]), [10]);
    // A pattern without a match is a failure, and the others are listed.
    let output = run(in_tree(
        &tree,
        &["ps", "-o", "pid", "serve", "absent", "77"],
    ));
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"PID\n 20\n");
    let expected = "psapi: no process matches absent\npsapi: no process matches 77\n";
    assert_eq!(stderr(&output), expected);
}

#[test]
fn overview_shows_command_lines() {
    let overview = run(in_tree(&scripts(), &["--width", "100"]));
    let table = String::from_utf8(overview.stdout).unwrap();
    assert!(table.contains("python3.11 /srv/serve.py"), "{table}");
}

/// Two processes share 32 MiB, and one of them has 8 MiB of its own.
#[test]
fn totals_count_shared_memory_once() {
    const MIB: u64 = 1 << 20;
    let program = Program::compile(programs::SHARES_WITH_CHILD, &[]);
    let parent = TestProcess::start(&mut Command::new(&program.path));
    let ids = [parent.id().to_string(), parent.line.clone()];
    let listed = format!("{},{}", ids[0], ids[1]);
    for arguments in [
        &["memory", "--exact", &ids[0], &ids[1]][..],
        &["ps", "-o", "pid,ws,pss,uss", "-p", &listed],
    ] {
        let document = json(arguments.iter().chain(&["--json"]));
        let sum = |field: &str| -> u64 {
            let rows = document["processes"].as_array().unwrap().iter();
            rows.map(|row| row[field].as_u64().unwrap()).sum()
        };
        assert!(sum("working_set_bytes") > 72 * MIB);
        let total = &document["total"];
        let pss = total["pss_bytes"].as_u64().unwrap();
        assert!((40 * MIB..50 * MIB).contains(&pss), "{total}");
        assert_eq!(pss, sum("pss_bytes"));
        assert_eq!(total["uss_bytes"], sum("uss_bytes"));
        assert!(total["working_set_bytes"].is_null(), "{total}");

        let table = testing::command::text(arguments);
        assert!(table.lines().last().unwrap().contains("total"), "{table}");
        let csv = testing::command::text(arguments.iter().chain(&["--csv"]));
        assert_eq!(csv.lines().count(), 3, "{csv}");
    }
    // Without exact figures, there is nothing to add up.
    let document = json(["memory", "--json", &ids[0], &ids[1]]);
    assert!(document.get("total").is_none());
}

/// Reading the exact memory of process 10 fails.
#[test]
fn total_is_unknown_without_all_figures() {
    let tree = ProcTree::new();
    for pid in [10, 20] {
        tree.process(pid, 1, b"process", 4);
    }
    tree.write("20/smaps_rollup", "Rss: 8 kB\nPss: 4 kB\n");
    tree.write("10/smaps_rollup", "not a figure");
    let output = run(in_tree(&tree, &["ps", "--json", "-o", "pid,pss"]));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(document["total"]["pss_bytes"].is_null(), "{document}");
    assert_eq!(
        document["total"].as_object().unwrap().len(),
        1,
        "{document}"
    );
}
