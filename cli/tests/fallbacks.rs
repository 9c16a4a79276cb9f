//! The command without `PAGEMAP_SCAN`, `PROCMAP_QUERY` or both.
//!
//! A seccomp filter rejects these ioctls, as kernels before 6.7 and 6.11 do.

#![cfg(target_os = "linux")]

use std::collections::BTreeMap;

use serde_json::Value;

use testing::command::json;
use testing::interfaces::disabled_sets;
use testing::seccomp::without_requests;
use testing::{Program, proc_file, programs};

/// Returns the resident size in bytes of each mapping in `smaps`, by start address.
fn resident_sizes(text: &str) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    let mut start = String::new();
    for line in text.lines() {
        if let Some(kib) = line.strip_prefix("Rss:") {
            let kib: u64 = kib.trim().trim_end_matches(" kB").parse().unwrap();
            found.insert(start.clone(), kib * 1024);
        } else if let Some((address, _)) = line.split_once('-')
            && let Ok(address) = u64::from_str_radix(address, 16)
        {
            start = format!("{address:#x}");
        }
    }
    found
}

#[test]
fn all_interfaces_agree() {
    let program = Program::compile(programs::SPARSE_AND_SHARED, &[]);
    let process = program.start();
    process.wait_for_sleep();
    let pid = process.id().to_string();
    let documents = || -> Vec<Value> {
        let modules = json(["modules", "--json", &pid]);
        let base = modules["modules"][0]["base_address"].as_str().unwrap();
        let mapped = json(["mapped", "--json", &pid, base]);
        let mut pages = json(["ws", "--json", "--private-shares", &pid]);
        // These figures change whenever another process maps or unmaps the same library.
        for row in pages["working_sets"].as_array_mut().unwrap() {
            let row = row.as_object_mut().unwrap();
            row.retain(|figure, _| !figure.starts_with("mapped_") && figure != "shared_bytes");
        }
        vec![modules, mapped, json(["maps", "--json", &pid]), pages]
    };
    // Reading the dynamic linker's list can fault in pages of the process. Do it before comparing.
    documents();
    let mut first = None;
    for (disabled, requests) in disabled_sets() {
        let found = without_requests(requests, documents);
        assert_eq!(
            first.get_or_insert_with(|| found.clone()),
            &found,
            "{disabled}"
        );

        let text = String::from_utf8(proc_file(process.id(), "smaps")).unwrap();
        let expected = resident_sizes(&text);
        for row in found[3]["working_sets"].as_array().unwrap() {
            // The total has no start address.
            let Some(start) = row["start_address"].as_str() else {
                continue;
            };
            let resident = row["resident_bytes"].as_u64().unwrap();
            assert_eq!(Some(&resident), expected.get(start), "{disabled}: {row}");
        }
        let path = program.path.to_str().unwrap();
        assert_eq!(found[0]["modules"][0]["path"], path, "{disabled}");
        assert!(found[1].to_string().contains(path), "{disabled}");
        let maps = String::from_utf8(proc_file(process.id(), "maps")).unwrap();
        let listed = found[2]["mappings"].as_array().unwrap().len();
        assert_eq!(listed, maps.lines().count(), "{disabled}");
    }
}
