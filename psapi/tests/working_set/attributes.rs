//! Attributes of pages, and which pages are resident.

use psapi::{PageAttributes, Protection, System, WorkingSet};

use testing::huge_pool::HugePool;
use testing::interfaces::{self, with_disabled};
use testing::privilege::is_root;
use testing::rollup::rollup;
use testing::{Program, proc_file, programs, skip};

use super::*;

#[test]
fn attributes_match_fixture() {
    let fixture = Fixture::start();
    for (interface, system) in interfaces::page_interfaces() {
        eprintln!("by {interface}");
        let set = fixture.process(&system).working_set().unwrap();
        assert_eq!(set.process(), fixture.subject.id());
        let one_run = |name| one_run(&set, fixture.at(name));
        let is = |name| {
            let run = one_run(name);
            (run.attributes - SOFT_DIRTY, run.protection())
        };

        let every_other = fixture.at("every_other");
        let runs: Vec<_> = within(&set, every_other.clone()).collect();
        assert_eq!(runs.len(), 1024);
        for (run, expected) in runs.iter().zip(every_other.step_by(8192)) {
            assert_eq!((run.start, run.size()), (expected, 4096));
            assert_eq!(run.attributes - SOFT_DIRTY, RESIDENT);
            assert_eq!(run.protection(), Protection::ReadWrite);
        }

        assert_eq!(is("shared"), (FILE, Protection::ReadWrite));
        assert_eq!(is("twice_a"), (FILE, Protection::ReadWrite));
        assert_eq!(is("code"), (RESIDENT, Protection::ExecuteRead));
        assert_eq!(is("no_access"), (RESIDENT, Protection::NoAccess));
        let locked = RESIDENT | PageAttributes::LOCKED;
        assert_eq!(is("locked"), (locked, Protection::ReadWrite));
        assert_eq!(within(&set, fixture.at("untouched")).count(), 0);

        // Pages that were written to are private copies. The rest belong to the file.
        let file = fixture.at("file");
        let runs: Vec<_> = within(&set, file.clone()).collect();
        assert_eq!(runs.len(), 2);
        assert_eq!((runs[0].start, runs[0].end), (file.start, file.start + MIB));
        assert_eq!(runs[0].attributes - SOFT_DIRTY, RESIDENT);
        assert_eq!(runs[0].protection(), Protection::ReadWrite);
        assert_eq!(runs[1].attributes - SOFT_DIRTY, FILE);
        assert_eq!(runs[1].protection(), Protection::CopyOnWrite);
        let file = totals(&set, &file);
        assert_eq!((file.private, file.file), (MIB, 3 * MIB));
    }
}

#[test]
fn zero_pages_are_distinguished() {
    let fixture = Fixture::start();
    let zeros = fixture.at("zeros");
    let found = |set: &WorkingSet| {
        let runs: Vec<_> = within(set, zeros.clone())
            .map(|run| {
                (
                    run.start - zeros.start,
                    run.end - zeros.start,
                    run.attributes,
                )
            })
            .map(|(start, end, attributes)| (start, end, attributes - SOFT_DIRTY))
            .collect();
        runs
    };
    let zero = RESIDENT | PageAttributes::ZERO;
    let expected = [
        (0, MIB, zero),
        (MIB, MIB + 4096, RESIDENT),
        (MIB + 4096, 2 * MIB, zero),
    ];
    for (interface, system) in interfaces::page_interfaces() {
        eprintln!("by {interface}");
        let set = fixture.process(&system).working_set().unwrap();
        // The program mapped the memory to write to it, whether or not it has written.
        let mut protections = within(&set, zeros.clone()).map(|run| run.protection());
        assert!(protections.all(|protection| protection == Protection::ReadWrite));
        if set.known().contains(PageAttributes::ZERO) {
            assert_eq!(found(&set), expected);
            let totals = totals(&set, &zeros);
            assert_eq!((totals.resident, totals.zero), (4096, Some(2 * MIB - 4096)));
        } else {
            assert!(!is_root() && reads_entries(interface));
            assert_eq!(found(&set), [(0, 2 * MIB, RESIDENT)]);
            assert_eq!(totals(&set, &zeros).zero, None);
        }
    }
}

#[test]
fn huge_pages_match_smaps() {
    let fixture = Fixture::start();
    let aligned = fixture.at("aligned").start;
    let smaps = String::from_utf8(proc_file(fixture.subject.id(), "smaps")).unwrap();
    let huge: u64 = smaps
        .lines()
        .filter_map(|line| line.strip_prefix("AnonHugePages:"))
        .map(|line| line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024)
        .sum();
    if huge != 2 * MIB {
        return skip("the kernel provided no huge page");
    }
    for (interface, system) in interfaces::page_interfaces() {
        eprintln!("by {interface}");
        let set = fixture.process(&system).working_set().unwrap();
        if !set
            .known()
            .contains(PageAttributes::HUGE | PageAttributes::ZERO)
        {
            assert!(!is_root() && reads_entries(interface));
            continue;
        }
        let run = one_run(&set, aligned..aligned + 2 * MIB);
        assert_eq!(run.attributes - SOFT_DIRTY, RESIDENT | PageAttributes::HUGE);
        let run = one_run(&set, aligned + 2 * MIB..aligned + 4 * MIB);
        let zeros = RESIDENT | PageAttributes::ZERO;
        // Without a huge zero page, the range would have small ones.
        assert_eq!(run.attributes - SOFT_DIRTY, zeros | PageAttributes::HUGE);
        let run = one_run(&set, aligned + 4 * MIB..aligned + 5 * MIB);
        assert_eq!(run.attributes - SOFT_DIRTY, RESIDENT);
        assert_eq!(set.totals().huge, Some(2 * MIB));
    }
}

#[test]
fn guard_regions_are_not_resident() {
    let fixture = Fixture::start();
    if fixture.at("guards").start == 0 {
        return skip("the kernel lacks MADV_GUARD_INSTALL");
    }
    let range = fixture.at("guarded");
    let guard = range.start + MIB / 2..range.start + 3 * MIB / 4;
    for (interface, system) in interfaces::page_interfaces() {
        eprintln!("by {interface}");
        let set = fixture.process(&system).working_set().unwrap();
        if !set.known().contains(PageAttributes::GUARD) {
            skip("the kernel does not report guard regions");
            continue;
        }
        let run = one_run(&set, guard.clone());
        assert_eq!(run.attributes - SOFT_DIRTY, PageAttributes::GUARD);
        let totals = totals(&set, &range);
        assert_eq!(totals.resident, 3 * MIB / 4);
        assert_eq!((totals.guard, totals.swapped), (Some(MIB / 4), Some(0)));
    }
}

#[test]
fn pages_have_numa_nodes() {
    let fixture = Fixture::start();
    let node = std::fs::read_to_string("/sys/devices/system/node/has_memory");
    let Ok(Ok(node)) = node.map(|text| text.trim().parse::<u16>()) else {
        return skip("the machine does not have exactly one NUMA node");
    };
    // Queries nodes as on a machine with several.
    let asking = System::builder().with_numa_query().build();
    for system in [System::new(), asking] {
        let set = fixture.process(&system).working_set().unwrap();
        for run in set.runs() {
            let is_memory = run.attributes.contains(RESIDENT)
                && !run.attributes.contains(PageAttributes::SPECIAL);
            // The kernel reports no node for the zero page.
            if !run.attributes.contains(PageAttributes::ZERO) {
                assert_eq!(run.node, is_memory.then_some(node), "{run:?}");
            }
        }
    }
}

#[test]
fn hugetlb_pages_are_not_counted() {
    let Some(_pool) = HugePool::grow(4) else {
        return skip("cannot reserve hugetlb pages: needs root and free memory");
    };
    let program = Program::compile(programs::TOUCHES_HUGETLB, &[]);
    let subject = program.start();
    subject.wait_for_sleep();
    if subject.line == "none" {
        return skip("another process took the reserved hugetlb pages");
    }
    for (name, requests) in interfaces::disabled_sets() {
        eprintln!("{name}");
        let process = with_disabled(requests).process(subject.id()).unwrap();
        let set = process.working_set().unwrap();
        let (totals, counters) = (set.totals(), process.memory_counters().unwrap());
        assert_eq!(counters.hugetlb, Some(totals.hugetlb));
        assert!(totals.hugetlb > 0);
        assert_eq!(totals.resident, rollup(subject.id(), "Rss"));
        assert_eq!(totals.private, rollup(subject.id(), "Anonymous"));
        assert_eq!(totals.huge, Some(0));
        let hugetlb = PageAttributes::HUGETLB | PageAttributes::HUGE;
        let runs: Vec<_> = set
            .runs()
            .filter(|run| run.attributes.intersects(PageAttributes::HUGETLB))
            .collect();
        assert_eq!(runs.len(), 4);
        for run in runs {
            assert!(run.attributes.contains(RESIDENT | hugetlb));
            assert!(!run.is_counted());
        }
    }
}

#[test]
fn kernel_memory_is_excluded() {
    let fixture = Fixture::start();
    let ring = fixture.at("ring");
    if ring.start == 0 {
        return skip("perf_event_open is not available");
    }
    for (_, system) in interfaces::page_interfaces() {
        let process = fixture.process(&system);
        let set = process.working_set().unwrap();
        // Older kernels treat the ring's pages as pages of a file, and count them.
        let is_counted = totals(&set, &ring).resident > 0;
        assert_eq!(within(&set, ring.clone()).count(), usize::from(is_counted));
        if set.known().contains(PageAttributes::ZERO) {
            let counted = rollup(fixture.subject.id(), "Rss");
            assert_eq!(set.totals().resident, counted);
        }
    }
}

#[test]
fn write_protected_pages_are_marked() {
    let program = Program::compile(programs::WRITE_PROTECTS, &[]);
    let subject = program.start();
    let Ok(start) = subject.line.parse::<u64>() else {
        return skip("userfaultfd cannot write-protect pages");
    };
    for (_, system) in interfaces::page_interfaces() {
        let process = system.process(subject.id()).unwrap();
        let addresses: Vec<u64> = (0..8).map(|page| start + page * 4096).collect();
        let protected: Vec<bool> = process
            .query_pages(&addresses)
            .unwrap()
            .iter()
            .map(|page| page.attributes.contains(PageAttributes::WRITE_PROTECTED))
            .collect();
        let expected = [false, true, true, false, false, false, false, false];
        assert_eq!(protected, expected);
    }
}
