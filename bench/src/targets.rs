//! The table of the benchmark: workloads, baselines and targets. A new workload is added here.

use serde::{Deserialize, Serialize};

use crate::fixtures::Fixtures;
use crate::measure::Figure;
use crate::workloads::{
    c_library, capture, command, ids, mapped, memory, modules, system_calls, watch, working_set,
};

/// A measurement, which fills some rows of the table.
pub struct Workload {
    /// The name on the command line.
    pub name: &'static str,
    pub description: &'static str,
    pub unit: Unit,
    pub run: fn(&Fixtures) -> anyhow::Result<Vec<Figure>>,
    pub rows: &'static [Row],
}

/// A row of the table: this library, with or without a baseline.
pub struct Row {
    pub baseline: Option<Baseline>,
    pub target: Target,
    pub cause: Option<Cause>,
}

/// Another way to do the same task.
pub struct Baseline {
    /// The name of a candidate of the workload.
    pub candidate: &'static str,
    pub label: &'static str,
}

/// A property of the machine on which the ratio depends, measured in the same run.
#[derive(Clone, Copy)]
pub struct Cause {
    /// The name of a figure of the workload.
    pub figure: &'static str,
    pub label: &'static str,
    pub unit: Unit,
}

/// The unit of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    Seconds,
    Bytes,
    Count,
}

/// The figure that this library has to reach.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Target {
    /// At most this multiple of the baseline's figure.
    Times(f64),
    /// At most this figure.
    AtMost(f64),
    /// None: the row is for information.
    None,
}

const fn against(candidate: &'static str, label: &'static str, target: Target) -> Row {
    Row {
        baseline: Some(Baseline { candidate, label }),
        target,
        cause: None,
    }
}

const fn alone(target: Target) -> Row {
    Row {
        baseline: None,
        target,
        cause: None,
    }
}

impl Row {
    const fn depends_on(self, cause: Cause) -> Self {
        Row {
            cause: Some(cause),
            ..self
        }
    }
}

const PS: &str = "ps -e -o pid,ppid,rss,vsz,…";

const RUST: &str = "the Rust call";

const SCAN: &str = "bare PAGEMAP_SCAN of the mappings";

pub const WORKLOADS: &[Workload] = &[
    Workload {
        name: "capture",
        description: "capture of ids, faults, working sets and peaks, 5,000 processes",
        unit: Unit::Seconds,
        run: capture::run,
        rows: &[
            against("bare", "bare open/read/close", Target::Times(1.15)),
            against("procfs", "procfs, same fields", Target::Times(0.65)),
            against("sysinfo", "sysinfo, memory only", Target::None),
        ],
    },
    Workload {
        name: "ids",
        description: "ids only, 5,000 processes",
        unit: Unit::Seconds,
        run: ids::run,
        rows: &[
            against("bare", "bare getdents64, 256 KiB", Target::Times(1.2)),
            against("procfs", "procfs", Target::None),
        ],
    },
    Workload {
        name: "modules",
        description: "modules with names and sizes, 400+ libraries",
        unit: Unit::Seconds,
        run: modules::run,
        rows: &[against(
            "procfs",
            "procfs, listing the maps",
            Target::Times(0.5),
        )],
    },
    Workload {
        name: "mapped",
        description: "mapped file by address, in an open process",
        unit: Unit::Seconds,
        run: mapped::run,
        rows: &[alone(Target::AtMost(1e-6))],
    },
    Workload {
        name: "allocations",
        description: "allocations of a repeated capture, 5,000 processes",
        unit: Unit::Count,
        run: memory::allocations,
        rows: &[alone(Target::AtMost(0.0))],
    },
    Workload {
        name: "peak",
        description: "peak memory of a capture above an empty program's, 5,000 processes",
        unit: Unit::Bytes,
        run: memory::peak,
        rows: &[alone(Target::AtMost(8.0 * 1024.0 * 1024.0))],
    },
    Workload {
        name: "command",
        description: "psapi ps to a pipe, 5,000 processes",
        unit: Unit::Seconds,
        run: command::default_columns,
        rows: &[against("ps", PS, Target::Times(0.6))],
    },
    Workload {
        name: "columns",
        description: "psapi ps with the same columns as ps, to a pipe, 5,000 processes",
        unit: Unit::Seconds,
        run: command::same_columns,
        rows: &[against("ps", PS, Target::Times(0.6))],
    },
    Workload {
        name: "system-calls",
        description: "system calls per process in a capture",
        unit: Unit::Count,
        run: system_calls::run,
        rows: &[alone(Target::None)],
    },
    Workload {
        name: "working-set",
        description: "working set, 4 GiB of private 4 KiB pages, all attributes",
        unit: Unit::Seconds,
        run: working_set::small,
        rows: &[against("scan", SCAN, Target::Times(1.3))],
    },
    Workload {
        name: "working-set-huge",
        description: "working set, 4 GiB of private 2 MiB pages, all attributes",
        unit: Unit::Seconds,
        run: working_set::huge,
        rows: &[against("scan", SCAN, Target::Times(2.0))],
    },
    Workload {
        name: "working-set-shared",
        description: "working set with share counts, 1 GiB shared by four processes",
        unit: Unit::Seconds,
        run: working_set::shared,
        rows: &[
            against(
                "pages",
                "pagemap and kpagecount page by page",
                Target::Times(0.2),
            )
            .depends_on(Cause {
                figure: "frames",
                label: "adjacent frames per bulk read of kpagecount",
                unit: Unit::Count,
            }),
            against("bulk", "bulk reads of both", Target::Times(1.3)),
        ],
    },
    Workload {
        name: "working-set-peak",
        description: "peak memory for a working set, 4 GiB in one mapping",
        unit: Unit::Bytes,
        run: working_set::peak_memory,
        rows: &[alone(Target::AtMost(1024.0 * 1024.0))],
    },
    Workload {
        name: "working-set-run",
        description: "memory per run of a working set, every other page resident",
        unit: Unit::Bytes,
        run: working_set::memory_of_a_run,
        rows: &[alone(Target::AtMost(24.0))],
    },
    Workload {
        name: "query",
        description: "query of 1,000,000 random addresses in 4 GiB of 4 KiB pages",
        unit: Unit::Seconds,
        run: working_set::query,
        rows: &[against(
            "pread",
            "one pread of pagemap per address",
            Target::Times(0.25),
        )],
    },
    Workload {
        name: "watch",
        description: "elapsed time of a watched program that touches 1 GiB page by page",
        unit: Unit::Seconds,
        run: watch::overhead,
        rows: &[against(
            "unwatched",
            "the same program, unwatched",
            Target::Times(1.1),
        )
        .depends_on(Cause {
            figure: "empty record",
            label: "cost of recording a fault without any field",
            unit: Unit::Seconds,
        })],
    },
    Workload {
        name: "watch-lost",
        description: "faults lost in 11 such runs, default buffer, active reader",
        unit: Unit::Count,
        run: watch::lost,
        rows: &[alone(Target::AtMost(0.0))],
    },
    Workload {
        name: "watch-stopped",
        description: "unreported faults (counted by the kernel, neither delivered nor lost), stopped reader",
        unit: Unit::Count,
        run: watch::stopped,
        rows: &[alone(Target::AtMost(0.0))],
    },
    Workload {
        name: "watch-threads",
        description: "unreported faults, 64 threads",
        unit: Unit::Count,
        run: watch::threads,
        rows: &[alone(Target::AtMost(0.0))],
    },
    Workload {
        name: "watch-later",
        description: "unreported faults, 64 threads that start during the watch",
        unit: Unit::Count,
        run: watch::later,
        rows: &[alone(Target::AtMost(0.0))],
    },
    Workload {
        name: "c-memory",
        description: "GetProcessMemoryInfo on an open handle",
        unit: Unit::Seconds,
        run: c_library::memory,
        rows: &[against("rust", RUST, Target::Times(1.1))],
    },
    Workload {
        name: "c-ids",
        description: "EnumProcesses, 5,000 processes",
        unit: Unit::Seconds,
        run: c_library::processes,
        rows: &[against("rust", RUST, Target::Times(1.1))],
    },
    Workload {
        name: "c-working-set",
        description: "QueryWorkingSet into a large enough buffer, 1 GiB resident",
        unit: Unit::Seconds,
        run: c_library::working_set,
        rows: &[against("rust", RUST, Target::Times(1.5))],
    },
    Workload {
        name: "c-size",
        description: "libpsapi.so, stripped",
        unit: Unit::Bytes,
        run: c_library::size,
        rows: &[alone(Target::AtMost(1024.0 * 1024.0))],
    },
    Workload {
        name: "c-random-descriptors",
        description: "descriptors leaked by 100,000 random calls of all exports",
        unit: Unit::Count,
        run: c_library::leaked_descriptors,
        rows: &[alone(Target::AtMost(0.0))],
    },
    Workload {
        name: "c-random-memory",
        description: "growth of private memory in the last 90,000 of these calls",
        unit: Unit::Bytes,
        run: c_library::leaked_memory,
        rows: &[alone(Target::AtMost(1024.0 * 1024.0))],
    },
];
