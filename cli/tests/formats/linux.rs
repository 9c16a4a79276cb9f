//! Tests of what only Linux has: made-up `/proc` trees, other users, and its special files.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use testing::command::{ProcTree, Started, json, program, psapi, run, stderr, stdout, text};
use testing::{has_program, wait_until};

/// Returns arguments with the options that select a tree.
fn in_tree(tree: &ProcTree, arguments: &[&str]) -> Vec<String> {
    let mut all: Vec<String> = arguments
        .iter()
        .map(|&argument| argument.to_owned())
        .collect();
    all.extend(tree.options());
    all
}

#[test]
fn table_columns_are_aligned() {
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

/// Made-up processes 20 and 21 are each other's parent.
#[test]
fn tree_nests_children_despite_cycles() {
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
    let document = json(in_tree(&tree, &["ps", "--tree", "--json"]));
    assert_eq!(document["processes"][2]["depth"], 2);
    assert_eq!(document["processes"][2]["name"], "c");
}

#[test]
fn columns_open_only_needed_files() {
    let tree = ProcTree::new();
    tree.process(1, 0, b"init", 4);
    // Opening a pipe without a writer blocks forever.
    for file in ["status", "smaps_rollup", "cmdline", "cgroup"] {
        let path = tree.path().join("1").join(file);
        let _ = fs::remove_file(&path);
        let status = Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(status.success());
    }
    let mut child = psapi()
        .args(in_tree(&tree, &["ps", "-o", "pid,name,minflt,time"]))
        .stdout(std::process::Stdio::null())
        .spawn()
        .map(Started::adopt)
        .unwrap();
    let mut status = None;
    wait_until(|| {
        status = child.0.try_wait().unwrap();
        status.is_some()
    });
    assert!(status.unwrap().success());
}

#[test]
fn filters_are_combined() {
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
fn hostile_name_is_escaped() {
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
fn live_process_can_have_any_name() {
    let child = Started::new(
        Command::new("sh").args(["-c", r#"printf 'a) (b\nc\377' > /proc/$$/comm; read line"#]),
    );
    let name = b"a) (b\nc\xff";
    wait_until(|| child.proc("comm").starts_with(name));
    let document = json(["ps", "--json", "--pid", &child.pid()]);
    assert_eq!(document["processes"][0]["name_hex"], "61292028620a63ff");
    assert_eq!(document["processes"][0]["parent_pid"], std::process::id());
    let table = text(["ps", "-o", "name", "--pid", &child.pid()]);
    assert_eq!(table, "NAME\na) (b\\nc\\xff\n");
}

#[test]
fn image_path_can_be_any_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let image = directory.path().join(OsStr::from_bytes(b"im\xff age\n"));
    let sleep = ["/bin/sleep", "/usr/bin/sleep"]
        .into_iter()
        .find(|path| fs::exists(path).unwrap());
    fs::copy(sleep.expect("the program sleep is installed"), &image).unwrap();
    let child = Started::copy(Command::new(&image).arg("1000"));
    let document = json([
        "ps",
        "--json",
        "-o",
        "image,deleted,program",
        "-p",
        &child.pid(),
    ]);
    let row = &document["processes"][0];
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
    let document = json(["ps", "--json", "-o", "image,deleted", "-p", &child.pid()]);
    let row = &document["processes"][0];
    assert_eq!(
        (&row["image_hex"], &row["image_deleted"]),
        (&hex.into(), &true.into())
    );
}

#[test]
fn only_tables_truncate_names() {
    let tree = ProcTree::new();
    tree.process(1, 0, "ein-sehr-länglicher-漢字-name".as_bytes(), 4);
    let arguments = ["ps", "-o", "pid,state,name", "--width", "20"];
    assert_eq!(
        text(in_tree(&tree, &arguments)),
        "PID S NAME\n  1 S ein-sehr-läng…\n"
    );
    let document = json(in_tree(&tree, &[&arguments[..], &["--json"]].concat()));
    assert_eq!(
        document["processes"][0]["name"],
        "ein-sehr-länglicher-漢字-name"
    );
    // Without a terminal and without `--width`, lines are not truncated.
    let full = text(in_tree(&tree, &["ps", "-o", "pid,name"]));
    assert!(full.contains("ein-sehr-länglicher-漢字-name"));
}

#[test]
fn long_cell_widens_only_its_row() {
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
fn color_requires_terminal_or_option() {
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
fn page_files_follow_proc_root() {
    let tree = ProcTree::new();
    tree.process(1, 0, b"init", 4);
    tree.write(
        "swaps",
        "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n",
    );
    assert_eq!(
        text(in_tree(&tree, &["pagefiles"])),
        "no page files: the system uses no swap\n"
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
    let document = json(in_tree(&tree, &["pagefiles", "--json"]));
    assert_eq!(
        document["page_files"][0],
        serde_json::json!({
            "total_bytes": 1_073_737_728, "in_use_bytes": 2_097_152, "peak_bytes": null,
            "priority": -2, "kind": "file", "deleted": false, "path": "/swap file",
        })
    );
}

#[test]
fn unreadable_process_keeps_its_row() {
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
fn sample_fits_the_terminal() {
    if !has_program("script") {
        return;
    }
    let child = Started::sleeping();
    let pid = child.pid();
    for arguments in ["system", &format!("memory {pid}"), "ps", "overview"] {
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
            // The cursor's line below the output also needs a row.
            let lines = sample.matches('\n').count();
            assert!((8..12).contains(&lines), "{arguments}: {lines}\n{sample}");
        }
    }
}

#[test]
fn system_notes_fit_80_columns() {
    let text = text(["system", "--width", "80"]);
    assert!(!text.contains('…'), "{text}");
}
