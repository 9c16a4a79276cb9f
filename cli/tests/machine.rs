//! Tests that change the drivers, settings and page files of the machine. `.config/nextest.toml`
//! runs each of them alone.

#![cfg(target_os = "linux")]

use serde_json::Value;

use testing::command::{json, run_unprivileged};
use testing::machine::{Driver, MachineLock, Setting, driver_file};
use testing::swap::Swap;
use testing::{Program, proc_file, programs, skip};

const NO_DRIVERS: &str = "cannot load drivers: needs root and dummy as a loadable driver";

fn rows(document: &Value, list: &str) -> Vec<Value> {
    document[list].as_array().unwrap().clone()
}

/// Returns the fields of each line of `/proc/modules`.
fn listed() -> Vec<Vec<String>> {
    let text = std::fs::read_to_string("/proc/modules").unwrap();
    let fields = |line: &str| line.split(' ').map(str::to_owned).collect();
    text.lines().map(fields).collect()
}

fn names(rows: &[Value]) -> Vec<String> {
    let names = rows.iter().map(|row| row["name"].as_str().unwrap());
    names.map(str::to_owned).collect()
}

#[test]
fn drivers_follow_load_and_unload() {
    let alone = MachineLock::acquire();
    let Some(dummy) = Driver::load(&alone, "dummy") else {
        return skip(NO_DRIVERS);
    };
    let loaded = || rows(&json(["drivers", "--loaded", "--json"]), "drivers");
    let found = loaded();
    let lines = listed();
    let expected: Vec<_> = lines.iter().map(|fields| fields[0].clone()).collect();
    assert_eq!(names(&found), expected);
    for (row, fields) in found.iter().zip(&lines) {
        assert_eq!(row["size_bytes"].to_string(), fields[1], "{row}");
        assert_eq!(row["references"].to_string(), fields[2], "{row}");
        assert_eq!(row["load_address"], fields[5], "{row}");
        let file = driver_file(&fields[0]).expect("a loaded driver has a file");
        assert_eq!(row["file"], file.to_str().unwrap());
    }
    dummy.unload().expect("the driver is not in use");
    assert!(!names(&loaded()).contains(&"dummy".to_owned()));
}

#[test]
fn hidden_addresses_are_null() {
    let alone = MachineLock::acquire();
    let Some(restrict) = Setting::open(&alone, "/proc/sys/kernel/kptr_restrict") else {
        return skip("cannot change kernel settings: needs root");
    };
    let _dummy = Driver::load(&alone, "dummy");
    let arguments = ["drivers", "--image", "--loaded", "--json"];
    let are_shown = |document: &Value| {
        let rows = rows(document, "drivers");
        let shown = rows.iter().filter(|row| !row["load_address"].is_null());
        let shown = shown.count();
        assert!(shown == 0 || shown == rows.len(), "{document}");
        shown > 0
    };
    restrict.set(1);
    let root = json(arguments);
    if !are_shown(&root) {
        return skip("root lacks CAP_SYSLOG");
    }
    let unprivileged: Value = serde_json::from_slice(&run_unprivileged(arguments).stdout).unwrap();
    assert!(!are_shown(&unprivileged));
    assert_eq!(
        names(&rows(&unprivileged, "drivers")),
        names(&rows(&root, "drivers"))
    );
    restrict.set(2);
    assert!(!are_shown(&json(arguments)));
}

#[test]
fn emptied_memory_is_swapped_out() {
    let Some(swap) = Swap::on(64 << 20) else {
        return skip("cannot add a page file: needs root, zram and util-linux");
    };
    let program = Program::compile(programs::WRITES_8_MIB, &[]);
    let process = program.start();
    process.wait_for_sleep();
    let pid = process.id().to_string();
    let swapped = || -> u64 {
        let status = String::from_utf8(proc_file(process.id(), "status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmSwap:"));
        let kib = line.unwrap().trim().strip_suffix(" kB").unwrap();
        kib.parse::<u64>().unwrap() * 1024
    };
    assert_eq!(swapped(), 0);
    let emptied = rows(&json(["empty", "--json", &pid]), "emptied");
    let evicted = emptied[0]["private_evicted_bytes"].as_u64().unwrap();
    // Pages that are not on an LRU list yet can stay in memory.
    assert!(evicted >= 4 << 20, "{emptied:?}");
    assert_eq!(emptied[0]["remaining_no_page_file_bytes"], 0);

    let shown = rows(&json(["memory", "--json", &pid]), "processes");
    assert_eq!(shown[0]["swap_bytes"], swapped(), "{shown:?}");
    let pages = rows(&json(["ws", "--json", &pid]), "working_sets");
    // The total has no start address.
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
    assert!(used * 1024 >= evicted);
}
