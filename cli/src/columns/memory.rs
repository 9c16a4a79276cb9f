//! Memory counters, from the *status* tier.

use psapi::Fields;

use super::process::{ProcessColumn, ProcessRow, tier};
use crate::output::{Part, Value, columns};
use crate::sys::texts;

/// Returns the working set as a bar, for tables with enough room.
pub fn bar<'a>() -> Vec<ProcessColumn<'a>> {
    let mut columns = columns! { row: ProcessRow<'a>;
        "" "" "" Word: row.bar(), priority 0;
    };
    for column in &mut columns {
        column.title = texts::BAR;
    }
    tier(Fields::MEMORY, columns)
}

impl ProcessRow<'_> {
    fn bar(&self) -> Value<'_> {
        self.memory(|memory| {
            let share = |bytes: u64| bytes as f64 / self.full_bar.max(1) as f64;
            // Without its parts, the working set is one segment.
            let Some(private) = memory.rss_anon else {
                return Value::Bar(vec![(Part::Private, share(memory.working_set))]);
            };
            Value::Bar(vec![
                (Part::Private, share(private)),
                (Part::Shared, share(memory.rss_shmem.unwrap_or(0))),
                (Part::Files, share(memory.rss_file.unwrap_or(0))),
            ])
        })
    }
}

pub fn columns<'a>() -> Vec<ProcessColumn<'a>> {
    tier(
        Fields::MEMORY,
        columns! { row: ProcessRow<'a>;
            "ws" | "rss" | "rssize" | "wset" "WSET" "working_set_bytes" Number: row.memory(|memory| Value::Bytes(memory.working_set)), "memory in RAM now: VmRSS", priority 8;
            "peak"             "PEAK"      "peak_working_set_bytes"  Number: row.memory(|memory| Value::Bytes(memory.peak_working_set)), "largest working set so far: VmHWM";
            "commit" | "private" "COMMIT"  "commit_bytes"            Number: row.memory(|memory| Value::Bytes(memory.commit)), "private writable memory, touched or not: VmData + VmStk", priority 6;
            "swap"             "SWAP"      "swap_bytes"              Number: row.memory(|memory| Value::bytes(memory.swap)), "private memory in page files: VmSwap";
            "anon"             "ANON"      "rss_anon_bytes"          Number: row.memory(|memory| Value::bytes(memory.rss_anon)), "private memory in the working set: RssAnon";
            "file"             "FILE"      "rss_file_bytes"          Number: row.memory(|memory| Value::bytes(memory.rss_file)), "pages backed by files in the working set: RssFile";
            "shmem"            "SHMEM"     "rss_shmem_bytes"         Number: row.memory(|memory| Value::bytes(memory.rss_shmem)), "shared memory in the working set: RssShmem";
            "vsize" | "vsz"    "VSIZE"     "virtual_size_bytes"      Number: row.memory(|memory| Value::Bytes(memory.virtual_size)), "total size of all mappings: VmSize";
            "peakvsize"        "PEAKVSIZE" "peak_virtual_size_bytes" Number: row.memory(|memory| Value::Bytes(memory.peak_virtual_size)), "largest total size of all mappings so far: VmPeak";
            "locked"           "LOCKED"    "locked_bytes"            Number: row.memory(|memory| Value::bytes(memory.locked)), "locked in RAM by mlock: VmLck";
            "pinned"           "PINNED"    "pinned_bytes"            Number: row.memory(|memory| Value::bytes(memory.pinned)), "pinned for devices: VmPin";
            "hugetlb"          "HUGETLB"   "hugetlb_bytes"           Number: row.memory(|memory| Value::bytes(memory.hugetlb)), "hugetlb pages in use, not part of the working set: HugetlbPages";
            "pte"              "PTE"       "page_tables_bytes"       Number: row.memory(|memory| Value::bytes(memory.page_tables)), "page tables: VmPTE";
            "nonpaged"         "NONPAGED"  "nonpaged_pool_bytes"     Number: row.memory(|memory| Value::bytes(memory.nonpaged_pool)), "kernel memory used for the process: page tables and kernel stacks";
        },
    )
}
