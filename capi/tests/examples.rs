//! The examples compile without warnings as C and as C++ and print correct results. Sanitizers and
//! Valgrind find no error in the examples or in the library.

#![cfg(target_os = "linux")]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use testing::c_library::build as library;
use testing::c_library::compiler::{self, Language};
use testing::c_library::workshop::{Ended, Workshop, run};
use testing::c_library::{capi, matrix};
use testing::swap::SwapState;
use testing::{Program, TestProcess, programs, skip};

/// Builds an example with each compiler, with and without sanitizers, and runs `check` on each
/// result. `check` also receives the path of the executable.
fn run_example(name: &str, check: impl Fn(&Ended, &Path)) {
    run_example_with(&[], name, check);
}

/// Like [`run_example`], with arguments for the example.
fn run_example_with(arguments: &[&str], name: &str, check: impl Fn(&Ended, &Path)) {
    let source = capi().join("examples").join(name);
    let arguments = |_: &()| arguments.iter().copied().map(String::from).collect();
    matrix::run_everywhere(
        &source,
        || (),
        arguments,
        |(), ended, program| {
            check(ended, program);
        },
    );
}

/// Returns the fields of each line whose first column is the given process id.
fn rows(output: &str, id: u32) -> Vec<Vec<&str>> {
    let rows = output.lines().map(|line| line.split_whitespace().collect());
    let has_id = |row: &Vec<&str>| row.first().is_some_and(|first| *first == id.to_string());
    rows.filter(has_id).collect()
}

/// Starts a process whose file name looks like another line of a list. Returns its directory too.
fn with_hostile_name() -> (Program, TestProcess, String) {
    let name = OsStr::from_bytes(b"a\n99 \x1b[2J\t\xc2\x9bm\xe2\x82\xac\x80\r\x7f");
    let program = Program::compile_as(name, programs::ODD_NAME, &[]);
    let process = program.start();
    let directory = program.path.parent().unwrap().to_str().unwrap().to_owned();
    (program, process, directory)
}

#[test]
fn processes() {
    let (_program, hostile, directory) = with_hostile_name();
    let id = hostile.id().to_string();
    // The byte that is not UTF-8 becomes U+FFFD, in the UTF-16 form or in this test.
    let shown = r"a\n99 \x1b[2J\t\u{9b}m€".to_owned() + "\u{fffd}" + r"\r\x7f";
    run_example("processes.c", |ended, program| {
        let output = ended.succeeded();
        let line = format!("{id:>8}  {directory}/{shown}");
        assert!(output.lines().any(|other| other == line), "{output:?}");
        let own = rows(output, ended.id);
        assert_eq!(own, [[&*ended.id.to_string(), program.to_str().unwrap()]]);
        assert_eq!(rows(output, std::process::id()).len(), 1);
        let count = output.lines().count() - 1;
        assert_eq!(output.lines().last(), Some(&*format!("{count} processes")));
    });
}

/// Lists a single process under Valgrind, because others can have thousands of modules.
#[test]
fn modules() {
    let id = std::process::id();
    let own = std::env::current_exe().unwrap();
    run_example_with(&[&id.to_string()], "modules.cpp", |ended, _| {
        let output = ended.succeeded();
        let rows = rows(output, id);
        assert_eq!(rows.len(), output.lines().count());
        assert_eq!(rows[0][3], own.to_str().unwrap());
        let is_libc = |row: &Vec<&str>| row[3].ends_with("/libc.so.6");
        assert_eq!(rows.iter().filter(|row| is_libc(row)).count(), 1);
    });
}

#[test]
fn modules_of_all_processes() {
    let source = capi().join("examples/modules.cpp");
    let workshop = Workshop::new();
    for compiler in compiler::gcc() {
        if compiler.language == Language::C {
            continue;
        }
        let program = workshop.build(&compiler, &[], &source);
        let ended = run(&mut workshop.command(&program));
        let own = rows(ended.succeeded(), ended.id);
        let files: Vec<&str> = own.iter().map(|row| row[3]).collect();
        assert_eq!(files[0], program.to_str().unwrap());
        let library = library::directory().join("libpsapi.so");
        let library = std::fs::canonicalize(library).unwrap();
        assert!(files.contains(&library.to_str().unwrap()), "{files:?}");
        assert!(!rows(&ended.output, std::process::id()).is_empty());
    }
}

/// The list contains the kernel image and the drivers in `/proc/modules`.
#[test]
fn drivers() {
    let modules = std::fs::read_to_string("/proc/modules").unwrap_or_default();
    run_example("drivers.c", |ended, _| {
        let output = ended.succeeded();
        let lines: Vec<&str> = output.lines().collect();
        let count = 1 + modules.lines().count();
        assert_eq!(lines.last(), Some(&&*format!("{count} drivers")));
        assert_eq!(lines.len(), count + 1, "{output}");
        assert!(lines[0].contains("vmlinu"), "{output}");
        for module in modules.lines() {
            let name = module.split(' ').next().unwrap();
            let is_listed = |line: &&str| line.replace('-', "_").contains(name);
            assert!(lines.iter().any(is_listed), "{name}: {output}");
        }
    });
}

#[test]
fn memory() {
    run_example("memory.c", |ended, _| {
        let output = ended.succeeded();
        let own = &rows(output, ended.id)[0];
        let [_, faults, working_set, peak, private] = own[..] else {
            panic!("{output}")
        };
        let number = |text: &str| text.parse::<u64>().unwrap();
        // Every process has at least 100 page faults and 400 KiB in memory.
        assert!(
            number(faults) >= 100 && number(working_set) >= 400,
            "{own:?}"
        );
        assert!(number(peak) >= number(working_set), "{own:?}");
        assert!(number(private) > 0, "{own:?}");
        assert_eq!(rows(output, std::process::id()).len(), 1);
    });
}

#[test]
fn working_set() {
    run_example("working_set.cpp", |ended, _| {
        let output = ended.succeeded();
        let number = |name: &str| {
            let line = output.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("{name}: {output}"))
                .trim()
                .parse::<u64>()
                .unwrap()
        };
        let pages = number("pages");
        assert!(pages > 100, "{output}");
        for part in ["shareable", "writable", "executable"] {
            assert!((1..pages).contains(&number(part)), "{part}: {output}");
        }
        // The test process also maps the C library, so some pages are shared.
        let shared = number("shared ");
        assert!((1..=number("shareable")).contains(&shared), "{output}");
        assert_eq!(number("resident before writing"), 0);
        assert_eq!(number("resident after writing"), 64);
    });
}

#[test]
fn watch() {
    run_example("watch.c", |ended, _| {
        if ended
            .errors
            .contains("InitializeProcessForWsWatch: error 5:")
        {
            return skip("kernel.perf_event_paranoid denies watching page faults");
        }
        let output = ended.succeeded();
        let lines: Vec<&str> = output.lines().collect();
        let [ref records @ .., summary, lost] = lines[..] else {
            panic!("{output}")
        };
        assert!(summary.contains(", 64 of them in the 64 pages"), "{output}");
        assert_eq!(lost, "0 records were lost");
        assert_eq!(records.len(), 64);
        // One instruction causes all faults.
        let instruction = |line: &&str| line.split(' ').next().map(String::from);
        assert!(
            records
                .iter()
                .all(|line| instruction(line) == instruction(&records[0]))
        );
    });
}

#[test]
fn mapped_file() {
    run_example("mapped_file.c", |ended, program| {
        let lines: Vec<Vec<&str>> = ended
            .succeeded()
            .lines()
            .map(|line| line.splitn(4, ' ').collect())
            .collect();
        let program = program.to_str().unwrap();
        for (line, kind) in [(0, "executable"), (1, "constant")] {
            assert_eq!((lines[line][0], lines[line][3]), (kind, program));
        }
        assert_eq!(lines[2][0], "memory");
        assert!(lines[2][3].starts_with("error 59: "), "{lines:?}");
    });
}

#[test]
fn page_files() {
    // Other tests add page files, which the example would list.
    let _state = SwapState::lock();
    let swaps = std::fs::read_to_string("/proc/swaps").unwrap_or_default();
    let files: Vec<&str> = swaps.lines().skip(1).collect();
    run_example("page_files.c", |ended, _| {
        let output = ended.succeeded();
        let lines: Vec<&str> = output.lines().collect();
        assert_eq!(lines.len(), files.len() + 1, "{output}");
        assert_eq!(lines[files.len()], format!("{} page files", files.len()));
        for (line, file) in lines.iter().zip(&files) {
            let file: Vec<&str> = file.split_whitespace().collect();
            assert!(line.ends_with(file[0]), "{line}: {file:?}");
            assert!(line.trim_start().starts_with(&format!("{} KiB", file[2])));
        }
    });
}

#[test]
fn performance() {
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap();
    let total = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"));
    let total = total.unwrap().trim().trim_end_matches(" kB");
    run_example("performance.c", |ended, _| {
        let output = ended.succeeded();
        let value = |name: &str| {
            let line = output.lines().find_map(|line| line.strip_prefix(name));
            let value = line.and_then(|line| line.split_whitespace().next());
            value.unwrap_or_else(|| panic!("{name}: {output}"))
        };
        assert_eq!(value("physical total"), total);
        let page = rustix::param::page_size().to_string();
        assert_eq!(value("page size"), page);
        let number = |name| value(name).parse::<u64>().unwrap();
        assert!((2..10_000_000).contains(&number("processes")), "{output}");
        assert!(number("threads") > 1, "{output}");
        assert!(number("commit peak") >= number("commit charge"));
        assert!(number("physical available") <= number("physical total"));
    });
}

#[test]
fn processes_from_python() {
    if !testing::is_installed("python3") {
        return skip("python3 is not installed");
    }
    let workshop = Workshop::new();
    let script = capi().join("examples/processes.py");
    let (_program, hostile, directory) = with_hostile_name();
    let ended = run(workshop.command("python3").arg(script));
    let output = ended.succeeded();
    let shown = format!("  {directory}/{}", r"a\n99 \x1b[2J\t\x9bm€\x80\r\x7f");
    let line = output.lines().find(|line| line.ends_with(&shown));
    let row: Vec<&str> = line
        .expect("a row of the process")
        .split_whitespace()
        .collect();
    assert_eq!(row[0], hostile.id().to_string());
    let own = &rows(output, ended.id)[0];
    let number = |column: usize| own[column].parse::<u64>().unwrap();
    // A Python interpreter uses several MiB.
    assert!(number(1) > 2048 && number(2) >= number(1), "{own:?}");
    assert!(own[4].contains("python"), "{own:?}");
    assert_eq!(rows(output, std::process::id()).len(), 1);
}

#[test]
fn python_works_without_declarations() {
    if !testing::is_installed("python3") {
        return skip("python3 is not installed");
    }
    let workshop = Workshop::new();
    let script = workshop.file("undeclared.py", include_str!("c/undeclared.py"));
    for _ in 0..10 {
        let library = workshop.path().join("libpsapi.so");
        run(workshop.command("python3").arg(&script).arg(library)).succeeded();
    }
}

#[test]
fn readme_lists_all_examples() {
    let examples = capi().join("examples");
    let list = std::fs::read_to_string(examples.join("README.md")).unwrap();
    for entry in std::fs::read_dir(&examples).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        assert!(entry.metadata().unwrap().size() > 0, "{name}");
        if name != "README.md" {
            assert!(list.contains(&format!("[{name}]({name})")), "{name}");
        }
    }
}
