//! `psapi ws` against what `/proc` says.

mod common;

use common::{Started, json, run, stderr, text};

/// The figure of a line of `smaps`, in bytes.
fn figure(line: &str) -> Option<(&str, u64)> {
    let (name, value) = line.split_once(':')?;
    let number = value.trim().strip_suffix(" kB")?;
    Some((name, number.parse::<u64>().ok()? * 1024))
}

fn is_supported(child: &Started) -> bool {
    let refused = stderr(&run(["ws", &child.pid()])).contains("PAGEMAP_SCAN");
    if refused {
        common::skip("this kernel has no PAGEMAP_SCAN");
    }
    !refused
}

#[test]
fn each_mapping_has_as_many_pages_as_smaps_counts() {
    let child = Started::sleeping();
    if !is_supported(&child) {
        return;
    }
    let answer = json(["ws", "--json", &child.pid()]);
    let rows = answer["working_sets"].as_array().unwrap();
    let (total, mappings) = rows.split_last().unwrap();
    assert_eq!(total["kind"], "total");

    let smaps = String::from_utf8(child.proc("smaps")).unwrap();
    let expected: Vec<u64> = smaps
        .lines()
        .filter_map(figure)
        .filter(|(name, _)| *name == "Rss")
        .map(|(_, bytes)| bytes)
        .collect();
    let resident = |row: &serde_json::Value| row["resident_bytes"].as_u64().unwrap();
    let found: Vec<u64> = mappings.iter().map(resident).collect();
    // The last line of smaps may be the kernel's own page, which is of no process.
    assert_eq!(found, expected[..found.len()]);
    assert!(expected.len() - found.len() <= 1);
    assert_eq!(resident(total), expected.iter().sum::<u64>());
    for row in rows {
        let part = |field: &str| row[field].as_u64().unwrap();
        assert_eq!(part("private_bytes") + part("file_bytes"), resident(row));
    }
}

#[test]
fn a_table_leaves_out_what_is_empty_unless_told_otherwise() {
    let child = Started::sleeping();
    if !is_supported(&child) {
        return;
    }
    let lines = |arguments: &[&str]| text(arguments).lines().count();
    let pid = child.pid();
    let maps = String::from_utf8(child.proc("maps")).unwrap();
    let mappings = maps
        .lines()
        .filter(|line| !line.contains("[vsyscall]"))
        .count();
    assert_eq!(lines(&["ws", "--all", &pid]), mappings + 2);
    assert!(lines(&["ws", &pid]) <= mappings + 2);
    assert!(text(["ws", &pid]).lines().last().unwrap().contains("total"));
}
