//! Labels for the attributes of pages and for their changes.

use std::borrow::Cow;

use psapi::{PageAttributes, PageRun, PageTransitions, Protection, ShareCount};

use crate::output::Value;

/// Returns labels for the attributes of pages.
pub fn attributes(attributes: PageAttributes) -> Value<'static> {
    let labels = [
        (PageAttributes::RESIDENT, "resident"),
        (PageAttributes::SWAPPED, "swapped"),
        (PageAttributes::FILE, "file"),
        (PageAttributes::ZERO, "zero"),
        (PageAttributes::HUGE, "huge"),
        (PageAttributes::SOFT_DIRTY, "soft-dirty"),
        (PageAttributes::WRITE_PROTECTED, "write-protected"),
        (PageAttributes::GUARD, "guard"),
        (PageAttributes::LOCKED, "locked"),
        (PageAttributes::HUGETLB, "hugetlb"),
        (PageAttributes::SPECIAL, "special"),
        (PageAttributes::BAD, "bad"),
    ];
    words(&labels, |attribute| attributes.contains(attribute))
}

/// Returns labels for the changes of pages that were resident before and after.
pub fn transitions(transitions: PageTransitions) -> Value<'static> {
    let labels = [
        (PageTransitions::BECAME_PRIVATE, "became-private"),
        (PageTransitions::BECAME_FILE, "became-file"),
        (PageTransitions::BECAME_ZERO, "became-zero"),
        (PageTransitions::SWAPPED_OUT, "swapped-out"),
        (PageTransitions::SWAPPED_IN, "swapped-in"),
        (PageTransitions::BECAME_HUGE, "became-huge"),
        (PageTransitions::SPLIT, "split"),
        (PageTransitions::LOCKED, "locked"),
        (PageTransitions::UNLOCKED, "unlocked"),
        (PageTransitions::SOFT_DIRTY, "soft-dirty"),
        (PageTransitions::CLEANED, "cleaned"),
        (PageTransitions::WRITE_PROTECTED, "write-protected"),
        (PageTransitions::WRITE_ALLOWED, "write-allowed"),
        (PageTransitions::PROTECTION, "protection"),
        (PageTransitions::NODE, "node"),
        (PageTransitions::BAD, "bad"),
        (PageTransitions::SHARES, "shares"),
    ];
    words(&labels, |transition| transitions.contains(transition))
}

/// Returns the labels of the flags that are set.
fn words<F: Copy>(labels: &[(F, &'static str)], is_set: impl Fn(F) -> bool) -> Value<'static> {
    let set = labels.iter().filter(|(flag, _)| is_set(*flag));
    Value::Words(set.map(|(_, label)| *label).collect())
}

/// Returns a label for the access that pages permit.
pub fn protection(protection: Protection) -> Value<'static> {
    Value::Word(match protection {
        Protection::NoAccess => "no-access",
        Protection::ReadOnly => "read-only",
        Protection::Execute => "execute",
        Protection::ExecuteRead => "execute-read",
        Protection::ReadWrite => "read-write",
        Protection::CopyOnWrite => "copy-on-write",
        Protection::ExecuteReadWrite => "execute-read-write",
        Protection::ExecuteCopyOnWrite => "execute-copy-on-write",
    })
}

/// Returns how often pages are mapped, if the exact number is known.
pub fn share_count(run: &PageRun<'_>) -> Value<'static> {
    match run.shares {
        Some(ShareCount::Exactly(count)) => Value::count(count),
        _ => Value::Unknown,
    }
}

/// Returns whether pages are mapped more than once.
pub fn is_shared(run: &PageRun<'_>) -> Value<'static> {
    match run.shares {
        Some(ShareCount::Exactly(count)) => Value::Flag(count > 1),
        Some(ShareCount::MoreThanOne | ShareCount::SevenOrMore) => Value::Flag(true),
        None => Value::Unknown,
    }
}

/// Returns how often pages are mapped, for tables: `2+` or `7+` if the exact number is
/// unknown.
pub fn shares(run: &PageRun<'_>) -> Value<'static> {
    match run.shares {
        Some(ShareCount::Exactly(count)) => Value::Text(Cow::Owned(count.to_string().into_bytes())),
        Some(ShareCount::MoreThanOne) => Value::Word("2+"),
        Some(ShareCount::SevenOrMore) => Value::Word("7+"),
        None => Value::Unknown,
    }
}
