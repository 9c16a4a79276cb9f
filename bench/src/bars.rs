//! What is measured, against what, and the bars: everything that a new workload has to be added to.

use serde::{Deserialize, Serialize};

use crate::measure::Figure;
use crate::workloads::{
    Stage, c_library, capture, command, ids, mapped, modules, room, system_calls, watch,
    working_set,
};

pub struct Workload {
    /// What the command line calls it.
    pub name: &'static str,
    pub what: &'static str,
    pub unit: Unit,
    pub run: fn(&Stage) -> anyhow::Result<Vec<Figure>>,
    pub rows: &'static [Row],
}

/// A line of the table: this library against someone, or alone.
pub struct Row {
    pub against: Option<Against>,
    pub bar: Bar,
}

pub struct Against {
    /// A contestant's name.
    pub contestant: &'static str,
    pub described: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    Seconds,
    Bytes,
    Count,
}

/// What this library has to reach.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Bar {
    /// At most so many times the other's figure.
    Times(f64),
    /// At most this figure.
    AtMost(f64),
    /// Nothing; shown for information.
    Shown,
}

const fn against(contestant: &'static str, described: &'static str, bar: Bar) -> Row {
    Row {
        against: Some(Against {
            contestant,
            described,
        }),
        bar,
    }
}

const fn alone(bar: Bar) -> Row {
    Row { against: None, bar }
}

const PS: &str = "ps -e -o pid,ppid,rss,vsz,…";

const RUST: &str = "the Rust call";

const SCAN: &str = "bare PAGEMAP_SCAN of the mappings";

pub const WORKLOADS: &[Workload] = &[
    Workload {
        name: "capture",
        what: "capture of ids, faults, working sets and peaks, 5,000 processes",
        unit: Unit::Seconds,
        run: capture::run,
        rows: &[
            against("bare", "bare open/read/close", Bar::Times(1.15)),
            against("procfs", "procfs, same fields", Bar::Times(0.65)),
            against("sysinfo", "sysinfo, memory only", Bar::Shown),
        ],
    },
    Workload {
        name: "ids",
        what: "ids only, 5,000 processes",
        unit: Unit::Seconds,
        run: ids::run,
        rows: &[
            against("bare", "bare getdents64, 256 KiB", Bar::Times(1.2)),
            against("procfs", "procfs", Bar::Shown),
        ],
    },
    Workload {
        name: "modules",
        what: "modules with names and sizes, 400+ libraries",
        unit: Unit::Seconds,
        run: modules::run,
        rows: &[against(
            "procfs",
            "procfs, listing the maps",
            Bar::Times(0.5),
        )],
    },
    Workload {
        name: "mapped",
        what: "mapped file by address, process open",
        unit: Unit::Seconds,
        run: mapped::run,
        rows: &[alone(Bar::AtMost(1e-6))],
    },
    Workload {
        name: "allocations",
        what: "allocations of a repeated capture, 5,000 processes",
        unit: Unit::Count,
        run: room::allocations,
        rows: &[alone(Bar::AtMost(0.0))],
    },
    Workload {
        name: "peak",
        what: "peak memory over the empty program, 5,000 processes",
        unit: Unit::Bytes,
        run: room::peak,
        rows: &[alone(Bar::AtMost(8.0 * 1024.0 * 1024.0))],
    },
    Workload {
        name: "command",
        what: "psapi ps to a pipe, 5,000 processes",
        unit: Unit::Seconds,
        run: command::usual,
        rows: &[against("ps", PS, Bar::Times(0.6))],
    },
    Workload {
        name: "columns",
        what: "psapi ps with the same columns as ps, to a pipe, 5,000 processes",
        unit: Unit::Seconds,
        run: command::same_columns,
        rows: &[against("ps", PS, Bar::Times(0.6))],
    },
    Workload {
        name: "system-calls",
        what: "system calls a process of a capture",
        unit: Unit::Count,
        run: system_calls::run,
        rows: &[alone(Bar::Shown)],
    },
    Workload {
        name: "working-set",
        what: "working set, 4 GiB of private 4 KiB pages, all attributes",
        unit: Unit::Seconds,
        run: working_set::small,
        rows: &[against("scan", SCAN, Bar::Times(1.3))],
    },
    Workload {
        name: "working-set-huge",
        what: "working set, 4 GiB of private 2 MiB pages, all attributes",
        unit: Unit::Seconds,
        run: working_set::huge,
        rows: &[against("scan", SCAN, Bar::Times(2.0))],
    },
    Workload {
        name: "working-set-shared",
        what: "working set with share counts, 1 GiB shared by four processes",
        unit: Unit::Seconds,
        run: working_set::shared,
        rows: &[
            against(
                "pages",
                "pagemap and kpagecount page by page",
                Bar::Times(0.2),
            ),
            against("bulk", "bulk reads of both", Bar::Times(1.3)),
        ],
    },
    Workload {
        name: "working-set-peak",
        what: "peak memory for a working set, 4 GiB in one mapping",
        unit: Unit::Bytes,
        run: working_set::room,
        rows: &[alone(Bar::AtMost(1024.0 * 1024.0))],
    },
    Workload {
        name: "working-set-run",
        what: "memory for a run of a working set, every other page resident",
        unit: Unit::Bytes,
        run: working_set::room_of_a_run,
        rows: &[alone(Bar::AtMost(24.0))],
    },
    Workload {
        name: "query",
        what: "query of 1,000,000 addresses in no order, within 4 GiB of 4 KiB pages",
        unit: Unit::Seconds,
        run: working_set::query,
        rows: &[against(
            "pread",
            "a pread of pagemap an address",
            Bar::Times(0.25),
        )],
    },
    Workload {
        name: "watch",
        what: "a program that touches 1 GiB page by page, watched; elapsed, by its own clock",
        unit: Unit::Seconds,
        run: watch::overhead,
        rows: &[against("unwatched", "the same, unwatched", Bar::Times(1.1))],
    },
    Workload {
        name: "watch-lost",
        what: "faults lost of 11 such programs, default buffer, a reader that keeps up",
        unit: Unit::Count,
        run: watch::lost,
        rows: &[alone(Bar::AtMost(0.0))],
    },
    Workload {
        name: "watch-stopped",
        what: "faults neither delivered nor lost, counted by the kernel: reader stopped",
        unit: Unit::Count,
        run: watch::stopped,
        rows: &[alone(Bar::AtMost(0.0))],
    },
    Workload {
        name: "watch-threads",
        what: "the same: 64 threads",
        unit: Unit::Count,
        run: watch::threads,
        rows: &[alone(Bar::AtMost(0.0))],
    },
    Workload {
        name: "watch-later",
        what: "the same: 64 threads that start during the watch",
        unit: Unit::Count,
        run: watch::later,
        rows: &[alone(Bar::AtMost(0.0))],
    },
    Workload {
        name: "c-memory",
        what: "GetProcessMemoryInfo on an open handle",
        unit: Unit::Seconds,
        run: c_library::memory,
        rows: &[against("rust", RUST, Bar::Times(1.1))],
    },
    Workload {
        name: "c-ids",
        what: "EnumProcesses, 5,000 processes",
        unit: Unit::Seconds,
        run: c_library::processes,
        rows: &[against("rust", RUST, Bar::Times(1.1))],
    },
    Workload {
        name: "c-working-set",
        what: "QueryWorkingSet into a large enough buffer, 1 GiB resident",
        unit: Unit::Seconds,
        run: c_library::working_set,
        rows: &[against("rust", RUST, Bar::Times(1.5))],
    },
    Workload {
        name: "c-size",
        what: "libpsapi.so, stripped",
        unit: Unit::Bytes,
        run: c_library::size,
        rows: &[alone(Bar::AtMost(1024.0 * 1024.0))],
    },
    Workload {
        name: "c-random-descriptors",
        what: "1,000,000 random calls of all exports: descriptors leaked, none if it does not crash",
        unit: Unit::Count,
        run: c_library::leaked_descriptors,
        rows: &[alone(Bar::AtMost(0.0))],
    },
    Workload {
        name: "c-random-memory",
        what: "the same: growth of private memory after the first tenth",
        unit: Unit::Bytes,
        run: c_library::leaked_memory,
        rows: &[alone(Bar::AtMost(1024.0 * 1024.0))],
    },
];
