//! Address space without resident pages: swapped, marked or never touched.

use std::ops::Range;

use psapi::{PageAttributes, PageRun, Process};

use testing::interfaces;
use testing::privilege::is_root;
use testing::rollup::rollup;
use testing::swap::{Swap, SwapState};
use testing::{Program, programs, skip};

use super::*;

/// Write-protection markers of absent pages look like swap entries in `pagemap`.
#[test]
fn uffd_markers_are_not_swapped() {
    let program = Program::compile(programs::WRITE_PROTECTS_UNTOUCHED, &[]);
    let subject = program.start();
    subject.wait_for_sleep();
    if subject.line == "none" {
        return skip("userfaultfd leaves no markers: needs Linux 6.4");
    }
    let check = |process: &Process| {
        let set = process.working_set().unwrap();
        assert_eq!(set.totals().swapped, Some(0));
        for start in subject.line.split(' ') {
            let start: u64 = start.parse().unwrap();
            let run = one_run(&set, start..start + 4096);
            assert!(
                run.attributes
                    .contains(RESIDENT | PageAttributes::WRITE_PROTECTED)
            );
            assert_eq!(within(&set, start + 4096..start + 8 * 4096).count(), 0);
            let marked = process.query_pages(&[start + 4096]).unwrap()[0];
            assert_eq!(marked.attributes, PageAttributes::empty());
        }
    };
    for (interface, system) in interfaces::page_interfaces() {
        eprintln!("by {interface}");
        // Without page frames, markers are recognized only if the machine has no page file.
        let swap_state = if is_root() {
            None
        } else {
            SwapState::without_swap()
        };
        if swap_state.is_some() || is_root() {
            check(&system.process(subject.id()).unwrap());
        }
    }
    let Some(_swap) = Swap::on(16 * MIB) else {
        return skip("cannot add a page file: needs root, zram and util-linux");
    };
    for (interface, system) in interfaces::page_interfaces() {
        eprintln!("by {interface}, with a page file");
        check(&system.process(subject.id()).unwrap());
    }
}

#[test]
fn swapped_pages_are_distinguished() {
    let Some(_swap) = Swap::on(256 * MIB) else {
        return skip("cannot add a page file: needs root, zram and util-linux");
    };
    let program = Program::compile(programs::SWAPS_OUT_HALF, &[]);
    let subject = program.start();
    subject.wait_for_sleep();
    let Ok(address) = subject.line.parse::<u64>() else {
        return skip("the kernel lacks MADV_PAGEOUT");
    };
    for (interface, system) in interfaces::page_interfaces() {
        eprintln!("by {interface}");
        let process = system.process(subject.id()).unwrap();
        let set = process.working_set().unwrap();
        let is = |range: Range<u64>| one_run(&set, range).attributes - SOFT_DIRTY;
        assert_eq!(is(address..address + 2 * MIB), RESIDENT);
        assert_eq!(
            is(address + 2 * MIB..address + 6 * MIB),
            PageAttributes::SWAPPED
        );
        assert_eq!(is(address + 6 * MIB..address + 8 * MIB), RESIDENT);
        let counters = process.memory_counters().unwrap();
        assert_eq!(set.totals().swapped, counters.swap);
        if set.known().contains(PageAttributes::ZERO) {
            assert_eq!(set.totals().resident, rollup(subject.id(), "Rss"));
        }
    }
}

#[test]
fn sparse_reservation_costs_nothing() {
    let program = Program::compile(programs::RESERVES_60_TIB, &[]);
    let subject = program.start();
    subject.wait_for_sleep();
    if subject.line == "none" {
        return skip("cannot reserve 60 TiB of address space");
    }
    for (_, system) in interfaces::page_interfaces() {
        let process = system.process(subject.id()).unwrap();
        let set = process.working_set().unwrap();
        for address in subject.line.split(' ') {
            let at = address.parse().unwrap();
            assert!(totals(&set, &(at..at + 1)).is_empty());
            let page = process.query_pages(&[at + (1 << 40)]).unwrap()[0];
            assert!(page.attributes.is_empty());
            assert!(page.protection.is_some());
        }
        assert_eq!(set.totals().resident, rollup(subject.id(), "Rss"));
    }
}

/// The mappings are larger than the machine's memory.
#[test]
fn sparse_pages_are_found() {
    let program = Program::compile(programs::SPARSE_RESERVATIONS, &[]);
    let subject = program.start();
    subject.wait_for_sleep();
    if subject.line == "none" {
        return skip("cannot reserve 30 TiB of address space");
    }
    let addresses: Vec<u64> = subject
        .line
        .split(' ')
        .map(|at| at.parse().unwrap())
        .collect();
    let [far, zeros, end] = addresses[..] else {
        panic!("{addresses:?}");
    };
    for (interface, system) in interfaces::page_interfaces() {
        let process = system.process(subject.id()).unwrap();
        let set = process.working_set().unwrap();
        let resident = |range: Range<u64>| -> Vec<u64> {
            let is_there = |run: &PageRun<'_>| run.attributes.contains(PageAttributes::RESIDENT);
            let runs = within(&set, range).filter(is_there);
            runs.flat_map(|run| (run.start..run.end).step_by(4096))
                .collect()
        };
        assert_eq!(
            resident(far..far + (30 << 40)),
            [far, far + (3 << 30)],
            "{interface}"
        );
        let expected = [zeros, zeros + 4096, end - 8192, end - 4096];
        assert_eq!(resident(zeros..end), expected, "{interface}");
        if interface == "entries" {
            // Further zero pages are possible, which nothing counts.
            assert!(!set.known().contains(PageAttributes::ZERO));
        }
    }
}
