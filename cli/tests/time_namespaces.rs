//! The command in a time namespace, whose clocks differ from those of the machine.

#![cfg(target_os = "linux")]

use std::process::{Command, Output, Stdio};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;

use testing::command::{Started, program};
use testing::privilege::is_root;

/// Runs psapi in a new time namespace whose clocks are `offset` seconds ahead. Returns `None`, and
/// skips, if the user cannot create the namespace.
fn run_with_clocks(offset: i64, arguments: &[&str]) -> Option<Output> {
    let unshare = |program: &std::path::Path| {
        let namespaces = if is_root() { "-Tf" } else { "-UrTf" };
        let offset = offset.to_string();
        let mut command = Command::new("unshare");
        command
            .args([namespaces, "--boottime", &offset, "--monotonic", &offset])
            .arg(program)
            .stdin(Stdio::null());
        command
    };
    let possible = unshare("true".as_ref()).output();
    if !possible.is_ok_and(|output| output.status.success()) {
        testing::skip("cannot create a time namespace");
        return None;
    }
    let output = unshare(&program()).args(arguments).output();
    Some(output.expect("start unshare"))
}

fn boot_clock() -> Duration {
    clock_gettime(ClockId::Boottime).try_into().unwrap()
}

#[test]
fn process_older_than_clock_keeps_age() {
    let child = Started::sleeping();
    let stat = String::from_utf8(child.proc("stat")).unwrap();
    let fields = stat.rsplit_once(") ").unwrap().1;
    let ticks: f64 = fields.split(' ').nth(19).unwrap().parse().unwrap();
    let start = ticks / 100.0;
    // The clock of the namespace begins after the start of the child.
    testing::wait_until(|| boot_clock().as_secs() as f64 > start);
    let offset = boot_clock().as_secs();

    let before = boot_clock().as_secs_f64();
    let columns = ["ps", "--json", "-o", "start,age", "-p", &child.pid()];
    let Some(output) = run_with_clocks(-(offset as i64), &columns) else {
        return;
    };
    let after = boot_clock().as_secs_f64();
    assert!(output.status.success(), "{output:?}");
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let row = &document["processes"][0];
    // The kernel rounds the start to a hundredth of a second.
    let tick = 0.0101;
    let shifted = row["start_seconds_since_boot"].as_f64().unwrap();
    assert!((shifted - (start - offset as f64)).abs() < tick, "{row}");
    let age = row["age_seconds"].as_f64().unwrap();
    let possible = before - start - tick..after - start + tick;
    assert!(possible.contains(&age), "{row} {possible:?}");

    // The local time of the start does not depend on the clock.
    let table = |output: Output| String::from_utf8(output.stdout).unwrap();
    let columns = ["ps", "-o", "start", "-p", &child.pid()];
    let inside = run_with_clocks(-(offset as i64), &columns).unwrap();
    let inside = table(inside);
    let time = inside.lines().nth(1).unwrap().trim();
    assert!(time != "-" && !time.is_empty(), "{inside}");
}

#[test]
fn watch_records_with_shifted_clock() {
    for offset in [0, 1_000_000] {
        let arguments = ["watch", "--json", "--no-symbols", "--", "true"];
        let Some(output) = run_with_clocks(offset, &arguments) else {
            return;
        };
        let report: Value = serde_json::from_slice(&output.stderr).unwrap();
        let faults = report["watch"]["faults"].as_u64().unwrap();
        // Even the smallest program takes faults to load.
        assert!(faults > 10, "{offset}: {report}");
        let lost = report["watch"]["lost_faults"].as_u64();
        assert_eq!(lost, Some(0), "{offset}: {report}");
    }
}
