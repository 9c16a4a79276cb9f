//! The examples compile without a warning, as C and as C++, do what they say, and neither sanitizers nor
//! valgrind find anything wrong with them or with the library.

mod common;

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use common::compiler::{self, Language};
use common::privilege::skip;
use common::workshop::{Ended, Workshop, run};
use common::{capi, is_there, valgrind};

const SANITIZE: &str = "-fsanitize=address,undefined";

/// Builds an example in all ways that it can be built, runs it, and looks at each time it ran.
fn run_example(name: &str, is_right: impl Fn(&Ended, &Path)) {
    run_example_with(&[], name, is_right);
}

/// As [`run_example`], with arguments for the example.
fn run_example_with(arguments: &[&str], name: &str, is_right: impl Fn(&Ended, &Path)) {
    let source = capi().join("examples").join(name);
    let workshop = Workshop::new();
    for compiler in compiler::all() {
        if name.ends_with(".cpp") && compiler.language == Language::C {
            continue;
        }
        // Sanitizers in one form of text and valgrind in the other see all of the library.
        if compiler.has_sanitizers(SANITIZE, workshop.path()) {
            let flags = [SANITIZE, "-fno-sanitize-recover=all", "-DUNICODE"];
            let program = workshop.build(&compiler, &flags, &source);
            is_right(&run(workshop.command(&program).args(arguments)), &program);
        }
        let program = workshop.build(&compiler, &[], &source);
        is_right(&run(workshop.command(&program).args(arguments)), &program);
        if is_there("valgrind") {
            valgrind::check(&workshop, &program, arguments);
        } else {
            skip("valgrind is missing");
        }
    }
}

/// The lines of a table whose first column is an id.
fn rows(output: &str, id: u32) -> Vec<Vec<&str>> {
    let rows = output.lines().map(|line| line.split_whitespace().collect());
    let is_of_it = |row: &Vec<&str>| row.first().is_some_and(|first| *first == id.to_string());
    rows.filter(is_of_it).collect()
}

#[test]
fn processes() {
    run_example("processes.c", |ended, program| {
        let output = ended.succeeded();
        let own = rows(output, ended.id);
        assert_eq!(own, [[&*ended.id.to_string(), program.to_str().unwrap()]]);
        assert_eq!(rows(output, std::process::id()).len(), 1);
        let count = output.lines().count() - 1;
        assert_eq!(output.lines().last(), Some(&*format!("{count} processes")));
    });
}

/// Of one process, since there may be one among all that has very many.
#[test]
fn modules() {
    let id = std::process::id();
    let own = std::env::current_exe().unwrap();
    run_example_with(&[&id.to_string()], "modules.cpp", |ended, _| {
        let output = ended.succeeded();
        let rows = rows(output, id);
        assert_eq!(rows.len(), output.lines().count());
        assert_eq!(rows[0][3], own.to_str().unwrap());
        let is_of_c = |row: &Vec<&str>| row[3].ends_with("/libc.so.6");
        assert_eq!(rows.iter().filter(|row| is_of_c(row)).count(), 1);
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
        let library = common::library::directory().join("libpsapi.so");
        let library = std::fs::canonicalize(library).unwrap();
        assert!(files.contains(&library.to_str().unwrap()), "{files:?}");
        assert!(!rows(&ended.output, std::process::id()).is_empty());
    }
}

/// The drivers that the kernel names, and the kernel.
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
            let alike = |line: &&str| line.replace('-', "_").contains(name);
            assert!(lines.iter().any(alike), "{name}: {output}");
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
        // It has touched at least its array of ids' first page, and 100 pages is what any program has.
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
        // The C library is mapped by the program that runs this one, too.
        let shared = number("shared ");
        assert!((1..=number("shareable")).contains(&shared), "{output}");
        assert_eq!(number("of 64 new pages in the working set:"), 0);
        assert_eq!(number("once they are written to:"), 64);
    });
}

#[test]
fn watch() {
    run_example("watch.c", |ended, _| {
        if ended
            .errors
            .contains("InitializeProcessForWsWatch: error 5:")
        {
            return skip("not permitted to watch page faults (kernel.perf_event_paranoid)");
        }
        let output = ended.succeeded();
        let lines: Vec<&str> = output.lines().collect();
        let [ref records @ .., summary, lost] = lines[..] else {
            panic!("{output}")
        };
        assert!(summary.contains(", 64 of them of the 64 "), "{output}");
        assert_eq!(lost, "0 records were lost");
        assert_eq!(records.len(), 64);
        // All by one instruction.
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
        for (line, what) in [(0, "executable"), (1, "constant")] {
            assert_eq!((lines[line][0], lines[line][3]), (what, program));
        }
        assert_eq!(lines[2][0], "memory");
        assert!(lines[2][3].starts_with("error 59: "), "{lines:?}");
    });
}

#[test]
fn page_files() {
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
fn from_python() {
    if !is_there("python3") {
        return skip("python3 is missing");
    }
    let workshop = Workshop::new();
    let script = capi().join("examples/processes.py");
    let ended = run(workshop.command("python3").arg(script));
    let output = ended.succeeded();
    let own = &rows(output, ended.id)[0];
    let number = |column: usize| own[column].parse::<u64>().unwrap();
    // An interpreter takes some MiB.
    assert!(number(1) > 2048 && number(2) >= number(1), "{own:?}");
    assert!(own[4].contains("python"), "{own:?}");
    assert_eq!(rows(output, std::process::id()).len(), 1);
}

/// What the README of the examples lists is what there is.
#[test]
fn all_are_listed() {
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
