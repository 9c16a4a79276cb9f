//! Tests of what only Linux has: zero pages, huge and hugetlb pages, memory of the kernel, totals of
//! `smaps`, capabilities, and two interfaces for the same pages.

use std::ops::ControlFlow;

use psapi::{ErrorKind, PageAttributes, PageRun, Protection, ShareCount, System, WorkingSet};
use rustix::thread::CapabilitySet;

use testing::huge_pool::HugePool;
use testing::interfaces::{self, with_disabled};
use testing::privilege::{is_root, unprivileged, with_capabilities};
use testing::rollup::{counters_lag, rollup};
use testing::{Program, proc_file, programs, skip};

use super::*;

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

#[test]
fn unprivileged_share_counts_are_imprecise() {
    if !is_root() {
        return skip("needs root to change the user");
    }
    // `nobody` can read its own processes, but no page frames.
    unprivileged(|| {
        let fixture = Fixture::start();
        for (interface, system) in interfaces::page_interfaces() {
            eprintln!("by {interface}");
            let set = read_working_set(&fixture.process(&system), &all_shares());
            let shares = |name| one_run(&set, fixture.at(name)).shares;
            assert_eq!(shares("with_child"), Some(ShareCount::MoreThanOne));
            assert_eq!(shares("twice_a"), Some(ShareCount::MoreThanOne));
            assert_eq!(shares("shared"), Some(ShareCount::Exactly(1)));
            assert_eq!(shares("code"), Some(ShareCount::Exactly(1)));
            let zero = PageAttributes::ZERO;
            assert_eq!(
                set.known().contains(zero),
                !reads_entries(interface),
                "{:?}",
                set.known()
            );
        }
    });
}

#[test]
fn remedy_names_sufficient_capabilities() {
    if !is_root() {
        return skip("needs root to pass on capabilities");
    }
    let fixture = Fixture::start();
    let found = |capabilities| {
        with_capabilities(capabilities, || {
            let systems = interfaces::page_interfaces().into_iter();
            let shares = systems.map(|(_, system)| {
                let process = fixture.process(&system);
                let options = all_shares();
                let set = process.working_set_with(&options, |_| ControlFlow::Continue(()));
                set.map(|set| one_run(&set, fixture.at("with_child")).shares)
            });
            shares.collect::<Vec<_>>()
        })
    };
    let trace = CapabilitySet::SYS_PTRACE;
    let read = CapabilitySet::DAC_READ_SEARCH;
    let see_frames = CapabilitySet::SYS_ADMIN;
    for too_few in [trace, read, trace | see_frames] {
        for refused in found(too_few) {
            let error = refused.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AccessDenied);
            let remedy = error.remedy().unwrap();
            for name in ["CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH"] {
                assert!(remedy.contains(name), "{error}");
            }
        }
    }
    for shares in found(trace | read) {
        assert_eq!(shares.unwrap(), Some(ShareCount::MoreThanOne));
    }
    for shares in found(trace | read | see_frames) {
        assert_eq!(shares.unwrap(), Some(ShareCount::Exactly(2)));
    }
}

#[test]
fn interfaces_agree() {
    let fixture = Fixture::start();
    let systems = interfaces::page_interfaces().into_iter();
    let sets: Vec<_> = systems
        .map(|(_, system)| read_working_set(&fixture.process(&system), &all_shares()))
        .collect();
    let (scan, entries) = (&sets[0], &sets[sets.len() - 1]);
    let known = scan.known() & entries.known();
    if is_root() {
        assert_eq!(scan.known(), entries.known());
    }
    let pages = |set: &WorkingSet| {
        let pages: Vec<_> = set
            .pages()
            .map(|mut page| {
                if page.attributes.contains(PageAttributes::ZERO)
                    && !known.contains(PageAttributes::ZERO)
                {
                    // Share counts and protection depend on whether zero pages are known.
                    page.shares = None;
                    page.protection = None;
                }
                page.attributes &= known;
                fixture.forget_counts_of_others(&mut page);
                page
            })
            .collect();
        pages
    };
    let (scan, entries) = (pages(scan), pages(entries));
    for (scan, mut entries) in scan.iter().zip(entries.iter().copied()) {
        if scan.protection.is_none() {
            (entries.shares, entries.protection) = (None, None);
        }
        assert_eq!(*scan, entries);
    }
    assert_eq!(scan.len(), entries.len());
}

#[test]
fn inaccessible_process_is_refused() {
    let system = System::new();
    if !is_root() {
        return skip("needs root for other users' processes and kernel threads");
    }
    let mut subject = Fixture::start().subject;
    unprivileged(|| {
        let error = system
            .process(subject.id())
            .unwrap()
            .working_set()
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AccessDenied);
        assert!(error.to_string().contains("CAP_SYS_PTRACE"), "{error}");
    });
    let process = system.process(subject.id()).unwrap();
    subject.kill();
    assert_eq!(process.working_set().unwrap_err().kind(), ErrorKind::Ended);
    if let Ok(kthreadd) = system.process(2)
        && kthreadd.status(psapi::Fields::STAT).unwrap().kernel_thread == Some(true)
    {
        assert_eq!(
            kthreadd.working_set().unwrap_err().kind(),
            ErrorKind::NoAddressSpace
        );
    }
}

#[test]
fn totals_match_smaps() {
    // Other processes map libraries: a static program has none.
    let program = Program::try_compile("subject".as_ref(), programs::PAGE_LAYOUT, &["-static"]);
    let Some(program) = program else {
        return skip("the compiler can't link statically");
    };
    let fixture = Fixture::of(&program);
    let figure = |name: &str| rollup(fixture.subject.id(), name);
    let private = || figure("Private_Clean") + figure("Private_Dirty");
    for (interface, system) in interfaces::page_interfaces() {
        eprintln!("by {interface}");
        let process = fixture.process(&system);
        let set = read_working_set(&process, &all_shares());
        if !set.known().contains(PageAttributes::ZERO) {
            continue;
        }
        let totals = set.totals();
        let counters = process.memory_counters().unwrap();
        assert_eq!(totals.resident, figure("Rss"));
        assert_eq!(totals.private, figure("Anonymous"));
        if !counters_lag() {
            assert_eq!(totals.resident, counters.working_set);
            assert_eq!(Some(totals.private), counters.rss_anon);
        }
        assert_eq!(Some(totals.locked), counters.locked);
        assert_eq!(totals.private + totals.file, totals.resident);
        // Pages mapped by no other process are private in `smaps`.
        let exclusive = totals.shares.exclusive().unwrap();
        assert_eq!(exclusive, private());
        assert_eq!(totals.shares.shared(), Some(totals.resident - exclusive));
        let parts: u64 = set.totals_by_mapping().map(|(_, part)| part.resident).sum();
        assert_eq!(parts, totals.resident);
        let pages = set
            .runs()
            .filter(PageRun::is_counted)
            .map(|run| run.size())
            .sum::<u64>();
        assert_eq!(pages, totals.resident);
    }
}
