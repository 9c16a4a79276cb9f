//! Changes of the calling process's pages on every system: differences, saved sets, watches and
//! emptying, compared with what the test arranges. `working_set` has the kinds of pages.

use std::ops::Range;

use psapi::{ErrorKind, Process, System, WorkingSet};

use testing::skip;

const MIB: usize = 1 << 20;

/// Memory without any page in it. An allocator can use freed memory for a vector again, but not for
/// one of this capacity, which is new memory of the kernel.
fn untouched(size: usize) -> Vec<u8> {
    let mut memory = vec![0; 64 * MIB];
    memory.truncate(size);
    memory
}

/// Returns the addresses of the whole pages in memory.
fn pages_in(memory: &[u8], page_size: u64) -> Range<u64> {
    let range = memory.as_ptr_range();
    let start = (range.start as u64).next_multiple_of(page_size);
    let end = range.end as u64;
    start..end - end % page_size
}

fn me() -> Process {
    System::new().current_process().unwrap()
}

/// Returns the size of the counted pages in a range.
fn resident(set: &WorkingSet, range: &Range<u64>) -> u64 {
    let runs = set.runs().filter(|run| run.is_counted());
    let within = runs.map(|run| {
        run.end
            .min(range.end)
            .saturating_sub(run.start.max(range.start))
    });
    within.sum()
}

#[test]
fn written_pages_enter_working_set() {
    let process = me();
    let mut memory = untouched(16 * MIB);
    let before = process.working_set().unwrap();
    let pages = pages_in(&memory, before.page_size());
    assert_eq!(resident(&before, &pages), 0);
    memory[..8 * MIB].fill(1);
    let after = process.working_set().unwrap();
    let written = pages_in(&memory[..8 * MIB], before.page_size());
    assert_eq!(resident(&after, &written), written.end - written.start);
    // A huge page can reach beyond the written half.
    let unwritten = pages.end - 2 * MIB as u64..pages.end;
    assert_eq!(resident(&after, &unwritten), 0);

    assert!(after.totals().private >= before.totals().private + (7 * MIB) as u64);
    let difference = after.difference(&before).unwrap();
    let added = difference.totals().added;
    assert!(added.private >= written.end - written.start);
    drop(memory);
}

#[test]
fn totals_by_range_cut_runs() {
    let process = me();
    let mib = MIB as u64;
    let before = process.working_set().unwrap();
    let touched = vec![1_u8; 16 * MIB];
    let after = process.working_set().unwrap();
    let start = (touched.as_ptr() as u64).next_multiple_of(mib);
    // The second range begins inside of the first one, and the last one is empty.
    let ranges = [
        start..start + 4 * mib,
        start + 2 * mib..start + 8 * mib,
        1..1,
    ];
    let difference = after.difference(&before).unwrap();
    let (by_range, rest) = difference.totals_by_range(&ranges);
    let added: Vec<u64> = by_range.iter().map(|totals| totals.added.private).collect();
    assert_eq!(added, [4 * mib, 4 * mib, 0]);
    assert!(rest.added.private >= 7 * mib);
    let sum: u64 = added.iter().sum();
    assert_eq!(sum + rest.added.private, difference.totals().added.private);

    let (by_range, rest) = after.totals_by_range(&ranges);
    let private: Vec<u64> = by_range.iter().map(|totals| totals.private).collect();
    assert_eq!(private, [4 * mib, 4 * mib, 0]);
    let sum: u64 = private.iter().sum();
    assert_eq!(sum + rest.private, after.totals().private);
}

#[test]
fn saved_set_is_restored() {
    let set = me().working_set().unwrap();
    let mut file = Vec::new();
    set.write_to(&mut file).unwrap();
    assert_eq!(WorkingSet::read_from(&file[..]).unwrap(), set);
}

#[test]
fn watch_reports_added_pages() {
    let process = me();
    let mut watch = match process.watch_working_set() {
        Ok(watch) => watch,
        Err(error) if error.kind() == ErrorKind::NotSupported => {
            return skip("the system has no watch");
        }
        Err(error) => panic!("{error}"),
    };
    let mut memory = untouched(4 * MIB);
    memory.fill(1);
    assert!(
        watch
            .wait(Some(std::time::Duration::from_secs(60)))
            .unwrap()
    );
    let changes = watch.changes().unwrap();
    let pages = memory.as_ptr_range();
    let pages = pages.start as u64..pages.end as u64;
    let added = changes
        .faults
        .iter()
        .filter(|fault| pages.contains(&fault.address));
    let added: Vec<_> = added.collect();
    assert!(!added.is_empty(), "{} lost", changes.lost);
    for fault in added {
        assert_eq!(fault.process, process.id());
        assert!(fault.thread > 0 && fault.program_counter > 0);
    }
    assert!(!watch.has_ended().unwrap());
    // What was fetched is not reported again.
    let again = watch.changes().unwrap();
    assert!(
        !again
            .faults
            .iter()
            .any(|fault| pages.contains(&fault.address))
    );
}

#[test]
fn emptied_working_set_has_parts() {
    let memory = vec![1_u8; 8 * MIB];
    let emptied = match me().empty_working_set() {
        Ok(emptied) => emptied,
        Err(error) if error.kind() == ErrorKind::NotSupported => {
            return skip("the system empties no working set");
        }
        Err(error) => panic!("{error}"),
    };
    assert!(emptied.before.private >= memory.len() as u64);
    let remaining = emptied.remaining;
    let parts = [
        remaining.locked,
        remaining.kernel,
        remaining.shared,
        remaining.no_page_file,
        remaining.other,
    ];
    assert_eq!(parts.iter().sum::<u64>(), emptied.after.total());
    if cfg!(windows) {
        assert!(emptied.after.total() < emptied.before.total());
    }
}
