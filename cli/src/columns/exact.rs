//! Exact shares of memory, of the *exact* tier: never read unless chosen.

use psapi::{ExactMemory, Fields};

use super::{ProcessColumn, bytes};
use crate::output::{Shape, Value};

pub fn columns<'a>() -> Vec<ProcessColumn<'a>> {
    macro_rules! size {
        ($key:literal, $title:literal, $field:literal, $about:literal, $value:expr) => {
            ProcessColumn::new(
                Fields::EXACT,
                Shape::Number,
                ($key, $title, $field),
                $about,
                |row| row.exact(|exact: &ExactMemory| $value(exact)),
            )
        };
    }
    type Exact = ExactMemory;
    vec![
        size!(
            "pss",
            "PSS",
            "pss_bytes",
            "proportional set: shared pages divided by their sharers",
            |e: &Exact| Value::Bytes(e.pss)
        ),
        size!(
            "uss",
            "USS",
            "uss_bytes",
            "unique set: what would come free if it ended",
            |e: &Exact| Value::Bytes(e.uss)
        ),
        size!(
            "pssanon",
            "PSSANON",
            "pss_anon_bytes",
            "of the PSS, private memory",
            |e: &Exact| { bytes(e.pss_anon) }
        ),
        size!(
            "pssfile",
            "PSSFILE",
            "pss_file_bytes",
            "of the PSS, pages of files",
            |e: &Exact| { bytes(e.pss_file) }
        ),
        size!(
            "pssshmem",
            "PSSSHMEM",
            "pss_shmem_bytes",
            "of the PSS, shared memory",
            |e: &Exact| { bytes(e.pss_shmem) }
        ),
        size!(
            "shared",
            "SHARED",
            "shared_bytes",
            "resident pages that others map, too",
            |e: &Exact| { Value::Bytes(e.shared) }
        ),
        size!(
            "dirty",
            "DIRTY",
            "private_dirty_bytes",
            "resident pages that were changed and are nobody else's",
            |e: &Exact| Value::Bytes(e.private_dirty)
        ),
        size!(
            "referenced",
            "REFERENCED",
            "referenced_bytes",
            "resident pages that were used recently",
            |e: &Exact| Value::Bytes(e.referenced)
        ),
        size!(
            "lazyfree",
            "LAZYFREE",
            "lazy_free_bytes",
            "pages given back that the kernel has not taken yet",
            |e: &Exact| bytes(e.lazy_free)
        ),
        size!(
            "thp",
            "THP",
            "anon_huge_pages_bytes",
            "transparent huge pages of private memory",
            |e: &Exact| Value::Bytes(e.anon_huge_pages)
        ),
        size!(
            "swappss",
            "SWAPPSS",
            "swap_pss_bytes",
            "memory in page files, divided by its sharers",
            |e: &Exact| Value::Bytes(e.swap_pss)
        ),
    ]
}
