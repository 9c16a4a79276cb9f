//! Watches of running processes, and durations.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::Value;

use testing::command::{Started, psapi, records_faults, stderr};

use crate::support::{PAGE, Running, Watched, Watcher, assert_balances, number, rows};

#[test]
fn watch_ends_after_duration() {
    if !records_faults() {
        return;
    }
    let watched = Watched::compile();
    let running = Running::start(&watched, "running");
    let report = Watcher::start(&running, &["--duration", "0.05"]).report();
    assert_balances(&report["watch"]);
    assert_eq!(number(&report["watch"], "faults"), 0);
    assert!(report["watch"]["watched_seconds"].as_f64().unwrap() >= 0.05);
}

#[test]
fn watch_without_faults_says_so() {
    if !records_faults() {
        return;
    }
    let watched = Watched::compile();
    let running = Running::start(&watched, "running");
    let pid = running.child.id().to_string();
    let output = psapi()
        .args(["watch", "-d", "0.05", &pid])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("no page faults were recorded"), "{text}");
    for heading in ["FUNCTION", "INSTRUCTION", "MODULE", "THREAD"] {
        assert!(!text.contains(heading), "{text}");
    }
}

#[test]
fn picture_moves_table_to_stderr() {
    if !records_faults() {
        return;
    }
    let watched = Watched::compile();
    let running = Running::start(&watched, "churn");
    let pid = running.child.id().to_string();
    let watch = |options: &[&str]| {
        let mut command = psapi();
        command.args(["watch", "-d", "0.2", &pid]).args(options);
        command.output().unwrap()
    };
    let output = watch(&["--svg", "-"]);
    assert!(output.stdout.starts_with(b"<svg"), "{output:?}");
    assert!(stderr(&output).contains("FAULTS"), "{output:?}");
    for both in [
        &["--svg", "-", "--json"][..],
        &["--svg", "-", "--output", "-"],
        &["--svg", "-", "--flame", "-"],
        &["--html", "-", "--svg", "-"],
    ] {
        let output = watch(both);
        assert_eq!(output.status.code(), Some(2), "{both:?}: {output:?}");
    }
}

#[test]
fn duration_ends_the_command() {
    if !records_faults() {
        return;
    }
    let watched = Watched::compile();
    let (output, report) = watched.watch(&["--duration", "0.2"], &["term"]);
    // SIGTERM. Windows terminates the command with 1.
    let terminated = if cfg!(windows) { 1 } else { 128 + 15 };
    assert_eq!(output.status.code(), Some(terminated), "{output:?}");
    let watch = &report["watch"];
    assert!(watch["watched_seconds"].as_f64().unwrap() >= 0.2);
    assert_balances(watch);
    // A command that ends earlier has its own exit code.
    let (output, _) = watched.watch(&["--duration", "1000"], &["touch", "42"]);
    assert_eq!(output.status.code(), Some(42));
}

/// Returns true for the pages of the mapping that `running` writes to.
fn is_written(page: u64) -> bool {
    if cfg!(windows) {
        page < 400 && page % 4 != 3
    } else {
        page < 200
    }
}

#[test]
fn live_faults_have_page_and_mapping() {
    if !records_faults() {
        return;
    }
    let watched = Watched::compile();
    let mut running = Running::start(&watched, "running");
    let pid = running.child.id().to_string();
    let mut command = psapi();
    command.args(["watch", "--live", "--json", &pid]);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut watch = Started::adopt(command.spawn().unwrap());
    let mut messages = BufReader::new(watch.0.stderr.take().unwrap());
    messages.read_line(&mut String::new()).unwrap();
    running.resume();
    let written: BTreeSet<u64> = (0..400).filter(|&page| is_written(page)).collect();
    let mut mappings: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    // The command does not end by itself. It prints each batch as one line.
    let mut lines = BufReader::new(watch.0.stdout.take().unwrap()).lines();
    while !mappings.values().any(|pages| *pages == written) {
        let line = lines.next().expect("the watch continues").unwrap();
        let batch: Value = serde_json::from_str(&line).unwrap();
        for row in rows(&batch, "faults") {
            let address = row["address"].as_str().unwrap().trim_start_matches("0x");
            let address = u64::from_str_radix(address, 16).unwrap();
            if row["mapping_offset_bytes"].is_null() {
                continue;
            }
            let offset = number(row, "mapping_offset_bytes");
            let pages = mappings.entry(address - offset).or_default();
            pages.insert(offset / PAGE);
        }
    }
}

#[test]
fn live_line_ends_with_code() {
    if !records_faults() {
        return;
    }
    let watched = Watched::compile();
    let running = Running::start(&watched, "churn");
    let pid = running.child.id().to_string();
    let mut command = psapi();
    let output = command
        .args(["watch", "--live", "-d", "0.2", &pid])
        .output();
    let output = output.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let faults: Vec<&str> = text.lines().filter(|line| line.contains(" by ")).collect();
    assert!(!faults.is_empty(), "{text}");
    for line in faults {
        // Code outside all modules has an address.
        let (_, code) = line.rsplit_once(" by ").unwrap();
        assert!(code.contains("0x"), "{line}");
    }
}
