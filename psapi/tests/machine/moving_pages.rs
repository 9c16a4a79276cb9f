//! Pages that the kernel moves to other frames (memory compaction) while they are read.

use std::fs;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use psapi::{PageAttributes, PageTotals, System, WorkingSetOptions};

use rustix::thread::CapabilitySet;
use testing::machine::MachineLock;
use testing::privilege::{is_root, with_capabilities};
use testing::{Program, TestProcess, interfaces, programs, skip};

const COMPACT: &str = "/proc/sys/vm/compact_memory";

/// What the program keeps in each of its two mappings.
const WRITTEN: u64 = 8 << 20;

/// Compacts memory over and over while a closure runs. Returns the number of pages that moved.
fn while_pages_move(run: impl FnOnce()) -> u64 {
    let before = moved_pages();
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                fs::write(COMPACT, "1").unwrap();
            }
        });
        // Ends the thread even if the closure panics.
        let _done = SetOnDrop(&is_done);
        run();
    });
    moved_pages() - before
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
        let addresses: Vec<u64> = process
            .line
            .split(' ')
            .map(|at| at.parse().unwrap())
            .collect();
        Subject {
            process,
            private: addresses[0],
            shared: addresses[1],
        }
    }

    /// Reads the pages of both mappings many times, as working sets and one by one.
    fn read(&mut self, system: &System, check: impl Fn(&str, &PageTotals, &PageTotals)) {
        let starts = [self.private, self.shared];
        let odd = |start: u64| (start + 4096..start + 2 * WRITTEN).step_by(8192);
        let addresses: Vec<u64> = starts.into_iter().flat_map(odd).collect();
        let readings = [
            (
                "without counts",
                WorkingSetOptions::new().without_share_counts(),
            ),
            (
                "with counts",
                WorkingSetOptions::new().with_private_share_counts(),
            ),
        ];
        for _ in 0..30 {
            self.process.resume();
            let process = system.process(self.process.id()).unwrap();
            for (name, options) in &readings {
                let set = process
                    .working_set_with(options, |_| ControlFlow::Continue(()))
                    .unwrap();
                let totals = |start| {
                    let mut mappings = set.totals_by_mapping();
                    mappings
                        .find(|(mapping, _)| mapping.start == start)
                        .unwrap()
                        .1
                };
                check(name, &totals(self.private), &totals(self.shared));
            }
            let pages = process.query_pages(&addresses).unwrap();
            let is_there = |page: &&psapi::PageInfo| {
                let present = PageAttributes::RESIDENT | PageAttributes::SWAPPED;
                page.attributes.intersects(present)
            };
            assert_eq!(pages.iter().filter(is_there).count(), addresses.len());
        }
    }
}

fn check_all(name: &str, private: &PageTotals, shared: &PageTotals) {
    assert_eq!(
        (private.private, private.file),
        (WRITTEN, 0),
        "{name}: private memory"
    );
    assert_eq!(
        (shared.private, shared.file),
        (0, WRITTEN),
        "{name}: shared memory"
    );
}

#[test]
fn moving_pages_are_resident() {
    let _lock = MachineLock::acquire();
    if !is_root() || !fs::exists(COMPACT).unwrap() {
        return skip("cannot compact memory: needs root and CONFIG_COMPACTION");
    }
    let mut subject = Subject::start(&Program::compile(programs::MEMORY_IN_NEW_FRAMES, &[]));
    let moved = while_pages_move(|| {
        for (interface, system) in interfaces::page_interfaces() {
            eprintln!("by {interface}");
            subject.read(&system, check_all);
            // Without CAP_SYS_ADMIN, the kernel hides frames and swap types.
            let without_types = CapabilitySet::SYS_PTRACE | CapabilitySet::DAC_READ_SEARCH;
            with_capabilities(without_types, || subject.read(&system, check_all));
        }
    });
    assert!(moved > 0, "compaction moved no page");
}
