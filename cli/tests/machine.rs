//! Drivers and page files that the tests add. Each test runs alone; see `.config/nextest.toml`.

mod common;

use common::support::child::{Program, proc_file};
use common::support::machine::{Alone, Driver, Setting, driver_file};
use common::support::swap::Swap;
use common::{json, run_as_nobody, skip};
use serde_json::Value;

const NO_DRIVERS: &str = "no driver can be loaded: needs root, and dummy as a loadable driver";

fn rows(answer: &Value, list: &str) -> Vec<Value> {
    answer[list].as_array().unwrap().clone()
}

/// The lines of `/proc/modules`, in words.
fn listed() -> Vec<Vec<String>> {
    let text = std::fs::read_to_string("/proc/modules").unwrap();
    let words = |line: &str| line.split(' ').map(str::to_owned).collect();
    text.lines().map(words).collect()
}

fn names(rows: &[Value]) -> Vec<String> {
    let names = rows.iter().map(|row| row["name"].as_str().unwrap());
    names.map(str::to_owned).collect()
}

#[test]
fn loaded_drivers_are_shown_with_their_files_until_they_are_unloaded() {
    let alone = Alone::now();
    let Some(dummy) = Driver::load(&alone, "dummy") else {
        return skip(NO_DRIVERS);
    };
    let loaded = || rows(&json(["drivers", "--loaded", "--json"]), "drivers");
    let found = loaded();
    let lines = listed();
    let expected: Vec<_> = lines.iter().map(|words| words[0].clone()).collect();
    assert_eq!(names(&found), expected);
    for (row, words) in found.iter().zip(&lines) {
        assert_eq!(row["size_bytes"].to_string(), words[1], "{row}");
        assert_eq!(row["references"].to_string(), words[2], "{row}");
        assert_eq!(row["load_address"], words[5], "{row}");
        let file = driver_file(&words[0]).expect("it was loaded from there");
        assert_eq!(row["file"], file.to_str().unwrap());
    }
    dummy.unload().expect("nobody uses it");
    assert!(!names(&loaded()).contains(&"dummy".to_owned()));
}

#[test]
fn addresses_that_the_kernel_hides_are_shown_as_unknown() {
    let alone = Alone::now();
    let Some(restrict) = Setting::of(&alone, "/proc/sys/kernel/kptr_restrict") else {
        return skip("the settings of the kernel can't be changed: needs root");
    };
    let _dummy = Driver::load(&alone, "dummy");
    let arguments = ["drivers", "--image", "--loaded", "--json"];
    let are_shown = |answer: &Value| {
        let rows = rows(answer, "drivers");
        let shown = rows.iter().filter(|row| !row["load_address"].is_null());
        let shown = shown.count();
        assert!(shown == 0 || shown == rows.len(), "{answer}");
        shown > 0
    };
    restrict.set(1);
    let root = json(arguments);
    if !are_shown(&root) {
        return skip("this root has no CAP_SYSLOG");
    }
    let nobody: Value = serde_json::from_slice(&run_as_nobody(arguments).stdout).unwrap();
    assert!(!are_shown(&nobody));
    assert_eq!(
        names(&rows(&nobody, "drivers")),
        names(&rows(&root, "drivers"))
    );
    restrict.set(2);
    assert!(!are_shown(&json(arguments)));
}

const SUBJECT: &str = r#"
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
int main(void) {
    char *p = mmap(0, 8 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(p, 8 << 20, MADV_NOHUGEPAGE);
    memset(p, 1, 8 << 20);
    puts("touched"); fflush(stdout); getchar(); return 0;
}"#;

#[test]
fn private_memory_that_is_emptied_is_in_the_page_file() {
    let Some(swap) = Swap::on(64 << 20) else {
        return skip("no page file can be had: needs root, zram and util-linux");
    };
    let program = Program::compile(SUBJECT, &[]);
    let subject = program.start();
    subject.settle();
    let pid = subject.id().to_string();
    let swapped = || -> u64 {
        let status = String::from_utf8(proc_file(subject.id(), "status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmSwap:"));
        let kib = line.unwrap().trim().strip_suffix(" kB").unwrap();
        kib.parse::<u64>().unwrap() * 1024
    };
    assert_eq!(swapped(), 0);
    let emptied = rows(&json(["empty", "--json", &pid]), "emptied");
    let left = emptied[0]["private_left_bytes"].as_u64().unwrap();
    // Pages that were on their way to the lists which the kernel takes pages from may stay.
    assert!(left >= 4 << 20, "{emptied:?}");
    assert_eq!(emptied[0]["remaining_no_page_file_bytes"], 0);

    let shown = rows(&json(["memory", "--json", &pid]), "processes");
    assert_eq!(shown[0]["swap_bytes"], swapped(), "{shown:?}");
    let pages = rows(&json(["ws", "--json", &pid]), "working_sets");
    // All but the row of totals.
    let pages = pages.iter().filter(|row| row["start_address"].is_string());
    let pages = pages.map(|row| row["swapped_bytes"].as_u64().unwrap());
    assert_eq!(pages.sum::<u64>(), swapped());

    let files = rows(&json(["pagefiles", "--json"]), "page_files");
    let path = swap.path.to_str().unwrap();
    let file = files.iter().find(|row| row["path"] == path).unwrap();
    let text = std::fs::read_to_string("/proc/swaps").unwrap();
    let line = text.lines().find(|line| line.starts_with(path)).unwrap();
    let used: u64 = line.split_whitespace().nth(3).unwrap().parse().unwrap();
    assert_eq!(file["in_use_bytes"], used * 1024, "{file}");
    assert!(used * 1024 >= left);
}
