//! `psapi ws`, compared with `/proc` or, on Windows, with the rule of the stand-in for the regions
//! that another program finds.

use testing::command::{Started, json, text};
#[cfg(target_os = "linux")]
use testing::command::{run, stderr};
#[cfg(windows)]
use testing::process_report::{Region, regions};
#[cfg(target_os = "linux")]
use testing::{Program, programs};

/// Parses a line of `smaps`. Returns its name and its value in bytes.
#[cfg(target_os = "linux")]
fn figure(line: &str) -> Option<(&str, u64)> {
    let (name, value) = line.split_once(':')?;
    let number = value.trim().strip_suffix(" kB")?;
    Some((name, number.parse::<u64>().ok()? * 1024))
}

/// Returns the resident size of each mapping. The last one can be [vsyscall], a page of the kernel.
#[cfg(target_os = "linux")]
fn resident_by_mapping(child: &Started) -> Vec<u64> {
    let smaps = String::from_utf8(child.proc("smaps")).unwrap();
    let figures = smaps.lines().filter_map(figure);
    figures
        .filter(|(name, _)| *name == "Rss")
        .map(|(_, bytes)| bytes)
        .collect()
}

#[cfg(windows)]
fn resident_by_mapping(child: &Started) -> Vec<u64> {
    regions(child.0.id()).iter().map(Region::resident).collect()
}

#[cfg(windows)]
fn is_supported(_: &Started) -> bool {
    testing::command::lists_pages()
}

/// Returns true if the kernel supports `psapi ws`. Skips otherwise.
#[cfg(target_os = "linux")]
fn is_supported(child: &Started) -> bool {
    let failed = stderr(&run(["ws", &child.pid()])).contains("PAGEMAP_SCAN");
    if failed {
        testing::skip("the kernel lacks PAGEMAP_SCAN");
    }
    !failed
}

#[test]
fn mapping_rows_match_smaps() {
    let child = Started::sleeping();
    if !is_supported(&child) {
        return;
    }
    let document = json(["ws", "--json", &child.pid()]);
    let rows = document["working_sets"].as_array().unwrap();
    let (total, mappings) = rows.split_last().unwrap();
    assert_eq!(total["kind"], "total");

    let expected = resident_by_mapping(&child);
    let resident = |row: &serde_json::Value| row["resident_bytes"].as_u64().unwrap();
    let found: Vec<u64> = mappings.iter().map(resident).collect();
    assert_eq!(found, expected[..found.len()]);
    assert!(expected.len() - found.len() <= 1);
    assert_eq!(resident(total), expected.iter().sum::<u64>());
    for row in rows {
        let figure = |field: &str| row[field].as_u64().unwrap();
        assert_eq!(
            figure("private_bytes") + figure("file_bytes"),
            resident(row)
        );
    }
}

/// `--all` shows every mapping.
#[test]
fn table_omits_empty_mappings() {
    let child = Started::sleeping();
    if !is_supported(&child) {
        return;
    }
    let lines = |arguments: &[&str]| text(arguments).lines().count();
    let pid = child.pid();
    #[cfg(target_os = "linux")]
    let mappings = {
        let maps = String::from_utf8(child.proc("maps")).unwrap();
        let lines = maps.lines();
        lines.filter(|line| !line.contains("[vsyscall]")).count()
    };
    #[cfg(windows)]
    let mappings = regions(child.0.id()).len();
    assert_eq!(lines(&["ws", "--all", &pid]), mappings + 2);
    assert!(lines(&["ws", &pid]) <= mappings + 2);
    assert!(text(["ws", &pid]).lines().last().unwrap().contains("total"));
}

/// Private pages have share counts only on request. Figures that need them are unknown otherwise.
#[cfg(target_os = "linux")]
#[test]
fn figures_without_share_counts_are_null() {
    const PRIVATE: u64 = 32 << 20;
    let subject = Program::compile(programs::HOLDS_MEMORY, &[]).start();
    subject.wait_for_sleep();
    let pid = subject.id().to_string();
    let rows = |arguments: &[&str]| -> Vec<serde_json::Value> {
        let document = json([&["ws", "--json", &pid], arguments].concat());
        document["working_sets"].as_array().unwrap().clone()
    };
    let of_counts = [
        "mapped_once_bytes",
        "shared_bytes",
        "mapped_twice_bytes",
        "mapped_7_or_more_times_bytes",
        "mapped_more_than_once_bytes",
    ];
    let figure = |row: &serde_json::Value, name: &str| row[name].as_u64().unwrap();
    let mut has_files_only = false;
    for row in rows(&[]) {
        if figure(&row, "private_bytes") > 0 {
            for name in of_counts {
                assert!(row[name].is_null(), "{name}: {row}");
            }
        } else if figure(&row, "file_bytes") > 0 {
            has_files_only = true;
            let counted = figure(&row, "mapped_once_bytes") + figure(&row, "shared_bytes");
            assert_eq!(counted, figure(&row, "resident_bytes"), "{row}");
        }
    }
    assert!(has_files_only);

    let counted = rows(&["--private-shares"]);
    let is_memory = |row: &&serde_json::Value| row["private_bytes"] == PRIVATE;
    let memory = counted.iter().find(is_memory).unwrap();
    assert_eq!(memory["mapped_once_bytes"], PRIVATE, "{memory}");
    assert_eq!(memory["mapped_twice_bytes"], 0, "{memory}");
    let total = counted.last().unwrap();
    let sum = figure(total, "mapped_once_bytes") + figure(total, "shared_bytes");
    assert_eq!(sum, figure(total, "resident_bytes"), "{total}");

    // The same holds for changes.
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("saved");
    let file = file.to_str().unwrap();
    assert!(run(["ws", &pid, "-o", file]).status.success());
    let document = json(["ws", "--json", "--all", &pid, "--against", file]);
    let differences = document["differences"].as_array().unwrap();
    let is_memory = |row: &&serde_json::Value| row["size_bytes"] == 2 * PRIVATE;
    let memory = differences.iter().find(is_memory).unwrap();
    assert!(memory["shares_bytes"].is_null(), "{memory}");
    assert!(memory["only_shares_bytes"].is_null(), "{memory}");
    assert_eq!(memory["changed_bytes"], 0, "{memory}");
}
