//! The figures in the label of a band.

use super::model::{Subject, Totals};
use crate::output::human_size;
use crate::picture::page_kind::PageKind;

/// Returns the pages of mappings in few words: `12.0M of 24.0M` in memory, or `+4.0M -1.0M` added
/// and removed. `size` is the size of the mappings.
pub fn figures(subject: Subject, totals: &Totals, size: u64) -> String {
    match subject {
        Subject::WorkingSet => format!("{} of {}", pages(totals), human_size(size)),
        Subject::Difference => changes(totals),
    }
}

/// Returns the size of the pages in memory. Hugetlb pages are included, although they are not in
/// the working set. Without pages in memory, the most frequent other kind is named.
fn pages(totals: &Totals) -> String {
    let in_memory = totals.resident() + totals.bytes(PageKind::Hugetlb);
    match totals.kinds().max_by_key(|&(_, bytes)| bytes) {
        Some((kind, bytes)) if in_memory == 0 => {
            format!("{} {}", human_size(bytes), kind.label())
        }
        _ => human_size(in_memory),
    }
}

fn changes(totals: &Totals) -> String {
    let replaced = totals.bytes(PageKind::Replaced);
    let signed = |sign, bytes| (bytes > 0).then(|| format!("{sign}{}", human_size(bytes)));
    let growth = [
        signed('+', totals.bytes(PageKind::Added) + replaced),
        signed('-', totals.bytes(PageKind::Removed) + replaced),
    ];
    let growth: Vec<String> = growth.into_iter().flatten().collect();
    match (growth.join(" "), totals.bytes(PageKind::Changed)) {
        (growth, 0) if growth.is_empty() => "unchanged".to_owned(),
        (growth, 0) => growth,
        (growth, changed) if growth.is_empty() => format!("{} changed", human_size(changed)),
        (growth, changed) => format!("{growth}, {} changed", human_size(changed)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn totals(parts: &[(PageKind, u64)]) -> Totals {
        let mut totals = Totals::default();
        for &(kind, bytes) in parts {
            totals.add(kind, bytes, false);
        }
        totals
    }

    #[test]
    fn pages_outside_working_sets_count() {
        use PageKind::{Device, Guard, Hugetlb, Private, Swapped, Zero};
        for (parts, expected) in [
            (&[(Private, 2 * MIB)][..], "2.0M of 8.0M"),
            (&[(Hugetlb, 4 * MIB)], "4.0M of 8.0M"),
            (&[(Hugetlb, 4 * MIB), (Private, MIB)], "5.0M of 8.0M"),
            (&[(Device, 8192)], "8.0K device memory of 8.0M"),
            (
                &[(Swapped, MIB), (Guard, 4096)],
                "1.0M in a page file of 8.0M",
            ),
            (&[(Zero, MIB), (Private, 4096)], "4.0K of 8.0M"),
        ] {
            let found = figures(Subject::WorkingSet, &totals(parts), 8 * MIB);
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn replaced_pages_were_added_and_removed() {
        use PageKind::{Added, Changed, Removed, Replaced, SharesChanged, Unchanged};
        for (parts, expected) in [
            (&[(Unchanged, MIB), (SharesChanged, MIB)][..], "unchanged"),
            (&[(Unchanged, MIB), (Added, 2 * MIB)], "+2.0M"),
            (
                &[(Added, 2 * MIB), (Removed, MIB), (Replaced, 4096)],
                "+2.0M -1.0M",
            ),
            (&[(Removed, MIB), (Changed, MIB)], "-1.0M, 1.0M changed"),
        ] {
            let found = figures(Subject::Difference, &totals(parts), 8 * MIB);
            assert_eq!(found, expected);
        }
    }
}
