//! Differences between two working sets, compared with the actions of the process in between.

use std::collections::HashMap;
use std::ops::Range;

use psapi::{
    DifferenceKind, DifferenceTotals, ErrorKind, PageDifference, PageTransitions, System,
    WorkingSet, WorkingSetDifference,
};

#[cfg(target_os = "linux")]
use testing::privilege::is_root;
use testing::refused::{lists_pages, touched};
use testing::{Program, TestProcess, interfaces, programs};

const MIB: u64 = 1 << 20;

#[cfg(windows)]
const PAGE: u64 = 4096;

/// The size that the mapping `grown` gets. A private mapping of 2 MiB has large pages in the
/// stand-in.
const GROWN: u64 = if cfg!(windows) { 3 * MIB } else { 2 * MIB };

struct Fixture {
    subject: TestProcess,
    addresses: HashMap<String, u64>,
    _directory: tempfile::TempDir,
}

impl Fixture {
    fn start() -> Self {
        let program = Program::compile(programs::CHANGES_PAGES, &[]);
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        let subject = TestProcess::start(std::process::Command::new(&program.path).arg(file));
        let mut fixture = Fixture {
            subject,
            addresses: HashMap::new(),
            _directory: directory,
        };
        fixture.read_addresses();
        fixture
    }

    fn step(&mut self) {
        self.subject.resume();
        self.read_addresses();
    }

    fn read_addresses(&mut self) {
        self.subject.wait_for_sleep();
        let address = |text: &str| {
            let (name, address) = text.split_once(' ').unwrap();
            (name.to_owned(), address.parse().unwrap())
        };
        self.addresses
            .extend(self.subject.line.split(',').map(address));
    }

    fn working_set(&self, system: &System) -> WorkingSet {
        let process = system.process(self.subject.id()).unwrap();
        process.working_set().unwrap()
    }

    fn at(&self, name: &str, from: u64, to: u64) -> Range<u64> {
        self.addresses[name] + from..self.addresses[name] + to
    }
}

type Change = (Range<u64>, DifferenceKind, PageTransitions);

/// Returns the changes near an address, except changes of the kernel's dirty marks. Pages that a
/// program for Windows leaves out do not separate two changes.
fn near(difference: &WorkingSetDifference<'_>, address: u64) -> Vec<Change> {
    let marks = PageTransitions::SOFT_DIRTY | PageTransitions::CLEANED;
    let seen = |change: PageDifference<'_>| {
        let kind = change.kind();
        let end = with_untouched(change.start, change.end);
        (change.start..end, kind, change.transitions - marks)
    };
    let here = address - MIB..address + 14 * MIB;
    let mut found: Vec<Change> = difference
        .pages()
        .filter(|change| here.contains(&change.start))
        .map(seen)
        .filter(|(_, kind, changes)| *kind != DifferenceKind::Changed || !changes.is_empty())
        .collect();
    found.dedup_by(|next, last| {
        let continues = last.0.end == next.0.start && (&last.1, &last.2) == (&next.1, &next.2);
        if continues {
            last.0.end = next.0.end;
        }
        continues
    });
    found
}

/// Returns the end of a change, including a page that `touch()` of the programs for Windows does
/// not write to. The pages begin at an address where this page's index is 3 modulo 4.
#[cfg(windows)]
fn with_untouched(start: u64, end: u64) -> u64 {
    let is_untouched = |address: u64| address / PAGE % 4 == 3;
    assert!(!(start..end).step_by(PAGE as usize).any(is_untouched));
    if is_untouched(end) { end + PAGE } else { end }
}

#[cfg(target_os = "linux")]
fn with_untouched(_: u64, end: u64) -> u64 {
    end
}

/// Removes changes of share counts above one, which the kernel reports only to root.
#[cfg(target_os = "linux")]
fn without_unreported_shares(mut seen: Vec<Change>) -> Vec<Change> {
    seen.retain(|(_, kind, _)| is_root() || *kind != DifferenceKind::SharesChanged);
    seen
}

const ADDED: DifferenceKind = DifferenceKind::Added;
const REMOVED: DifferenceKind = DifferenceKind::Removed;
const CHANGED: DifferenceKind = DifferenceKind::Changed;

#[test]
fn difference_matches_process_actions() {
    if !lists_pages() {
        return;
    }
    let mut fixture = Fixture::start();
    let working_set = |fixture: &Fixture| -> Vec<WorkingSet> {
        let systems = interfaces::page_interfaces().into_iter();
        systems
            .map(|(_, system)| fixture.working_set(&system))
            .collect()
    };
    let before = working_set(&fixture);
    fixture.step();
    let after = working_set(&fixture);
    for (at, (interface, _)) in interfaces::page_interfaces().iter().enumerate() {
        eprintln!("by {interface}");
        let difference = after[at].difference(&before[at]).unwrap();
        let seen = |name: &str| near(&difference, fixture.addresses[name]);
        let none = PageTransitions::empty();

        let at = |name: &str, from, to| fixture.at(name, from, to);
        assert_eq!(
            seen("dropped"),
            [(at("dropped", MIB, 3 * MIB), REMOVED, none)]
        );
        assert_eq!(seen("grown"), [(at("grown", MIB, GROWN), ADDED, none)]);
        assert_eq!(seen("unmapped"), [(at("unmapped", 0, MIB), REMOVED, none)]);
        let protection = PageTransitions::PROTECTION;
        assert_eq!(
            seen("split"),
            [(at("split", MIB, 2 * MIB), CHANGED, protection)]
        );
        assert_eq!(seen("same"), []);
        assert_eq!(seen("later"), [(at("later", 0, MIB), ADDED, none)]);
        #[cfg(target_os = "linux")]
        assert_linux_changes(&fixture, &difference);
        #[cfg(windows)]
        {
            let replaced = changes_by_kind(&difference, at("replaced", 0, MIB));
            assert_eq!(replaced, [(REMOVED, touched(MIB)), (ADDED, touched(MIB))]);
        }
        let mut last = 0;
        for change in difference.pages() {
            assert!(last <= change.start);
            last = change.start;
        }
    }
}

/// Returns the sizes of removed and of added pages in a range.
#[cfg(windows)]
fn changes_by_kind(
    difference: &WorkingSetDifference<'_>,
    range: Range<u64>,
) -> [(DifferenceKind, u64); 2] {
    [REMOVED, ADDED].map(|kind| {
        let changes = difference.pages();
        let changes = changes.filter(|change| range.contains(&change.start));
        let changes = changes.filter(|change| change.kind() == kind);
        (kind, changes.map(|change| change.end - change.start).sum())
    })
}

#[cfg(target_os = "linux")]
fn assert_linux_changes(fixture: &Fixture, difference: &WorkingSetDifference<'_>) {
    let seen = |name: &str| near(difference, fixture.addresses[name]);
    let none = PageTransitions::empty();
    let at = |name: &str, from, to| fixture.at(name, from, to);
    assert_eq!(
        seen("touched"),
        [(at("touched", MIB, 2 * MIB), ADDED, none)]
    );
    let copied = PageTransitions::BECAME_PRIVATE;
    // `fork` makes the child map the pages of a mapping that has private pages.
    let shares = |range| {
        (
            range,
            DifferenceKind::SharesChanged,
            PageTransitions::SHARES,
        )
    };
    let expected = vec![
        (at("copied", 0, MIB / 2), CHANGED, copied),
        shares(at("copied", MIB / 2, MIB)),
    ];
    assert_eq!(
        without_unreported_shares(seen("copied")),
        without_unreported_shares(expected)
    );
    let expected = vec![
        (at("replaced", 0, 4096), REMOVED, none),
        (at("replaced", 0, 4096), ADDED, none),
        // The file is also mapped at "copied".
        shares(at("replaced", 4096, MIB)),
    ];
    assert_eq!(
        without_unreported_shares(seen("replaced")),
        without_unreported_shares(expected)
    );
    // Another part of the same file.
    let shifted = at("shifted", 0, 4096);
    let expected = [(shifted.clone(), REMOVED, none), (shifted, ADDED, none)];
    assert_eq!(seen("shifted"), expected);
    assert_eq!(seen("moved"), [(at("moved", 0, MIB), REMOVED, none)]);
    assert_eq!(seen("target"), [(at("target", 0, MIB), ADDED, none)]);
    let locked = at("locked", 0, 64 << 10);
    assert_eq!(seen("locked"), [(locked, CHANGED, PageTransitions::LOCKED)]);
    assert_eq!(seen("shared"), [shares(at("shared", 0, MIB))]);
    if difference.known().contains(psapi::PageAttributes::ZERO) {
        let zeros = at("zeros", 0, MIB / 4);
        assert_eq!(seen("zeros"), [(zeros, CHANGED, copied)]);
    }
    if fixture.addresses["guards"] == 1 {
        let gone = at("guarded", MIB / 2, MIB * 3 / 4);
        assert_eq!(seen("guarded"), [(gone, REMOVED, none)]);
    }
}

#[test]
fn difference_follows_resized_mappings() {
    if !lists_pages() {
        return;
    }
    let mut fixture = Fixture::start();
    let before = fixture.working_set(&System::new());
    fixture.step();
    let after = fixture.working_set(&System::new());
    let difference = after.difference(&before).unwrap();
    let mappings_of = |name: &str| {
        let address = fixture.addresses[name];
        let covers = |mapping: Option<&psapi::Mapping>| {
            mapping.is_some_and(|mapping| {
                mapping.readable && (address..address + 3 * MIB).contains(&mapping.start)
            })
        };
        difference
            .totals_by_mapping()
            .filter(|mapping| covers(mapping.before) || covers(mapping.after))
            .collect::<Vec<_>>()
    };
    let grown = mappings_of("grown");
    // On Windows, the new pages were a reserved mapping before.
    let parts = if cfg!(windows) { 2 } else { 1 };
    assert_eq!(grown.len(), parts, "{grown:?}");
    let sizes = [grown[0].before, grown[0].after].map(|mapping| mapping.unwrap().size());
    assert_eq!(sizes, [MIB, GROWN]);
    let sum = |figure: fn(&DifferenceTotals) -> u64| -> u64 {
        grown.iter().map(|part| figure(&part.totals)).sum()
    };
    assert_eq!(sum(|totals| totals.before.resident), touched(MIB));
    assert_eq!(sum(|totals| totals.after.resident), touched(GROWN));
    assert_eq!(sum(|totals| totals.added.private), touched(GROWN - MIB));
    let growth: i64 = grown.iter().map(|part| part.totals.growth()).sum();
    assert_eq!(growth, touched(GROWN - MIB) as i64);

    let parts = mappings_of("split");
    let sizes: Vec<_> = parts
        .iter()
        .map(|part| part.before.unwrap().size())
        .collect();
    assert_eq!(sizes, [3 * MIB; 3]);
    let changed: Vec<_> = parts
        .iter()
        .map(|part| part.totals.transitions.protection)
        .collect();
    assert_eq!(changed, [0, touched(MIB), 0]);
    let before: Vec<_> = parts
        .iter()
        .map(|part| part.totals.before.resident)
        .collect();
    assert_eq!(before, [touched(MIB); 3]);

    #[cfg(target_os = "linux")]
    {
        let [new, rest] = mappings_of("replaced")[..] else {
            panic!("expected a new and a remaining part")
        };
        assert_eq!((new.before, new.totals.added.file), (None, 4096));
        let sizes = [rest.before, rest.after].map(|mapping| mapping.unwrap().size());
        assert_eq!(sizes, [MIB, MIB - 4096]);
        assert_eq!(rest.totals.removed.file, 4096);
    }
    let dropped = mappings_of("dropped").into_iter();
    let removed: Vec<_> = dropped
        .map(|part| (part.totals.removed.private, part.totals.growth()))
        .filter(|&(removed, _)| removed > 0)
        .collect();
    let expected = touched(2 * MIB);
    assert_eq!(removed, [(expected, -(expected as i64))]);
    let unmapped = mappings_of("unmapped");
    assert_eq!(
        (unmapped[0].after, unmapped[0].totals.removed.resident),
        (None, touched(MIB))
    );

    let totals = difference.totals();
    assert_eq!(totals.before.resident, before_resident(&difference));
    assert_eq!(totals.after, after_totals(&difference));
    let by_mapping = difference
        .totals_by_mapping()
        .map(|mapping| mapping.totals.growth());
    assert_eq!(by_mapping.sum::<i64>(), totals.growth());
    let [added, removed] = [totals.added.resident, totals.removed.resident];
    let written_zero_pages = totals.growth() - (added as i64 - removed as i64);
    let expected = if cfg!(windows) { 0 } else { MIB as i64 / 4 };
    assert_eq!(written_zero_pages, expected);
}

fn before_resident(difference: &WorkingSetDifference<'_>) -> u64 {
    difference.before().totals().resident
}

fn after_totals(difference: &WorkingSetDifference<'_>) -> psapi::PageTotals {
    difference.after().totals()
}

/// One of the sets has been saved and read back.
#[test]
fn difference_of_equal_sets_is_empty() {
    if !lists_pages() {
        return;
    }
    let fixture = Fixture::start();
    for (interface, system) in interfaces::page_interfaces() {
        eprintln!("by {interface}");
        let before = fixture.working_set(&system);
        let mut file = Vec::new();
        before.write_to(&mut file).unwrap();
        let saved = WorkingSet::read_from(&file[..]).unwrap();
        assert_eq!(saved, before);
        assert_eq!(saved.taken_at(), before.taken_at());
        let after = fixture.working_set(&system);
        let difference = after.difference(&saved).unwrap();
        // Share counts of library pages change with other processes.
        let only_shares_changed =
            |change: &PageDifference<'_>| change.kind() == DifferenceKind::SharesChanged;
        let changes: Vec<_> = difference
            .pages()
            .filter(|change| !only_shares_changed(change))
            .collect();
        assert!(changes.is_empty(), "{changes:?}");
        eprintln!("{} bytes for {} runs", file.len(), before.runs().count());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn exec_removes_all_pages() {
    let mut fixture = Fixture::start();
    let addresses = [fixture.addresses["same"], fixture.addresses["touched"]];
    let before = fixture.working_set(&System::new());
    fixture.step();
    fixture.step();
    let after = fixture.working_set(&System::new());
    let difference = after.difference(&before).unwrap();
    for address in addresses {
        let removed = difference.pages().find(|change| change.start == address);
        assert_eq!(removed.unwrap().kind(), REMOVED);
    }
    assert_eq!(difference.totals().after, after.totals());
}

#[test]
fn difference_rejects_two_processes() {
    if !lists_pages() {
        return;
    }
    let fixture = Fixture::start();
    let own = System::new().current_process().unwrap();
    let own = own.working_set().unwrap();
    let other = fixture.working_set(&System::new());
    let error = other.difference(&own).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidParameter);
    assert_eq!(error.process(), Some(fixture.subject.id()));
    assert!(
        error
            .to_string()
            .ends_with(": they belong to different processes"),
        "{error}"
    );
    assert_ne!(own.start().since_boot(), Some(std::time::Duration::ZERO));
    let name = format!("subject{}", std::env::consts::EXE_SUFFIX);
    assert_eq!(other.name(), &*name);
}
