//! Memory counters, of the *status* tier.

use psapi::{Fields, MemoryCounters};

use super::{ProcessColumn, bytes};
use crate::output::{Part, Shape, Value};

/// The working set as a bar, for tables that have room for one.
pub fn bar<'a>() -> ProcessColumn<'a> {
    ProcessColumn::new(
        Fields::MEMORY,
        Shape::Word,
        ("", "█ private ▓ shared ░ files", ""),
        "",
        |row| {
            row.memory(|memory| {
                let share = |bytes: u64| bytes as f64 / row.full_bar.max(1) as f64;
                Value::Bar(vec![
                    (Part::Private, share(memory.rss_anon)),
                    (Part::Shared, share(memory.rss_shmem)),
                    (Part::Files, share(memory.rss_file)),
                ])
            })
        },
    )
}

pub fn columns<'a>() -> Vec<ProcessColumn<'a>> {
    macro_rules! size {
        ($key:literal, $title:literal, $field:literal, $about:literal, $value:expr) => {
            ProcessColumn::new(
                Fields::MEMORY,
                Shape::Number,
                ($key, $title, $field),
                $about,
                |row| row.memory(|memory: &MemoryCounters| $value(memory)),
            )
        };
    }
    type Memory = MemoryCounters;
    vec![
        size!(
            "ws",
            "WSET",
            "working_set_bytes",
            "in RAM now: VmRSS",
            |m: &Memory| { Value::Bytes(m.working_set) }
        )
        .or(&["rss", "rssize", "wset"]),
        size!(
            "peak",
            "PEAK",
            "peak_working_set_bytes",
            "the most that was ever in RAM: VmHWM",
            |m: &Memory| Value::Bytes(m.peak_working_set)
        ),
        size!(
            "commit",
            "COMMIT",
            "commit_bytes",
            "private writable memory, touched or not: VmData + VmStk",
            |m: &Memory| Value::Bytes(m.commit)
        )
        .or(&["private"]),
        size!(
            "swap",
            "SWAP",
            "swap_bytes",
            "moved to a page file: VmSwap",
            |m: &Memory| { Value::Bytes(m.swap) }
        ),
        size!(
            "anon",
            "ANON",
            "rss_anon_bytes",
            "of the working set, private memory: RssAnon",
            |m: &Memory| Value::Bytes(m.rss_anon)
        ),
        size!(
            "file",
            "FILE",
            "rss_file_bytes",
            "of the working set, pages of files: RssFile",
            |m: &Memory| Value::Bytes(m.rss_file)
        ),
        size!(
            "shmem",
            "SHMEM",
            "rss_shmem_bytes",
            "of the working set, shared memory: RssShmem",
            |m: &Memory| Value::Bytes(m.rss_shmem)
        ),
        size!(
            "vsize",
            "VSIZE",
            "virtual_size_bytes",
            "all mappings together: VmSize",
            |m: &Memory| Value::Bytes(m.virtual_size)
        )
        .or(&["vsz"]),
        size!(
            "peakvsize",
            "PEAKVSIZE",
            "peak_virtual_size_bytes",
            "the most that all mappings ever took: VmPeak",
            |m: &Memory| Value::Bytes(m.peak_virtual_size)
        ),
        size!(
            "locked",
            "LOCKED",
            "locked_bytes",
            "kept in RAM by mlock: VmLck",
            |m: &Memory| { Value::Bytes(m.locked) }
        ),
        size!(
            "pinned",
            "PINNED",
            "pinned_bytes",
            "pinned for devices: VmPin",
            |m: &Memory| { Value::Bytes(m.pinned) }
        ),
        size!(
            "hugetlb",
            "HUGETLB",
            "hugetlb_bytes",
            "hugetlb pages in use, which the working set leaves out: HugetlbPages",
            |m: &Memory| bytes(m.hugetlb)
        ),
        size!(
            "pte",
            "PTE",
            "page_tables_bytes",
            "page tables: VmPTE",
            |m: &Memory| { Value::Bytes(m.page_tables) }
        ),
        size!(
            "nonpaged",
            "NONPAGED",
            "nonpaged_pool_bytes",
            "kernel memory held for it: page tables and kernel stacks",
            |m: &Memory| bytes(m.nonpaged_pool)
        ),
    ]
}
