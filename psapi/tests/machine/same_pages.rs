//! Equal pages that the kernel makes one (KSM).

use std::fs;
use std::ops::ControlFlow;

use psapi::{PageAttributes, WorkingSetOptions};

use crate::support::child::{Program, proc_file};
use crate::support::machine::{Alone, Setting};
use crate::support::privilege::skip;
use crate::support::ways;

const SUBJECT: &str = r#"
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
static char *map(size_t size) {
    char *p = mmap(0, size + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) + 4096;
    mprotect(p, size, PROT_READ | PROT_WRITE);
    madvise(p, size, MADV_NOHUGEPAGE);
    return p;
}
static void fill(char *page, int salt, int number) {
    memset(page, 0, 4096);
    ((int *)page)[0] = salt;
    ((int *)page)[1] = number;
}
int main(void) {
    /* 100 pages, each of which is there twice, and 100 that are there once. */
    char *twice = map(200 * 4096), *once = map(100 * 4096);
    /* Nobody else has such pages, not even a virtual machine that runs this, too. */
    int salt; if (getentropy(&salt, sizeof salt)) return 1;
    for (int i = 0; i < 200; i++) fill(twice + i * 4096, salt, 1 + i % 100);
    for (int i = 0; i < 100; i++) fill(once + i * 4096, salt, 1000 + i);
    if (madvise(twice, 200 * 4096, MADV_MERGEABLE) || madvise(once, 100 * 4096, MADV_MERGEABLE))
        puts("none");
    else
        printf("%lu %lu\n", (long)twice, (long)once);
    fflush(stdout); getchar();
    twice[0] = 2;
    puts("written"); fflush(stdout); getchar(); return 0;
}"#;

const PAGE: u64 = 4096;

/// A figure in bytes of the mapping at an address, as `smaps` has it.
fn smaps(id: psapi::ProcessId, start: u64, name: &str) -> u64 {
    let text = String::from_utf8(proc_file(id, "smaps")).unwrap();
    let head = format!("{start:x}-");
    let of_mapping = text.lines().skip_while(|line| !line.starts_with(&head));
    let mut figures = of_mapping.filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kib = figures.next().unwrap().trim().trim_end_matches(" kB");
    kib.parse::<u64>().unwrap() * 1024
}

#[test]
fn pages_that_the_kernel_made_one_are_mapped_twice() {
    let alone = Alone::now();
    let ksm = |name: &str| Setting::of(&alone, format!("/sys/kernel/mm/ksm/{name}"));
    let settings = ["run", "sleep_millisecs", "pages_to_scan"].map(ksm);
    let [Some(run), Some(sleep), Some(pages)] = &settings else {
        return skip("the kernel can't be told to merge pages: needs root, and CONFIG_KSM");
    };
    let program = Program::compile(SUBJECT, &[]);
    let mut subject = program.start();
    subject.settle();
    if subject.said == "none" {
        return skip("the kernel merges no pages: needs CONFIG_KSM");
    }
    let places: Vec<u64> = subject
        .said
        .split(' ')
        .map(|at| at.parse().unwrap())
        .collect();
    let (twice, once) = (places[0], places[1]);
    sleep.set(1);
    pages.set(10_000);
    run.set(1);
    // Other programs, such as virtual machines, may have pages merged, too: what counts is these.
    let id = subject.id();
    let shared = || smaps(id, twice, "Shared_Clean") + smaps(id, twice, "Shared_Dirty");
    while shared() < 200 * PAGE {
        std::thread::yield_now();
    }

    let ways = ways::to_pages();
    let check = |twice_shared: u64, exclusive: u64| {
        for (_, system) in &ways {
            let process = system.process(id).unwrap();
            let options = WorkingSetOptions::new().with_private_share_counts();
            let set = process
                .working_set_with(&options, |_| ControlFlow::Continue(()))
                .unwrap();
            let totals = |start| {
                let mut mappings = set.totals_by_mapping();
                mappings
                    .find(|(mapping, _)| mapping.start == start)
                    .unwrap()
                    .1
            };
            let (merged, others) = (totals(twice), totals(once));
            assert_eq!((merged.resident, merged.private), (200 * PAGE, 200 * PAGE));
            assert_eq!(merged.shares.times[1], twice_shared);
            assert_eq!(merged.shares.exclusive(), exclusive);
            assert_eq!(others.shares.exclusive(), 100 * PAGE);
            // What `smaps` takes for shared, and its share of it.
            let of = |name| smaps(id, twice, name);
            assert_eq!(shared(), twice_shared);
            assert_eq!(of("Pss"), exclusive + twice_shared / 2);
            // Merged or not, a page belongs to the process.
            for run in set
                .runs()
                .filter(|run| (twice..twice + 200 * PAGE).contains(&run.start))
            {
                let shareable =
                    PageAttributes::FILE | PageAttributes::ZERO | PageAttributes::SPECIAL;
                assert!(!run.attributes.intersects(shareable), "{run:?}");
            }
        }
    };
    check(200 * PAGE, 0);
    if let Ok(text) = fs::read_to_string(format!("/proc/{id}/ksm_merging_pages")) {
        assert_eq!(text.trim(), "200");
    }
    // Who writes to one of two has its own, and the other is alone.
    run.set(0);
    subject.proceed();
    check(198 * PAGE, 2 * PAGE);
}
