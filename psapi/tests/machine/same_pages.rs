//! Equal pages merged by the kernel (KSM).

use std::fs;
use std::ops::ControlFlow;

use psapi::{PageAttributes, WorkingSetOptions};

use testing::machine::{MachineLock, Setting};
use testing::{Program, interfaces, proc_file, programs, skip};

const PAGE: u64 = 4096;

/// Returns a field of the mapping at an address in `smaps`, in bytes.
fn smaps(id: psapi::ProcessId, start: u64, name: &str) -> u64 {
    let text = String::from_utf8(proc_file(id, "smaps")).unwrap();
    let head = format!("{start:x}-");
    let of_mapping = text.lines().skip_while(|line| !line.starts_with(&head));
    let mut figures = of_mapping.filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kib = figures.next().unwrap().trim().trim_end_matches(" kB");
    kib.parse::<u64>().unwrap() * 1024
}

#[test]
fn merged_pages_count_as_shared() {
    let lock = MachineLock::acquire();
    let ksm = |name: &str| Setting::open(&lock, format!("/sys/kernel/mm/ksm/{name}"));
    let settings = ["run", "sleep_millisecs", "pages_to_scan"].map(ksm);
    let [Some(run), Some(sleep), Some(pages)] = &settings else {
        return skip("cannot enable page merging: needs root and CONFIG_KSM");
    };
    let program = Program::compile(programs::MERGEABLE_PAGES, &[]);
    let mut subject = program.start();
    subject.wait_for_sleep();
    if subject.line == "none" {
        return skip("the kernel cannot merge pages: needs CONFIG_KSM");
    }
    let addresses: Vec<u64> = subject
        .line
        .split(' ')
        .map(|at| at.parse().unwrap())
        .collect();
    let (twice, once) = (addresses[0], addresses[1]);
    sleep.set(1);
    pages.set(10_000);
    run.set(1);
    // Other programs, such as virtual machines, can have merged pages: wait for these.
    let id = subject.id();
    let shared = || smaps(id, twice, "Shared_Clean") + smaps(id, twice, "Shared_Dirty");
    while shared() < 200 * PAGE {
        std::thread::yield_now();
    }

    let systems = interfaces::page_interfaces();
    let check = |twice_shared: u64, exclusive: u64| {
        for (_, system) in &systems {
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
            assert_eq!(merged.shares.exclusive(), Some(exclusive));
            assert_eq!(others.shares.exclusive(), Some(100 * PAGE));
            // `smaps` counts merged pages as shared, each as one half in PSS.
            let figure = |name| smaps(id, twice, name);
            assert_eq!(shared(), twice_shared);
            assert_eq!(figure("Pss"), exclusive + twice_shared / 2);
            // Merged pages remain private pages of the process.
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
    // A write to one of two merged pages copies it, and leaves the other exclusive.
    run.set(0);
    subject.resume();
    check(198 * PAGE, 2 * PAGE);
}
