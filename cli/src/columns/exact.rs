//! Exact shares of memory, from the *exact* tier: read only if chosen, because the kernel walks the
//! page tables of the process for them.

use psapi::Fields;

use super::process::{ProcessColumn, ProcessRow, tier};
use crate::output::{Value, columns};

/// The columns whose values can be added up, because no two processes count the same memory.
const ADD_UP: [&str; 7] = [
    "pss", "uss", "pssanon", "pssfile", "pssshmem", "dirty", "swappss",
];

pub fn columns<'a>() -> Vec<ProcessColumn<'a>> {
    let mut columns = tier(
        Fields::EXACT,
        columns! { row: ProcessRow<'a>;
            "pss"        "PSS"        "pss_bytes"             Number: row.exact(|exact| Value::Bytes(exact.pss)), "proportional set size: a page that N processes share counts as 1/N", priority 7;
            "uss"        "USS"        "uss_bytes"             Number: row.exact(|exact| Value::Bytes(exact.uss)), "unique set size: memory that ending the process would free", priority 7;
            "pssanon"    "PSSANON"    "pss_anon_bytes"        Number: row.exact(|exact| Value::bytes(exact.pss_anon)), "private memory in the PSS";
            "pssfile"    "PSSFILE"    "pss_file_bytes"        Number: row.exact(|exact| Value::bytes(exact.pss_file)), "pages backed by files in the PSS";
            "pssshmem"   "PSSSHMEM"   "pss_shmem_bytes"       Number: row.exact(|exact| Value::bytes(exact.pss_shmem)), "shared memory in the PSS";
            "shared"     "SHARED"     "shared_bytes"          Number: row.exact(|exact| Value::Bytes(exact.shared)), "resident pages that other processes also map";
            "dirty"      "DIRTY"      "private_dirty_bytes"   Number: row.exact(|exact| Value::Bytes(exact.private_dirty)), "modified resident pages that no other process maps";
            "referenced" "REFERENCED" "referenced_bytes"      Number: row.exact(|exact| Value::Bytes(exact.referenced)), "resident pages that were accessed recently";
            "lazyfree"   "LAZYFREE"   "lazy_free_bytes"       Number: row.exact(|exact| Value::bytes(exact.lazy_free)), "pages released with MADV_FREE that the kernel has not reclaimed yet";
            "thp"        "THP"        "anon_huge_pages_bytes" Number: row.exact(|exact| Value::Bytes(exact.anon_huge_pages)), "private memory in transparent huge pages";
            "swappss"    "SWAPPSS"    "swap_pss_bytes"        Number: row.exact(|exact| Value::Bytes(exact.swap_pss)), "memory in page files: a page that N processes share counts as 1/N";
        },
    );
    for column in &mut columns {
        column.adds_up = ADD_UP.contains(&column.column.key);
    }
    columns
}
