//! Reports in several formats: CSV, live output, and pictures.

#[cfg(target_os = "linux")]
use serde_json::Value;

use testing::command::{output_of_copy, records_faults, stderr};

#[cfg(target_os = "linux")]
use crate::support::PAGE;
use crate::support::{LISTS, Running, Watched, Watcher, number, rows};

/// The list of code, and one of its columns.
const CODE: (&str, &str) = if cfg!(windows) {
    ("instruction", "instruction")
} else {
    ("function", "inlined_into")
};

#[test]
fn csv_contains_one_list() {
    if !records_faults() {
        return;
    }
    let watched = Watched::compile();
    let report = watched.report_path();
    let file = report.to_str().unwrap();
    for (by, column) in [("mapping", "start_address"), CODE] {
        let options = ["--csv", "--by", by, "-o", file];
        let output = output_of_copy(&mut watched.command(&options, &["touch"]));
        assert!(output.status.success());
        let text = std::fs::read_to_string(&report).unwrap();
        let header = text.lines().next().unwrap();
        assert!(header.contains(column), "{header}");
        let columns = header.split(',').count();
        assert!(text.lines().all(|line| line.split(',').count() == columns));
    }
    let options = ["--csv", "--by", "mapping,thread"];
    let output = output_of_copy(&mut watched.command(&options, &["touch"]));
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn options_limit_rows() {
    if !records_faults() {
        return;
    }
    let watched = Watched::compile();
    let running = Running::start(&watched, "churn");
    let options = ["--duration", "0.2", "--top", "1"];
    let limited = Watcher::start(&running, &options).report();
    for list in LISTS {
        assert_eq!(rows(&limited, list).len(), 1, "{list}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn options_limit_rows_and_symbols() {
    let watched = Watched::compile();
    let (_, report) = watched.watch(&["--top", "1", "--no-symbols"], &["touch"]);
    for list in ["mappings", "modules", "functions", "threads"] {
        assert_eq!(rows(&report, list).len(), 1, "{list}");
    }
    assert!(rows(&report, "functions")[0]["function"].is_null());
    assert_eq!(
        rows(&report, "modules")[0]["module"],
        watched.path.to_str().unwrap()
    );
}

#[cfg(target_os = "linux")]
#[test]
fn live_output_lists_each_fault() {
    let watched = Watched::compile();
    let options = ["--live", "--json"];
    let output = output_of_copy(&mut watched.command(&options, &["touch"]));
    assert!(output.status.success(), "{output:?}");
    let text = stderr(&output);
    let batches = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    // A last document can have the reasons for missing symbols.
    let batches = batches.filter(|batch| batch["missing_symbols"].is_null());
    let all: Vec<Value> = batches
        .flat_map(|batch| rows(&batch, "faults").to_vec())
        .collect();
    let arranged = all.iter().filter(|row| row["function"] == "touch_many");
    assert_eq!(arranged.clone().count(), 300);
    for (page, row) in arranged.enumerate() {
        assert_eq!(row["kind"], "minor");
        assert_eq!(row["mapping"], "/memfd:arranged");
        assert_eq!(number(row, "mapping_offset_bytes"), page as u64 * PAGE);
        assert_eq!(row["module"], watched.path.to_str().unwrap());
    }
    let output = output_of_copy(&mut watched.command(&["--live"], &["touch"]));
    let text = stderr(&output);
    assert!(
        text.contains("/memfd:arranged+0x1000 by touch_many ("),
        "{text}"
    );
    assert!(!text.contains("FAULTS"));
    assert_offsets_count_from_base(&text, &watched);
}

#[test]
fn pictures_contain_every_fault() {
    if !records_faults() {
        return;
    }
    let watched = Watched::compile();
    let file = |name: &str| watched.directory.path().join(name);
    let names = ["faults.svg", "faults.png", "page.html", "flame.svg"];
    let files = names.map(|name| file(name).to_str().unwrap().to_owned());
    let options = [
        "--svg", &files[0], "--png", &files[1], "--html", &files[2], "--flame", &files[3],
    ];
    #[cfg(target_os = "linux")]
    let report = {
        let (output, report) = watched.watch(&options, &["touch"]);
        assert!(output.status.success(), "{output:?}");
        report
    };
    // The stand-in finds no pages of a process that has ended.
    #[cfg(windows)]
    let report = {
        let running = Running::start(&watched, "churn");
        Watcher::start(&running, &[&options[..], &["-d", "0.2"]].concat()).report()
    };
    let read = |file: &str| String::from_utf8(std::fs::read(file).unwrap()).unwrap();
    let svg = read(&files[0]);
    let bins = svg.split("<g class=\"bin\"").skip(1);
    let sum = |name: &str| -> u64 {
        let attribute = format!("data-{name}=\"");
        let count = |bin: &str| {
            let (_, rest) = bin.split_once(&attribute)?;
            rest.split('"').next()?.parse::<u64>().ok()
        };
        bins.clone().map(|bin| count(bin).unwrap()).sum()
    };
    let drawn = sum("minor") + sum("major");
    assert_eq!(drawn, number(&report["watch"], "faults"));
    assert!(svg.contains(" in 1 thread<"), "{svg}");
    assert!(std::fs::read(&files[1]).unwrap().starts_with(b"\x89PNG"));
    let flame = read(&files[3]);
    let page = read(&files[2]);
    #[cfg(target_os = "linux")]
    {
        assert!(svg.contains("/memfd:arranged"));
        assert!(flame.contains("touch_many (300 faults"), "{flame}");
        assert!(page.contains("touch_many (300 faults") && page.contains("/memfd:arranged"));
    }
    for text in [svg, flame, page] {
        assert!(!text.contains("src=\"http") && !text.contains("href=\"http"));
    }
}

#[test]
fn summary_notes_fit_80_columns() {
    if !records_faults() {
        return;
    }
    let behavior = if cfg!(windows) { "touch" } else { "exec" };
    let output = output_of_copy(&mut Watched::compile().command(&["--width", "80"], &[behavior]));
    let text = stderr(&output);
    let (_, notes) = text.split_once("\nwatched").expect(&text);
    let (notes, _) = notes.split_once("\n\n").expect(notes);
    assert!(!notes.contains('…'), "{notes}");
}

/// Asserts that lines of `--live` print the distance from the module's base, as `addr2line` needs.
#[cfg(target_os = "linux")]
fn assert_offsets_count_from_base(text: &str, watched: &Watched) {
    let path = watched.path.to_str().unwrap();
    let touch = text.lines().find(|line| line.contains(" by touch_many ("));
    let (_, place) = touch.unwrap().rsplit_once('(').unwrap();
    let offset = place.trim_end_matches(')').strip_prefix(path).unwrap();
    let mut addr2line = std::process::Command::new("addr2line");
    addr2line.args(["-f", "-e", path, offset.trim_start_matches('+')]);
    match addr2line.output() {
        Ok(output) => assert_eq!(
            String::from_utf8_lossy(&output.stdout).lines().next(),
            Some("touch_many"),
            "{offset}"
        ),
        Err(_) => testing::skip("addr2line is not installed"),
    }
    // The first fault is on the first instruction of the dynamic linker, in its second mapping.
    let first = text.lines().find(|line| line.contains("ld-linux")).unwrap();
    let linker = testing::elf::interpreter(&watched.path).unwrap();
    let linker = std::fs::canonicalize(linker).unwrap();
    let entry = testing::elf::entry_point(&linker);
    let expected = format!(" {}+{entry:#x} by ", linker.display());
    assert!(first.contains(&expected), "{first} {expected}");
}
