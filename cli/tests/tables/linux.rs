//! Tests of what only Linux has: made-up `/proc` trees, other users, and its special files.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;
use testing::command::{ProcTree, Started, run, stderr};
use testing::privilege::is_root;
use testing::{public_directory, skip};
use unicode_width::UnicodeWidthStr;

use super::{WIDTHS, table};

/// A name of 255 bytes whose characters are two columns wide.
fn wide_name() -> String {
    "漢".repeat(85)
}

/// A sleeping process whose program has a long path with wide characters.
struct LongPath {
    child: Started,
    directory: TempDir,
}

impl LongPath {
    fn start() -> Self {
        let directory = public_directory();
        let nested = directory.path().join(wide_name()).join("a".repeat(255));
        fs::create_dir_all(&nested).unwrap();
        let program = nested.join("memory-of-名前");
        let sleep = ["/bin/sleep", "/usr/bin/sleep"].map(PathBuf::from);
        let sleep = sleep.iter().find(|path| path.exists());
        fs::copy(sleep.expect("the program sleep is installed"), &program).unwrap();
        let child = Started::copy(Command::new(&program).arg("1000"));
        testing::wait_until(|| child.proc("maps").windows(7).any(|part| part == b"libc.so"));
        LongPath { child, directory }
    }
}

/// Returns the words of a line; a shortened name has no words.
fn words(line: &str) -> Vec<&str> {
    let words = line.split_whitespace();
    words.filter(|word| !word.contains('…')).collect()
}

/// Asserts that lines fit, and that only names are shortened. Every other word of a line is in the
/// same line of the full table.
#[track_caller]
fn assert_fits(narrow: &[String], full: &[String], width: usize) {
    for line in narrow {
        assert!(line.width() <= width, "{} > {width}: {line}", line.width());
        assert_eq!(line.trim_end(), line);
    }
    assert_eq!(narrow.len(), full.len(), "{narrow:#?} {full:#?}");
    for (line, all) in narrow.iter().zip(full) {
        let all: Vec<&str> = all.split_whitespace().collect();
        for word in words(line) {
            assert!(all.contains(&word), "{word} in {line}\n{}", all.join(" "));
        }
    }
}

/// Asserts that a table fits at all widths. `keep` are titles that no width leaves out.
#[track_caller]
fn assert_all_widths<A: Into<OsString> + Clone>(arguments: &[A], keep: &[&str]) {
    let full = table(arguments, None);
    for width in WIDTHS {
        let narrow = table(arguments, Some(width));
        assert_fits(&narrow, &full, width);
        for title in keep {
            let is_shown = narrow.iter().any(|line| line.contains(title));
            assert!(is_shown, "{title} at {width}: {narrow:#?}");
        }
    }
}

/// A made-up tree with large figures and wide names.
fn tree() -> ProcTree {
    let tree = ProcTree::new();
    tree.process(4_194_304, 1, "漢字漢字漢".as_bytes(), 987_654_321_012);
    tree.process(1, 0, b"fifteen-bytes-x", 4);
    tree.kernel_thread(
        2,
        0,
        b"a-kernel-thread-with-a-name-of-63-bytes-which-is-the-limit-here",
    );
    for pid in [1, 4_194_304] {
        let line = format!("{}\0--option={}\0", wide_name(), "x".repeat(5000));
        tree.write(&format!("{pid}/cmdline"), line);
    }
    tree.write(
        "swaps",
        format!(
            "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n\
             /{}                          file\t\t987654321012\t\t987654321011\t\t-2\n",
            wide_name()
        ),
    );
    tree
}

fn in_tree(tree: &ProcTree, arguments: &[&str]) -> Vec<String> {
    let arguments = arguments.iter().map(|&argument| argument.to_owned());
    arguments.chain(tree.options()).collect()
}

#[test]
fn process_tables_fit_every_width() {
    let tree = tree();
    for bytes in [&[][..], &["--bytes"]] {
        for arguments in [
            &["ps"][..],
            &["ps", "--tree"],
            &["ps", "-o", "pid,user,ws,peak,commit,vsize,name,command"],
            &["ps", "-O", "ppid,vsize"],
            &["memory", "1", "4194304"],
        ] {
            let arguments = in_tree(&tree, &[arguments, bytes].concat());
            assert_all_widths(&arguments, &["PID", "NAME", "4194304"]);
        }
        let arguments = in_tree(&tree, &[&["pagefiles"], bytes].concat());
        assert_all_widths(&arguments, &["TOTAL", "PATH"]);
    }
}

#[test]
fn address_space_tables_fit_every_width() {
    let process = LongPath::start();
    let pid = process.child.pid();
    let saved = process.directory.path().join("saved");
    let saved = saved.to_str().unwrap();
    let output = run(["ws", &pid, "-o", saved]);
    assert!(output.status.success(), "{output:?}");
    for bytes in [&[][..], &["--bytes"]] {
        for (arguments, keep) in [
            (&["maps", &pid][..], ["START", "NAME"]),
            (&["maps", "--details", &pid], ["START", "NAME"]),
            (&["modules", &pid], ["BASE", "PATH"]),
            (&["modules", "--details", &pid], ["BASE", "PATH"]),
            (&["ws", "--from", saved], ["RESIDENT", "NAME"]),
            (&["ws", "--from", saved, "--all"], ["RESIDENT", "total"]),
            (
                &["ws", "--from", saved, "--modules"],
                ["RESIDENT", "no module"],
            ),
            (&["ws", "--from", saved, "--pages"], ["START", "NAME"]),
            (
                &["ws", "--from", saved, "--against", saved],
                ["GROWTH", "total"],
            ),
            (
                &["mapped", &pid, &code_address(&process.child)],
                ["ADDRESS", "NAME"],
            ),
        ] {
            assert_all_widths(&[arguments, bytes].concat(), &keep);
        }
        let full = table(&["modules", &pid], None);
        assert!(full.iter().any(|line| line.contains("名前")), "{full:#?}");
    }
}

/// Returns an address in the program of a child.
fn code_address(child: &Started) -> String {
    let maps = String::from_utf8_lossy(&child.proc("maps")).into_owned();
    let (start, _) = maps.split_once('-').unwrap();
    format!("0x{start}")
}

#[test]
fn emptied_working_set_fits_every_width() {
    if !is_root() {
        return skip("needs CAP_SYS_NICE to empty another process's working set");
    }
    let child = Started::sleeping();
    for width in WIDTHS {
        for line in table(&["empty", &child.pid()], Some(width)) {
            assert!(line.width() <= width, "{line}");
        }
    }
}

#[test]
fn watch_report_fits_every_width() {
    for width in WIDTHS {
        let width_option = format!("--width={width}");
        let output = run(["watch", &width_option, "--", "sleep", "0"]);
        assert!(output.status.success(), "{output:?}");
        let report = stderr(&output);
        let lines = report.lines().filter(|line| !line.starts_with("psapi: "));
        for line in lines.clone() {
            assert!(line.width() <= width, "{line}");
        }
        for title in ["FAULTS", "FUNCTION", "MODULE", "THREAD"] {
            assert!(lines.clone().any(|line| line.contains(title)), "{report}");
        }
    }
}

#[test]
fn requested_columns_without_room_are_reported() {
    let tree = tree();
    let left_out = |arguments: &[&str]| stderr(&run(in_tree(&tree, arguments)));
    let columns = "pid,user,ws,peak,commit,vsize,minflt,majflt,name";
    let message = left_out(&["ps", "-o", columns, "--width", "40"]);
    assert!(
        message.contains("MINFLT") && message.contains("--width"),
        "{message}"
    );
    assert!(
        !message.contains("PID") && !message.contains("NAME"),
        "{message}"
    );
    assert_eq!(left_out(&["ps", "-o", columns]), "");
    // The default columns adapt to the terminal without a message.
    assert_eq!(left_out(&["ps", "--width", "40"]), "");
}

#[test]
fn sort_column_is_left_out_last() {
    let tree = tree();
    let heading = |arguments: &[&str]| table(&in_tree(&tree, arguments), Some(60)).remove(0);
    let sorted = heading(&["ps", "-s", "-majflt"]);
    assert!(sorted.contains("MAJFLT"), "{sorted}");
    let default = heading(&["ps"]);
    assert!(!default.contains("MAJFLT"), "{default}");
}
