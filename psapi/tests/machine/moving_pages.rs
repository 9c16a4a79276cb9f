//! Pages that the kernel moves to other frames (memory compaction) while they are read.

use std::fs;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use psapi::{PageAttributes, PageInfo, PageTotals, System, WorkingSetOptions};

use rustix::thread::CapabilitySet;
use testing::machine::MachineLock;
use testing::privilege::{is_root, with_capabilities};
use testing::swap::Swap;
use testing::{Program, TestProcess, interfaces, programs, skip};

const COMPACT: &str = "/proc/sys/vm/compact_memory";

/// The size of the pages that the program writes to in each of its two mappings.
const WRITTEN: u64 = 8 << 20;

/// The number of readings, each of pages in new frames.
const READINGS: usize = 12;

/// Compacts memory over and over while a closure runs. Repeats that a few times if no page moved.
/// Skips if memory cannot be compacted.
fn while_pages_move(mut run: impl FnMut(&mut Subject)) {
    if !is_root() || !fs::exists(COMPACT).unwrap() {
        return skip("cannot compact memory: needs root and CONFIG_COMPACTION");
    }
    let program = Program::compile(programs::MEMORY_IN_NEW_FRAMES, &[]);
    for _ in 0..5 {
        let before = moved_pages();
        let mut subject = Subject::start(&program);
        let is_done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_done.load(Ordering::Relaxed) {
                    fs::write(COMPACT, "1").unwrap();
                }
            });
            // Ends the thread even if the closure panics.
            let _done = SetOnDrop(&is_done);
            run(&mut subject);
        });
        if moved_pages() > before {
            return;
        }
    }
    skip("compaction moves no page");
}

struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn moved_pages() -> u64 {
    let text = fs::read_to_string("/proc/vmstat").unwrap();
    let mut fields = text.lines().filter_map(|line| line.split_once(' '));
    let (_, moved) = fields.find(|field| field.0 == "pgmigrate_success").unwrap();
    moved.parse().unwrap()
}

/// A process whose pages get new frames before each reading.
struct Subject {
    process: TestProcess,
    private: u64,
    shared: u64,
}

impl Subject {
    fn start(program: &Program) -> Self {
        let process = program.start();
        let addresses = process.line.split(' ').map(|at| at.parse().unwrap());
        let addresses: Vec<u64> = addresses.collect();
        Subject {
            process,
            private: addresses[0],
            shared: addresses[1],
        }
    }

    /// Reads the pages of both mappings, as working sets and by address.
    fn read(&mut self, system: &System, check: impl Fn(&PageTotals, &PageTotals)) {
        let starts = [self.private, self.shared];
        let odd = |start: u64| (start + 4096..start + 2 * WRITTEN).step_by(8192);
        let addresses: Vec<u64> = starts.into_iter().flat_map(odd).collect();
        for _ in 0..READINGS {
            self.process.resume();
            let process = system.process(self.process.id()).unwrap();
            for options in [
                WorkingSetOptions::new().without_share_counts(),
                WorkingSetOptions::new().with_private_share_counts(),
            ] {
                let set = process
                    .working_set_with(&options, |_| ControlFlow::Continue(()))
                    .unwrap();
                let totals = |start| {
                    let mut mappings = set.totals_by_mapping();
                    let mapping = mappings.find(|(mapping, _)| mapping.start == start);
                    mapping.unwrap().1
                };
                check(&totals(self.private), &totals(self.shared));
            }
            let pages = process.query_pages(&addresses).unwrap();
            let present = PageAttributes::RESIDENT | PageAttributes::SWAPPED;
            let is_present = |page: &&PageInfo| page.attributes.intersects(present);
            assert_eq!(pages.iter().filter(is_present).count(), addresses.len());
        }
    }
}

/// Runs a closure without the privilege to see frames and swap types.
fn without_types(run: impl FnOnce() + Send) {
    let capabilities = CapabilitySet::SYS_PTRACE | CapabilitySet::DAC_READ_SEARCH;
    with_capabilities(capabilities, run);
}

fn check_all(private: &PageTotals, shared: &PageTotals) {
    assert_eq!((private.private, private.file), (WRITTEN, 0));
    assert_eq!((shared.private, shared.file), (0, WRITTEN));
    assert_eq!((private.swapped, shared.swapped), (Some(0), Some(0)));
}

#[test]
fn moving_pages_are_resident() {
    let _lock = MachineLock::acquire();
    while_pages_move(|subject| {
        for (interface, system) in interfaces::page_interfaces() {
            eprintln!("by {interface}");
            subject.read(&system, check_all);
            eprintln!("by {interface}, without swap types");
            without_types(|| subject.read(&system, check_all));
        }
    });
}

/// Without swap types, a page that moves for long looks like one in the page file.
#[test]
fn moving_pages_are_present_beside_swap() {
    let _lock = MachineLock::acquire();
    let Some(_swap) = Swap::on(16 << 20) else {
        return skip("cannot add a page file: needs root, zram and util-linux");
    };
    while_pages_move(|subject| {
        for (interface, system) in interfaces::page_interfaces() {
            eprintln!("by {interface}");
            subject.read(&system, check_all);
            eprintln!("by {interface}, without swap types");
            without_types(|| {
                subject.read(&system, |private, shared| {
                    assert_eq!(private.private + private.swapped.unwrap(), WRITTEN);
                    assert_eq!((shared.private, shared.file), (0, WRITTEN));
                });
            });
        }
    });
}
