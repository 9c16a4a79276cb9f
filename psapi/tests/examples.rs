//! The programs in `psapi/examples`, run as a reader of the documentation would run them.

// Wine starts no cargo.
#![cfg(target_os = "linux")]

use std::fs;
use std::process::Command;

use testing::{Program, programs, skip};

/// Builds and runs an example. Returns `None`, and skips, without cargo, as in a guest. The same
/// applies under a sanitizer: its compiler flags would affect the examples and their dependencies.
fn run(name: &str, arguments: &[&str]) -> Option<String> {
    if std::env::var_os("CARGO_ENCODED_RUSTFLAGS").is_some() {
        skip("the examples are built with the default compiler flags only");
        return None;
    }
    let cargo = env!("CARGO");
    let is_there = Command::new(cargo).arg("--version").output();
    if !is_there.is_ok_and(|output| output.status.success()) {
        skip("needs cargo, to build the examples");
        return None;
    }
    let output = Command::new(cargo)
        .args(["run", "--quiet", "--all-features", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .args(["--example", name, "--"])
        .args(arguments)
        .output()
        .expect("cargo starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {errors}");
    Some(String::from_utf8(output.stdout).expect("the output is UTF-8"))
}

#[test]
fn processes_lists_ten_largest() {
    let Some(output) = run("processes", &[]) else {
        return;
    };
    let sizes: Vec<u64> = output
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().nth(1).unwrap().parse().unwrap())
        .collect();
    assert!((1..=10).contains(&sizes.len()), "{output}");
    assert!(sizes.is_sorted_by(|a, b| a >= b), "{output}");
}

#[test]
fn modules_lists_loaded_libc() {
    let own_id = std::process::id().to_string();
    let Some(output) = run("modules", &[&own_id]) else {
        return;
    };
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let libc = maps.lines().find(|line| line.contains("libc.so")).unwrap();
    let (base, path) = (
        libc.split('-').next().unwrap(),
        libc.split_whitespace().last().unwrap(),
    );
    let is_libc = |line: &&str| line.contains(path);
    let line = output.lines().find(is_libc).expect("libc is listed");
    assert!(line.starts_with(&format!("0x{base} ")), "{line}");
}

#[test]
fn operation_cost_counts_the_table() {
    let Some(output) = run("operation_cost", &[]) else {
        return;
    };
    let added = output.lines().next().unwrap().split_whitespace().nth(1);
    let added: u64 = added.unwrap().parse().unwrap();
    assert!((8 << 20..9 << 20).contains(&added), "{output}");
}

#[test]
fn watch_names_faulting_program() {
    let program = Program::compile(programs::MAPS_AND_UNMAPS_FOREVER, &[]);
    let process = program.start();
    let Some(output) = run("watch", &[&process.id().to_string()]) else {
        return;
    };
    let path = program.path.display().to_string();
    let line = output.lines().find(|line| line.ends_with(&path));
    let count = line.and_then(|line| line.split_whitespace().next());
    let count: u64 = count.expect("the program is listed").parse().unwrap();
    assert!(count >= 64, "{output}");
}

#[test]
fn machine_prints_total_memory() {
    let Some(output) = run("machine", &[]) else {
        return;
    };
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap();
    let total = meminfo.split_whitespace().nth(1).unwrap();
    let total = total.parse::<u64>().unwrap() * 1024;
    assert!(
        output.contains(&format!("of {total} bytes in use")),
        "{output}"
    );
}
