//! The command on kernels that lack `PAGEMAP_SCAN`, `PROCMAP_QUERY` or both, as far as a filter of
//! system calls makes such a kernel of this one.

mod common;

use std::collections::BTreeMap;

use common::json;
use common::support::child::{Program, proc_file};
use common::support::seccomp::without_requests;
use common::support::ways::withheld;
use common::support::zeros::WRITE_EVERYWHERE;
use serde_json::Value;

const SUBJECT: &str = r#"
#include <sys/mman.h>
#include <unistd.h>
static char *map(size_t size, int flags, int fd) {
    char *p = mmap(0, size + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) + 4096;
    p = mmap(p, size, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0);
    madvise(p, size, MADV_NOHUGEPAGE);
    return p;
}
int main(void) {
    write_everywhere();
    size_t size = 1 << 20;
    memset(map(size, MAP_PRIVATE | MAP_ANONYMOUS, -1), 1, size);
    char *holes = map(size, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    for (size_t i = 0; i < size; i += 8192) holes[i] = 1;
    int fd = memfd_create("memory", 0);
    if (ftruncate(fd, size)) return 1;
    memset(map(size, MAP_SHARED, fd), 1, size / 2);
    map(size, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    puts("arranged"); fflush(stdout); getchar(); return 0;
}"#;

/// How much of each mapping is in memory, in bytes, as `smaps` has it: by its start.
fn smaps(text: &str) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    let mut start = String::new();
    for line in text.lines() {
        if let Some(kib) = line.strip_prefix("Rss:") {
            let kib: u64 = kib.trim().trim_end_matches(" kB").parse().unwrap();
            found.insert(start.clone(), kib * 1024);
        } else if let Some((place, _)) = line.split_once('-')
            && let Ok(place) = u64::from_str_radix(place, 16)
        {
            start = format!("{place:#x}");
        }
    }
    found
}

#[test]
fn every_way_shows_the_same() {
    let program = Program::compile(&format!("{WRITE_EVERYWHERE}{SUBJECT}"), &[]);
    let subject = program.start();
    subject.settle();
    let pid = subject.id().to_string();
    let answers = || -> Vec<Value> {
        let modules = json(["modules", "--json", &pid]);
        let base = modules["modules"][0]["base_address"].as_str().unwrap();
        let mapped = json(["mapped", "--json", &pid, base]);
        let mut pages = json(["ws", "--json", "--private-shares", &pid]);
        // Others may come to map the same libraries meanwhile, or leave them.
        for row in pages["working_sets"].as_array_mut().unwrap() {
            let row = row.as_object_mut().unwrap();
            row.retain(|figure, _| !figure.starts_with("mapped_") && figure != "shared_bytes");
        }
        vec![modules, mapped, json(["maps", "--json", &pid]), pages]
    };
    // The dynamic linker's list is read from the process's memory, and that may bring a page of it in.
    answers();
    let mut first = None;
    for (which, requests) in withheld() {
        let found = without_requests(requests, answers);
        assert_eq!(
            first.get_or_insert_with(|| found.clone()),
            &found,
            "{which}"
        );

        let text = String::from_utf8(proc_file(subject.id(), "smaps")).unwrap();
        let expected = smaps(&text);
        for row in found[3]["working_sets"].as_array().unwrap() {
            // The row of totals has none.
            let Some(start) = row["start_address"].as_str() else {
                continue;
            };
            let resident = row["resident_bytes"].as_u64().unwrap();
            assert_eq!(Some(&resident), expected.get(start), "{which}: {row}");
        }
        let path = program.path.to_str().unwrap();
        assert_eq!(found[0]["modules"][0]["path"], path, "{which}");
        assert!(found[1].to_string().contains(path), "{which}");
        let maps = String::from_utf8(proc_file(subject.id(), "maps")).unwrap();
        let listed = found[2]["mappings"].as_array().unwrap().len();
        assert_eq!(listed, maps.lines().count(), "{which}");
    }
}
