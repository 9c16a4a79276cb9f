//! The figures of page totals as columns, for rows of any kind that have them.

use psapi::PageTotals;

use crate::columns;
use crate::output::{Column, Shape, Value};

/// A row with totals.
pub trait HasTotals {
    fn totals(&self) -> &PageTotals;
}

/// The figures that every table has.
pub fn main_columns<Row: HasTotals>() -> Vec<Column<Row>> {
    vec![
        figure(
            ("resident", "RESIDENT", "resident_bytes"),
            "in RAM, pages of zeros left out",
            |row| Value::Bytes(row.totals().resident),
        ),
        figure(
            ("private", "PRIVATE", "private_bytes"),
            "of that, private pages",
            |row| Value::Bytes(row.totals().private),
        ),
        figure(
            ("file", "FILE", "file_bytes"),
            "of that, pages of files and of shared memory",
            |row| Value::Bytes(row.totals().file),
        ),
    ]
}

/// The figures that a table has if they are not 0.
pub fn further_columns<Row: HasTotals>() -> Vec<Column<Row>> {
    vec![
        figure(
            ("exclusive", "EXCLUSIVE", "mapped_once_bytes"),
            "of that, pages that are mapped just once",
            |row| Value::Bytes(row.totals().shares.exclusive()),
        ),
        figure(
            ("shared", "SHARED", "shared_bytes"),
            "of that, pages that are mapped more than once",
            |row| Value::Bytes(row.totals().shares.shared()),
        ),
        figure(
            ("huge", "HUGE", "huge_bytes"),
            "of that, parts of huge pages",
            |row| columns::bytes(row.totals().huge),
        ),
        figure(
            ("locked", "LOCKED", "locked_bytes"),
            "of that, pages that may not leave memory",
            |row| Value::Bytes(row.totals().locked),
        ),
        figure(
            ("dirty", "SOFT-DIRTY", "soft_dirty_bytes"),
            "of that, pages that were written to since clear_refs",
            |row| columns::bytes(row.totals().soft_dirty),
        ),
        figure(
            ("bad", "BAD", "bad_bytes"),
            "of that, pages whose memory is broken",
            |row| columns::bytes(row.totals().bad),
        ),
        figure(
            ("zero", "ZERO", "zero_bytes"),
            "the page of zeros, which all share and no working set counts",
            |row| columns::bytes(row.totals().zero),
        ),
        figure(
            ("hugetlb", "HUGETLB", "hugetlb_bytes"),
            "hugetlb pages, which no working set counts",
            |row| Value::Bytes(row.totals().hugetlb),
        ),
        figure(
            ("special", "SPECIAL", "special_bytes"),
            "memory of devices, which no working set counts",
            |row| Value::Bytes(row.totals().special),
        ),
        figure(
            ("swapped", "SWAPPED", "swapped_bytes"),
            "in a page file",
            |row| Value::Bytes(row.totals().swapped),
        ),
        figure(
            ("guard", "GUARD", "guard_bytes"),
            "guard regions, which take no memory",
            |row| columns::bytes(row.totals().guard),
        ),
    ]
}

/// How much is mapped how often: figures for programs, and all of them at once for people.
pub fn share_columns<Row: HasTotals>() -> Vec<Column<Row>> {
    let field = |field, value| figure((field, field, field), "", value).in_table_if(false);
    vec![
        figure(("", "MAPPED", ""), "", |row| {
            let shares = &row.totals().shares;
            let labels = ["1×", "2×", "3×", "4×", "5×", "6×", "7×+"];
            let mut sizes: Vec<_> = labels.into_iter().zip(shares.times).collect();
            sizes.push(("2×+", shares.more_than_once));
            sizes.retain(|&(_, bytes)| bytes > 0);
            Value::Sizes(sizes)
        }),
        field("mapped_twice_bytes", |row| of_times(row, 2)),
        field("mapped_3_times_bytes", |row| of_times(row, 3)),
        field("mapped_4_times_bytes", |row| of_times(row, 4)),
        field("mapped_5_times_bytes", |row| of_times(row, 5)),
        field("mapped_6_times_bytes", |row| of_times(row, 6)),
        field("mapped_7_or_more_times_bytes", |row| of_times(row, 7)),
        field("mapped_more_than_once_bytes", |row| {
            Value::Bytes(row.totals().shares.more_than_once)
        }),
    ]
}

fn of_times<Row: HasTotals>(row: &Row, times: usize) -> Value<'static> {
    Value::Bytes(row.totals().shares.times[times - 1])
}

/// Leaves columns out of tables where they have nothing to say of any row.
pub fn keep_telling<Row>(columns: &mut [Column<Row>], rows: &[Row]) {
    for column in columns {
        let tells = |row: &Row| match (column.value)(row) {
            Value::Bytes(bytes) => bytes > 0,
            Value::Sizes(sizes) => !sizes.is_empty(),
            value => !value.is_missing(),
        };
        column.in_table &= rows.iter().any(tells);
    }
}

fn figure<Row>(
    names: (&'static str, &'static str, &'static str),
    about: &'static str,
    value: for<'r> fn(&'r Row) -> Value<'r>,
) -> Column<Row> {
    Column::new(names, Shape::Number, about, value)
}
