//! What pages are and how they changed, in words.

use std::borrow::Cow;

use psapi::{PageAttributes, PageRun, PageTransitions, Protection, ShareCount};

use crate::output::Value;

/// The attributes of pages.
pub fn attributes(attributes: PageAttributes) -> Value<'static> {
    let words = [
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
    let has = |(attribute, _): &(PageAttributes, _)| attributes.contains(*attribute);
    Value::Words(
        words
            .into_iter()
            .filter(has)
            .map(|(_, word)| word)
            .collect(),
    )
}

/// What changed of pages that stayed.
pub fn transitions(transitions: PageTransitions) -> Value<'static> {
    let words = [
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
    let has = |(transition, _): &(PageTransitions, _)| transitions.contains(*transition);
    Value::Words(
        words
            .into_iter()
            .filter(has)
            .map(|(_, word)| word)
            .collect(),
    )
}

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

/// How often pages are mapped, as a number, if that is known.
pub fn share_count(run: &PageRun<'_>) -> Value<'static> {
    match run.shares {
        Some(ShareCount::Exactly(count)) => Value::count(count),
        _ => Value::Unknown,
    }
}

/// Whether pages are mapped more than once.
pub fn is_shared(run: &PageRun<'_>) -> Value<'static> {
    match run.shares {
        Some(ShareCount::Exactly(count)) => Value::Flag(count > 1),
        Some(ShareCount::MoreThanOne) => Value::Flag(true),
        None => Value::Unknown,
    }
}

/// Both for people: `2+` is more than one.
pub fn shares(run: &PageRun<'_>) -> Value<'static> {
    match run.shares {
        Some(ShareCount::Exactly(count)) => Value::Text(Cow::Owned(count.to_string().into_bytes())),
        Some(ShareCount::MoreThanOne) => Value::Word("2+"),
        None => Value::Unknown,
    }
}
