//! Evicts the pages of a process, and reports why some pages stayed.

use crate::error::{ErrorCause, SourceError};
use crate::mapping::{Backing, Mapping};
use crate::sys::linux::calls::process_madvise::{self, MadviseTarget};
use crate::sys::linux::mappings;
use crate::sys::linux::page_files::page_files;
use crate::sys::linux::proc::smaps::{self, Smaps};
use crate::sys::linux::proc::smaps_rollup;
use crate::sys::linux::process::Process;
use crate::working_set::{
    EmptiedWorkingSet, RefusalReason, RefusedMapping, RemainingMemory, WorkingSetSize,
};

/// Evicts as much of the working set as the kernel permits.
pub(crate) fn empty_working_set(process: &Process) -> Result<EmptiedWorkingSet, SourceError> {
    let mut text = Vec::new();
    let rollup = process.retry(|directory| smaps_rollup::read(directory, &mut text))?;
    let before = working_set_size(rollup.rss, rollup.anonymous);

    let mut mappings = Vec::new();
    mappings::mappings(process, &mut mappings)?;
    // The vsyscall page in the kernel's half of the address space belongs to no process.
    mappings.retain(|mapping| i64::try_from(mapping.end).is_ok());
    let refused = page_out(process, &mappings).map_err(|error| process.classify(error))?;

    let mapped = process.retry(smaps::read)?;
    let files = page_files(process.system())?;
    let has_room = files.iter().any(|file| file.in_use < file.total);
    let mut after = WorkingSetSize::default();
    let mut remaining = RemainingMemory::default();
    for smaps in &mapped {
        let mapping = containing(&mappings, smaps.start, |mapping| {
            (mapping.start, mapping.end)
        });
        let size = working_set_size(smaps.rss, smaps.anonymous);
        add(&mut after.private, size.private);
        add(&mut after.file, size.file);
        let backing = mapping.map(|mapping| &mapping.backing);
        add_remaining(&mut remaining, smaps, backing, has_room);
    }
    let refused = refused.into_iter().filter_map(|index| {
        let mapping = &mappings[index];
        let smaps = containing(&mapped, mapping.start, |smaps| (smaps.start, smaps.end))?;
        Some(RefusedMapping {
            mapping: mapping.clone(),
            reason: refusal_reason(smaps),
        })
    });
    Ok(EmptiedWorkingSet {
        before,
        after,
        remaining,
        refused: refused.collect(),
    })
}

/// Evicts the pages of mappings. Returns the indices of the mappings that the kernel refused.
fn page_out(process: &Process, mappings: &[Mapping]) -> Result<Vec<usize>, SourceError> {
    let id = process.id_for_system_calls()?.ok_or_else(|| {
        let reason = "the proc root belongs to another pid namespace, \
                      where system calls use other ids";
        SourceError::new(process.directory().path(), ErrorCause::Unsupported(reason))
    })?;
    let target = MadviseTarget::new(process.directory(), id)?;
    let ranges: Vec<_> = mappings
        .iter()
        .map(|mapping| mapping.start..mapping.end)
        .collect();
    let mut refused = Vec::new();
    process_madvise::page_out(&target, &ranges, |index| {
        // A large mapping takes several calls, and each can be refused.
        if refused.last() != Some(&index) {
            refused.push(index);
        }
    })?;
    Ok(refused)
}

fn working_set_size(rss: u64, anonymous: u64) -> WorkingSetSize {
    let private = anonymous.min(rss);
    WorkingSetSize {
        private,
        file: rss - private,
    }
}

fn add(sum: &mut u64, bytes: u64) {
    *sum = sum.saturating_add(bytes);
}

/// Adds the memory of one mapping to the totals, by the reason why it stayed.
fn add_remaining(
    remaining: &mut RemainingMemory,
    smaps: &Smaps,
    backing: Option<&Backing>,
    has_room: bool,
) {
    let is_kernel = matches!(backing, Some(Backing::Kernel { .. } | Backing::Vdso));
    if smaps.locked {
        return add(&mut remaining.locked, smaps.rss);
    }
    if is_kernel || smaps.device {
        return add(&mut remaining.kernel, smaps.rss);
    }
    let shared = smaps.shared.min(smaps.rss);
    let own = smaps.rss - shared;
    // Only private memory needs space in a page file.
    let no_page_file = if has_room {
        0
    } else {
        own.min(smaps.anonymous)
    };
    add(&mut remaining.shared, shared);
    add(&mut remaining.no_page_file, no_page_file);
    add(&mut remaining.other, own - no_page_file);
}

fn refusal_reason(smaps: &Smaps) -> RefusalReason {
    match smaps {
        Smaps { hugetlb: true, .. } => RefusalReason::Hugetlb,
        Smaps { device: true, .. } => RefusalReason::Kernel,
        Smaps { locked: true, .. } => RefusalReason::Locked,
        _ => RefusalReason::Unknown,
    }
}

/// Returns the item whose range contains an address. The ranges ascend.
fn containing<T>(items: &[T], address: u64, range: impl Fn(&T) -> (u64, u64)) -> Option<&T> {
    let next = &items[items.partition_point(|item| range(item).1 <= address)..];
    next.first().filter(|item| range(item).0 <= address)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: u64 = 4096;

    fn remaining(smaps: Smaps, backing: Option<&Backing>, has_room: bool) -> RemainingMemory {
        let mut remaining = RemainingMemory::default();
        add_remaining(&mut remaining, &smaps, backing, has_room);
        remaining
    }

    #[test]
    fn remaining_page_has_one_reason() {
        let smaps = Smaps {
            start: 0,
            end: 16 * PAGE,
            page_size: PAGE,
            rss: 9 * PAGE,
            shared: 2 * PAGE,
            anonymous: 4 * PAGE,
            swap: 0,
            huge: 0,
            locked: false,
            hugetlb: false,
            device: false,
        };
        let shared = RemainingMemory {
            shared: 2 * PAGE,
            ..RemainingMemory::default()
        };
        assert_eq!(
            remaining(smaps, None, false),
            RemainingMemory {
                no_page_file: 4 * PAGE,
                other: 3 * PAGE,
                ..shared
            }
        );
        assert_eq!(
            remaining(smaps, None, true),
            RemainingMemory {
                other: 7 * PAGE,
                ..shared
            }
        );
        let kernel = RemainingMemory {
            kernel: 9 * PAGE,
            ..RemainingMemory::default()
        };
        assert_eq!(remaining(smaps, Some(&Backing::Vdso), false), kernel);
        let locked = Smaps {
            locked: true,
            device: true,
            ..smaps
        };
        assert_eq!(remaining(locked, None, true).locked, 9 * PAGE);
    }

    #[test]
    fn containing_finds_at_most_one_range() {
        let ranges = [(1, 3), (3, 5), (8, 9)];
        let found = |address| containing(&ranges, address, |&range| range).copied();
        assert_eq!(found(0), None);
        assert_eq!(found(2), Some((1, 3)));
        assert_eq!(found(3), Some((3, 5)));
        assert_eq!(found(5), None);
        assert_eq!(found(9), None);
    }
}
