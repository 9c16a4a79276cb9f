//! The pages of the calling process on every system, compared with what the test arranges.

use std::ops::{ControlFlow, Range};

use psapi::{
    ErrorKind, PageAttributes, PageInfo, Process, Protection, ShareCount, System, WorkingSet,
    WorkingSetOptions,
};

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

fn page_size() -> u64 {
    me().working_set().unwrap().page_size()
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
fn query_distinguishes_pages() {
    let process = me();
    let page_size = page_size();
    let mut memory = untouched(16 * MIB);
    memory[..MIB].fill(1);
    let written = pages_in(&memory[..MIB], page_size).start;
    let unwritten = pages_in(&memory, page_size).end - page_size;
    let code = query_distinguishes_pages as fn() as usize as u64;
    let pages = process
        .query_pages(&[unwritten, code, 0, written + 1, code, u64::MAX])
        .unwrap();
    let addresses: Vec<u64> = pages.iter().map(|page| page.address).collect();
    assert_eq!(addresses, [unwritten, code, 0, written + 1, code, u64::MAX]);
    assert!(!pages[0].is_valid());
    assert_eq!(pages[0].protection, Some(Protection::ReadWrite));
    assert!(pages[1].is_valid());
    assert_eq!(pages[1].protection, Some(Protection::ExecuteRead));
    assert!(pages[3].is_valid() && !pages[3].is_shareable());
    assert_eq!(pages[3].protection, Some(Protection::ReadWrite));
    assert_eq!(pages[4], pages[1]);
    for nowhere in [pages[2], pages[5]] {
        assert!(!nowhere.is_valid());
        assert_eq!(nowhere.protection, None);
    }
    assert_eq!(process.query_pages(&[]).unwrap(), []);
}

#[test]
fn query_agrees_with_working_set() {
    let process = me();
    let memory = vec![1_u8; 8 * MIB];
    let set = process.working_set().unwrap();
    let pages = pages_in(&memory, set.page_size());
    let listed: Vec<PageInfo> = set
        .pages()
        .filter(|page| pages.contains(&page.address))
        .collect();
    assert_eq!(
        listed.len() as u64,
        (pages.end - pages.start) / set.page_size()
    );
    // More addresses than one call of the kernel takes.
    let addresses: Vec<u64> = listed.iter().map(|page| page.address).collect();
    let addresses = [&addresses[..], &addresses, &addresses].concat();
    let queried = process.query_pages(&addresses).unwrap();
    assert_eq!(queried.len(), 3 * listed.len());
    let known = set.known();
    for (page, listed) in queried.iter().zip(listed.iter().cycle()) {
        assert_eq!(page.attributes & known, listed.attributes & known);
        assert_eq!(
            (page.address, page.protection),
            (listed.address, listed.protection)
        );
    }
}

#[test]
fn private_share_counts_need_request() {
    let process = me();
    let memory = vec![1_u8; MIB];
    let at = |set: &WorkingSet| {
        let address = pages_in(&memory, set.page_size()).start;
        let runs = set.runs();
        let mut found = runs.filter(|run| (run.start..run.end).contains(&address));
        found.next().unwrap().shares
    };
    let read = |options: WorkingSetOptions| {
        let proceed = |_| ControlFlow::Continue(());
        process.working_set_with(&options, proceed).unwrap()
    };
    let options = WorkingSetOptions::new();
    assert_eq!(at(&read(options.clone())), None);
    let counted = at(&read(options.clone().with_private_share_counts()));
    assert_eq!(counted, Some(ShareCount::Exactly(1)));
    let uncounted = read(options.without_share_counts());
    assert!(uncounted.runs().all(|run| run.shares.is_none()));
}

#[test]
fn working_set_is_of_process() {
    let process = me();
    let set = process.working_set().unwrap();
    let status = process.status(psapi::Fields::STAT).unwrap();
    assert_eq!(set.process(), process.id());
    assert_eq!(Some(set.start()), status.start);
    assert_eq!(Some(set.name()), status.name.as_deref());
    assert!(set.runs().is_sorted_by(|a, b| a.end <= b.start));
    assert!(
        set.known()
            .contains(PageAttributes::RESIDENT | PageAttributes::FILE)
    );
    let code = working_set_is_of_process as fn() as usize as u64;
    let run = set.runs().find(|run| (run.start..run.end).contains(&code));
    let run = run.unwrap();
    let program = std::env::current_exe().unwrap();
    assert_eq!(run.mapping.backing.path(), Some(&*program));
    assert_eq!(run.protection(), Protection::ExecuteRead);
}

#[test]
fn progress_callback_can_cancel() {
    let process = me();
    let options = WorkingSetOptions::new();
    let mut found = 0;
    let set = process.working_set_with(&options, |progress| {
        assert!(progress.found >= found && progress.expected > 0);
        found = progress.found;
        ControlFlow::Continue(())
    });
    let size = |run: psapi::PageRun<'_>| run.size();
    let resident = |run: &psapi::PageRun<'_>| run.attributes.contains(PageAttributes::RESIDENT);
    let total: u64 = set.unwrap().runs().filter(resident).map(size).sum();
    assert!(found >= total);
    let error = process
        .working_set_with(&options, |_| ControlFlow::Break(()))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
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
        Err(error) => return skip(&format!("the system has no watch: {error}")),
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
            return skip(&format!("the system empties no working set: {error}"));
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
