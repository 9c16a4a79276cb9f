//! Columns of page totals, for rows of any type that have them.

use psapi::PageTotals;

use crate::output::{Column, Value, columns};

/// A row with page totals.
pub trait HasTotals {
    fn totals(&self) -> &PageTotals;
}

/// Returns the columns that every table has.
pub fn main_columns<Row: HasTotals>() -> Vec<Column<Row>> {
    columns! { row: Row;
        "resident" "RESIDENT" "resident_bytes" Number: Value::Bytes(row.totals().resident), "in RAM, except zero pages", priority 8;
        "private"  "PRIVATE"  "private_bytes"  Number: Value::Bytes(row.totals().private), "resident private pages", priority 7;
        "file"     "FILE"     "file_bytes"     Number: Value::Bytes(row.totals().file), "resident pages backed by files, and shared memory", priority 6;
    }
}

/// Returns the columns that a table omits if they are 0 in every row.
pub fn further_columns<Row: HasTotals>() -> Vec<Column<Row>> {
    columns! { row: Row;
        "exclusive" "EXCLUSIVE"  "mapped_once_bytes" Number: Value::bytes(row.totals().shares.exclusive()), "resident pages mapped only once", priority 4;
        "shared"    "SHARED"     "shared_bytes"      Number: Value::bytes(row.totals().shares.shared()), "resident pages mapped more than once", priority 4;
        "huge"      "HUGE"       "huge_bytes"        Number: Value::bytes(row.totals().huge), "resident parts of huge pages";
        "locked"    "LOCKED"     "locked_bytes"      Number: Value::Bytes(row.totals().locked), "resident pages locked in memory";
        "dirty"     "SOFT-DIRTY" "soft_dirty_bytes"  Number: Value::bytes(row.totals().soft_dirty), "resident pages written since clear_refs";
        "bad"       "BAD"        "bad_bytes"         Number: Value::bytes(row.totals().bad), "resident pages with a memory error";
        "zero"      "ZERO"       "zero_bytes"        Number: Value::bytes(row.totals().zero), "the shared zero page, not counted in working sets";
        "hugetlb"   "HUGETLB"    "hugetlb_bytes"     Number: Value::Bytes(row.totals().hugetlb), "hugetlb pages, not counted in working sets";
        "special"   "SPECIAL"    "special_bytes"     Number: Value::bytes(row.totals().special), "device memory, not counted in working sets";
        "swapped"   "SWAPPED"    "swapped_bytes"     Number: Value::bytes(row.totals().swapped), "in a page file";
        "guard"     "GUARD"      "guard_bytes"       Number: Value::bytes(row.totals().guard), "guard regions, which occupy no memory";
    }
}

/// Returns the columns for sizes by the number of mappings. A table has all sizes in one column;
/// JSON and CSV have a field for each.
pub fn share_columns<Row: HasTotals>() -> Vec<Column<Row>> {
    columns! { row: Row;
        "" "MAPPED" ""                 Word:    shares(row.totals()), priority 1;
        "mapped_twice_bytes"           Number: mapped_times(row.totals(), 2), if false;
        "mapped_3_times_bytes"         Number: mapped_times(row.totals(), 3), if false;
        "mapped_4_times_bytes"         Number: mapped_times(row.totals(), 4), if false;
        "mapped_5_times_bytes"         Number: mapped_times(row.totals(), 5), if false;
        "mapped_6_times_bytes"         Number: mapped_times(row.totals(), 6), if false;
        "mapped_7_or_more_times_bytes" Number: mapped_times(row.totals(), 7), if false;
        "mapped_more_than_once_bytes"  Number: inexact(row.totals()), if false;
    }
}

fn shares(totals: &PageTotals) -> Value<'static> {
    let labels = ["1×", "2×", "3×", "4×", "5×", "6×", "7×+"];
    let mut sizes: Vec<_> = labels.into_iter().zip(totals.shares.times).collect();
    sizes.push(("2×+", totals.shares.more_than_once));
    sizes.push(("?×", totals.shares.uncounted));
    sizes.retain(|&(_, bytes)| bytes > 0);
    Value::Sizes(sizes)
}

/// Returns the size of the pages that are mapped a number of times above 1; unknown if some pages
/// have no exact count.
fn mapped_times(totals: &PageTotals, times: usize) -> Value<'static> {
    let shares = &totals.shares;
    let is_exact = shares.uncounted == 0 && shares.more_than_once == 0;
    Value::bytes(is_exact.then_some(shares.times[times - 1]))
}

/// Returns the size of the pages that are mapped more than once, without an exact count; unknown if
/// some pages have no count at all.
fn inexact(totals: &PageTotals) -> Value<'static> {
    let shares = &totals.shares;
    Value::bytes((shares.uncounted == 0).then_some(shares.more_than_once))
}
