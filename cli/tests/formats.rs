//! Tables, JSON and CSV over trees whose contents the test made up, and over children with names
//! as nasty as the kernel allows.

mod common;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use common::{
    ProcTree, Started, have, json, program, psapi, run, stderr, stdout, text, wait_until,
};

fn in_tree(tree: &ProcTree, arguments: &[&str]) -> Vec<String> {
    let mut all: Vec<String> = arguments
        .iter()
        .map(|&argument| argument.to_owned())
        .collect();
    all.extend(tree.options());
    all
}

#[test]
fn a_table_lines_up_and_shows_what_is_there() {
    let tree = ProcTree::new();
    tree.process(1, 0, b"init", 12_595);
    tree.process(12345, 1, b"worker", 2 * 1024 * 1024);
    tree.kernel_thread(2, 0, b"kthreadd");
    assert_eq!(
        text(in_tree(
            &tree,
            &["ps", "-o", "pid,user,ws,minflt,time,name"]
        )),
        "  PID  USER      WSET  MINFLT     TIME  NAME\n\
         \x20   1  4000001  12.3M    1234  0:02.00  init\n\
         \x20   2  root         0    1234  0:02.00  [kthreadd]\n\
         12345  4000001   2.0G    1234  0:02.00  worker\n"
    );
    assert_eq!(
        text(in_tree(
            &tree,
            &["ps", "-o", "pid,ws", "--bytes", "-s", "-ws", "--no-kernel"]
        )),
        "  PID        WSET\n12345  2147483648\n    1    12897280\n"
    );
}

#[test]
fn a_tree_shows_children_under_their_parents_even_in_a_ring() {
    let tree = ProcTree::new();
    for (pid, parent, name) in [
        (1, 0, "init"),
        (5, 1, "b"),
        (3, 1, "a"),
        (9, 3, "c"),
        (20, 21, "ring"),
        (21, 20, "ring"),
    ] {
        tree.process(pid, parent, name.as_bytes(), 4);
    }
    assert_eq!(
        text(in_tree(&tree, &["ps", "--tree", "-o", "pid,name"])),
        "PID  NAME\n\
         \x20 1  init\n\
         \x20 3  ├─ a\n\
         \x20 9  │  └─ c\n\
         \x20 5  └─ b\n\
         \x2020  ring\n\
         \x2021  └─ ring\n"
    );
    let sorted = text(in_tree(
        &tree,
        &["ps", "--tree", "-o", "name", "-s", "name:desc"],
    ));
    assert!(sorted.contains("init\n├─ b\n└─ a\n   └─ c\n"), "{sorted}");
    let answer = json(in_tree(&tree, &["ps", "--tree", "--json"]));
    assert_eq!(answer["processes"][2]["depth"], 2);
    assert_eq!(answer["processes"][2]["name"], "c");
}

#[test]
fn only_the_files_that_the_columns_need_are_opened() {
    let tree = ProcTree::new();
    tree.process(1, 0, b"init", 4);
    // Whoever opens a pipe to read it waits for a writer, and so never comes back.
    for file in ["status", "smaps_rollup", "cmdline", "cgroup"] {
        let path = tree.path().join("1").join(file);
        let _ = fs::remove_file(&path);
        let made = Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
    }
    let mut child = psapi()
        .args(in_tree(&tree, &["ps", "-o", "pid,name,minflt,time"]))
        .stdout(std::process::Stdio::null())
        .spawn()
        .map(Started)
        .unwrap();
    let mut status = None;
    wait_until(|| {
        status = child.0.try_wait().unwrap();
        status.is_some()
    });
    assert!(status.unwrap().success());
}

#[test]
fn filters_hold_together_and_keep_what_matches() {
    let tree = ProcTree::new();
    tree.process(10, 1, b"alpha", 4);
    tree.process(11, 1, b"alphabet", 4);
    tree.kernel_thread(12, 2, b"alpha");
    let pids = |arguments: &[&str]| {
        let mut all = vec!["ps", "-o", "pid"];
        all.extend(arguments);
        let table = text(in_tree(&tree, &all));
        let pids = table
            .lines()
            .skip(1)
            .map(|line| line.trim().parse().unwrap());
        pids.collect::<Vec<u32>>()
    };
    assert_eq!(pids(&["--name", "alpha"]), [10, 12]);
    assert_eq!(pids(&["--name", "[alpha]"]), [12]);
    assert_eq!(pids(&["--name", "alpha*"]), [10, 11, 12]);
    assert_eq!(pids(&["--name", "alpha", "--no-kernel"]), [10]);
    assert_eq!(pids(&["--user", "0"]), [12]);
    assert_eq!(pids(&["--user", "root"]), [12]);
    assert_eq!(pids(&["--user", "4000001", "--pid", "11,12"]), [11]);
}

#[test]
fn a_hostile_name_moves_no_cursor_and_breaks_no_format() {
    let tree = ProcTree::new();
    let name = b"a) (b\n\x1b[2J\xff,\"";
    tree.process(7, 1, name, 4);

    let table = stdout(in_tree(&tree, &["ps", "-o", "pid,name"]));
    assert_eq!(table, b"PID  NAME\n  7  a) (b\\n\\x1b[2J\\xff,\"\n");

    let row = &json(in_tree(&tree, &["ps", "--json"]))["processes"][0];
    assert_eq!(row["name"], "a) (b\n\u{1b}[2J\u{fffd},\"");
    assert_eq!(
        row["name_hex"],
        "6129202862 0a 1b5b324a ff2c22".replace(' ', "")
    );

    let output = stdout(in_tree(&tree, &["ps", "-o", "pid,name", "--csv"]));
    let mut reader = csv::Reader::from_reader(&output[..]);
    assert_eq!(reader.headers().unwrap(), vec!["pid", "name"]);
    let record = reader.byte_records().next().unwrap().unwrap();
    assert_eq!((&record[0], &record[1]), (&b"7"[..], &name[..]));
}

#[test]
fn a_living_process_may_call_itself_anything() {
    let child = Started::new(
        Command::new("sh").args(["-c", r#"printf 'a) (b\nc\377' > /proc/$$/comm; read line"#]),
    );
    let name = b"a) (b\nc\xff";
    wait_until(|| child.proc("comm").starts_with(name));
    let answer = json(["ps", "--json", "--pid", &child.pid()]);
    assert_eq!(answer["processes"][0]["name_hex"], "61292028620a63ff");
    assert_eq!(answer["processes"][0]["parent_pid"], std::process::id());
    let table = text(["ps", "-o", "name", "--pid", &child.pid()]);
    assert_eq!(table, "NAME\na) (b\\nc\\xff\n");
}

#[test]
fn an_image_may_be_named_anything() {
    let directory = tempfile::tempdir().unwrap();
    let image = directory.path().join(OsStr::from_bytes(b"im\xff age\n"));
    let sleep = ["/bin/sleep", "/usr/bin/sleep"]
        .into_iter()
        .find(|path| fs::exists(path).unwrap());
    fs::copy(sleep.expect("sleep"), &image).unwrap();
    let child = Started::copy(Command::new(&image).arg("1000"));
    let answer = json([
        "ps",
        "--json",
        "-o",
        "image,deleted,program",
        "-p",
        &child.pid(),
    ]);
    let row = &answer["processes"][0];
    let hex: String = image
        .as_os_str()
        .as_bytes()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    assert_eq!(row["image_hex"], hex);
    assert_eq!(row["image"], image.to_string_lossy().as_ref());
    assert_eq!(row["program_hex"], "696dff2061 67650a".replace(' ', ""));
    assert_eq!(row["image_deleted"], false);

    fs::remove_file(&image).unwrap();
    let answer = json(["ps", "--json", "-o", "image,deleted", "-p", &child.pid()]);
    let row = &answer["processes"][0];
    assert_eq!(
        (&row["image_hex"], &row["image_deleted"]),
        (&hex.into(), &true.into())
    );
}

#[test]
fn names_are_cut_to_the_width_in_tables_alone() {
    let tree = ProcTree::new();
    tree.process(1, 0, "ein-sehr-länglicher-漢字-name".as_bytes(), 4);
    let arguments = ["ps", "-o", "pid,state,name", "--width", "20"];
    assert_eq!(
        text(in_tree(&tree, &arguments)),
        "PID S NAME\n  1 S ein-sehr-läng…\n"
    );
    let answer = json(in_tree(&tree, &[&arguments[..], &["--json"]].concat()));
    assert_eq!(
        answer["processes"][0]["name"],
        "ein-sehr-länglicher-漢字-name"
    );
    // What is no terminal and was given no width has lines of any length.
    let whole = text(in_tree(&tree, &["ps", "-o", "pid,name"]));
    assert!(whole.contains("ein-sehr-länglicher-漢字-name"));
}

#[test]
fn a_name_of_any_length_runs_over_in_its_own_row_alone() {
    let tree = ProcTree::new();
    for (pid, arguments) in [(1, "a".repeat(100_000)), (2, "b".to_owned())] {
        tree.process(pid, 0, b"name", 4);
        tree.write(&format!("{pid}/cmdline"), arguments + "\0");
    }
    let table = text(in_tree(&tree, &["ps", "-o", "command,pid"]));
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines[1], "a".repeat(100_000) + "    1");
    let blanks = " ".repeat(99);
    assert_eq!(lines[0], format!("{:100}  PID", "COMMAND"));
    assert_eq!(lines[2], format!("b{blanks}    2"));
}

#[test]
fn colour_is_for_terminals_and_who_insists() {
    let tree = ProcTree::new();
    tree.process(1, 0, b"init", 4);
    let escape = |bytes: &[u8]| bytes.contains(&0x1b);
    assert!(!escape(&stdout(in_tree(&tree, &["ps"]))));
    assert!(escape(&stdout(in_tree(
        &tree,
        &["ps", "--color", "always"]
    ))));
    assert!(!escape(&stdout(in_tree(
        &tree,
        &["ps", "--json", "--color", "always"]
    ))));
    let forced = |no_color: bool| {
        let mut command = psapi();
        command
            .env("CLICOLOR_FORCE", "1")
            .args(in_tree(&tree, &["ps"]));
        if no_color {
            command.env("NO_COLOR", "1");
        }
        escape(&command.output().unwrap().stdout)
    };
    assert!(forced(false));
    assert!(!forced(true));
}

#[test]
fn samples_are_a_document_each_and_compare_with_the_one_before() {
    let child = Started::sleeping();
    let pid = child.pid();
    let repeated = ["--interval", "0.02", "--count", "3", "--pid", &pid];
    let output = stdout([&["ps", "--json"][..], &repeated].concat());
    let documents: Vec<serde_json::Value> = output
        .split_inclusive(|&byte| byte == b'\n')
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(documents.len(), 3);
    assert!(documents[0]["processes"][0]["cpu_percent"].is_null());
    for document in &documents[1..] {
        // It sleeps.
        assert_eq!(document["processes"][0]["cpu_percent"], 0.0);
        assert_eq!(document["processes"][0]["minor_faults_per_second"], 0.0);
    }
    let times: Vec<f64> = documents
        .iter()
        .map(|document| document["sample_seconds_since_boot"].as_f64().unwrap())
        .collect();
    assert!(times.is_sorted() && times[0] < times[2], "{times:?}");

    let output = stdout([&["ps", "--csv", "-o", "pid,cpu"][..], &repeated].concat());
    let mut reader = csv::Reader::from_reader(&output[..]);
    let headers = reader.headers().unwrap().clone();
    assert_eq!(
        headers,
        vec!["sample_seconds_since_boot", "pid", "cpu_percent"]
    );
    let records: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!(records.len(), 3);
    assert_eq!((&records[0][2], &records[1][2]), ("", "0"));
}

#[test]
fn a_column_that_is_asked_for_twice_comes_once() {
    let child = Started::sleeping();
    let pid = child.pid();
    for (arguments, fields) in [
        (&["-o", "pid,ppid,pid"][..], "pid,parent_pid\n"),
        (&["-o", "ws,rss,pid"], "working_set_bytes,pid\n"),
    ] {
        let table = text(["ps", "--csv", "-p", &pid].iter().chain(arguments));
        assert!(table.starts_with(fields), "{table}");
    }
    // All usual columns are in it, so that nothing is added.
    let usual = text(["ps", "--csv", "-p", &pid]);
    let added = text(["ps", "--csv", "-p", &pid, "-O", "ws,name,pid"]);
    assert_eq!(usual.lines().next(), added.lines().next());
    let added = text(["ps", "-p", &pid, "-O", "name,ppid,ws"]);
    let heading: Vec<&str> = added.lines().next().unwrap().split_whitespace().collect();
    let tail = &heading[heading.len() - 3..];
    assert_eq!(tail, ["TIME", "PPID", "NAME"], "{added}");
}

#[test]
fn repeating_ends_with_the_last_process() {
    let mut child = Started::sleeping();
    let pid = child.pid();
    let running = psapi()
        .args(["memory", &pid, "--json", "--interval", "0.02"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.0.kill().unwrap();
    child.0.wait().unwrap();
    let output = running.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    // It may have ended between two samples or within one.
    let message = stderr(&output);
    let ended = ["no such process", "has ended"];
    assert!(ended.iter().any(|how| message.contains(how)), "{message}");
}

#[test]
fn the_overview_is_one_document_in_every_format() {
    let answer = json(["--json"]);
    let pids = |answer: &serde_json::Value| answer["processes"].as_array().unwrap().len();
    assert!(answer["system"]["physical_total_bytes"].as_u64().unwrap() > 0);
    assert!(pids(&answer) > 0);
    assert_eq!(
        json(["overview", "--json"])["system"]["physical_total_bytes"],
        answer["system"]["physical_total_bytes"]
    );

    let output = stdout(["--csv"]);
    let mut reader = csv::Reader::from_reader(&output[..]);
    assert_eq!(reader.headers().unwrap(), vec!["pid", "field", "value"]);
    let records: Vec<_> = reader.byte_records().map(Result::unwrap).collect();
    assert!(
        records
            .iter()
            .any(|record| &record[1] == b"physical_total_bytes")
    );
    assert!(
        records
            .iter()
            .any(|record| &record[1] == b"working_set_bytes")
    );

    let table = text([] as [&str; 0]);
    assert!(
        table.starts_with("MEMORY") && table.contains("WSET"),
        "{table}"
    );
}

#[test]
fn page_files_come_from_the_root_given() {
    let tree = ProcTree::new();
    tree.process(1, 0, b"init", 4);
    tree.write(
        "swaps",
        "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n",
    );
    assert_eq!(
        text(in_tree(&tree, &["pagefiles"])),
        "no page files: this system has no swap in use\n"
    );
    assert_eq!(
        json(in_tree(&tree, &["pagefiles", "--json"])),
        serde_json::json!({"page_files": []})
    );
    tree.write(
        "swaps",
        "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n\
         /swap\\040file                          file\t\t1048572\t\t2048\t\t-2\n",
    );
    let answer = json(in_tree(&tree, &["pagefiles", "--json"]));
    assert_eq!(
        answer["page_files"][0],
        serde_json::json!({
            "total_bytes": 1_073_737_728, "in_use_bytes": 2_097_152, "peak_bytes": null,
            "priority": -2, "kind": "file", "deleted": false, "path": "/swap file",
        })
    );
}

#[test]
fn a_process_that_may_not_be_read_keeps_its_row() {
    let tree = ProcTree::new();
    tree.process(1, 0, b"init", 4);
    tree.write("1/status", "Name:\tcut off");
    let output = run(in_tree(&tree, &["ps", "-o", "pid,ws,name,unreadable"]));
    assert!(output.status.success());
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "PID  WSET  NAME  UNREADABLE\n  1     -  init  memory\n"
    );
    assert!(stderr(&output).contains("1 process"), "{}", stderr(&output));
}

#[test]
fn a_sample_never_scrolls_the_terminal_that_shows_it_in_place() {
    if !have("script") {
        return;
    }
    let child = Started::sleeping();
    let pid = child.pid();
    for arguments in ["perf", &format!("memory {pid}"), "ps", "overview"] {
        let output = Command::new("script")
            .args(["-qec"])
            .arg(format!(
                "stty rows 12 cols 80 && '{}' {arguments} --interval 0.02 --count 2",
                program().display()
            ))
            .arg("/dev/null")
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        let shown = String::from_utf8(output.stdout).unwrap();
        let samples: Vec<&str> = shown.split("\x1b[H\x1b[J").skip(1).collect();
        assert_eq!(samples.len(), 2, "{shown}");
        for sample in samples {
            // The cursor ends on a line of its own.
            let lines = sample.matches('\n').count();
            assert!((8..12).contains(&lines), "{arguments}: {lines}\n{sample}");
        }
    }
}
