//! What changed between two working sets, against what the process did in between. Both ways of
//! asking for pages must tell the same.

mod support;

use std::collections::HashMap;
use std::ops::Range;

use psapi::{
    DifferenceKind, ErrorKind, PageDifference, PageTransitions, System, WorkingSet,
    WorkingSetDifference,
};

use support::child::{Program, Subject};
use support::privilege::is_root;
use support::ways;

/// Does one thing after the other, and says where.
const STEPS: &str = r#"
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
static size_t mib = 1 << 20;
static volatile char sum;
static char *map_at(char *at, size_t size, int flags, int fd) {
    char *p = mmap(at, size, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0);
    if (p == MAP_FAILED) { perror("mmap"); _Exit(1); }
    madvise(p, size, MADV_NOHUGEPAGE);
    return p;
}
static void read_all(const char *p, size_t size) {
    for (size_t i = 0; i < size; i += 4096) sum += p[i];
}
static void say(const char *name, char *p) { printf("%s %lu,", name, (long)p); }
static void pause_here(void) { printf("end 0\n"); fflush(stdout); getchar(); }
int main(int argc, char **argv) {
    if (argc == 3) { pause_here(); return 0; }
    int own = MAP_PRIVATE | MAP_ANONYMOUS;
    /* Each place has room, and what may not be accessed around it. */
    char *room = mmap(0, 272 * mib, PROT_NONE, own | MAP_NORESERVE, -1, 0);
    #define PLACE(n) (room + (n) * 16 * mib + mib)
    char *touched = map_at(PLACE(0), 4 * mib, own, -1); memset(touched, 1, mib);
    char *dropped = map_at(PLACE(1), 4 * mib, own, -1); memset(dropped, 1, 4 * mib);
    char *grown = map_at(PLACE(2), mib, own, -1); memset(grown, 1, mib);
    munmap(grown + mib, 2 * mib);
    char *unmapped = map_at(PLACE(3), mib, own, -1); memset(unmapped, 1, mib);
    char *split = map_at(PLACE(4), 3 * mib, own, -1); memset(split, 1, 3 * mib);
    int fd = open(argv[1], O_RDWR | O_CREAT, 0600);
    char block[1 << 20]; memset(block, 1, mib);
    if (fd < 0 || write(fd, block, mib) != mib) { perror(argv[1]); return 1; }
    char *copied = map_at(PLACE(5), mib, MAP_PRIVATE, fd); read_all(copied, mib);
    char *replaced = map_at(PLACE(6), mib, MAP_PRIVATE, fd); read_all(replaced, mib);
    char *zeros = map_at(PLACE(7), mib, own, -1); read_all(zeros, mib);
    char *locked = map_at(PLACE(8), 64 << 10, own, -1); memset(locked, 1, 64 << 10);
    int shared_fd = memfd_create("shared", 0);
    if (ftruncate(shared_fd, mib)) return 1;
    char *shared = map_at(PLACE(9), mib, MAP_SHARED, shared_fd); memset(shared, 1, mib);
    char *moved = map_at(PLACE(10), mib, own, -1); memset(moved, 1, mib);
    char *target = PLACE(11);
    char *same = map_at(PLACE(12), mib, own, -1); memset(same, 1, mib);
    char *later = PLACE(13);
    char *guarded = map_at(PLACE(14), mib, own, -1); memset(guarded, 1, mib);
    say("touched", touched); say("dropped", dropped); say("grown", grown);
    say("unmapped", unmapped); say("split", split); say("copied", copied);
    say("replaced", replaced); say("zeros", zeros); say("locked", locked);
    say("shared", shared); say("moved", moved); say("target", target); say("same", same);
    say("later", later); say("guarded", guarded);
    int other = open("/proc/self/exe", O_RDONLY);
    char *shifted = mmap(PLACE(15), 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, other, 0);
    sum += *shifted;
    say("shifted", shifted);
    int ready[2];
    if (pipe(ready)) return 1;
    pause_here();

    memset(touched + mib, 1, mib);
    madvise(dropped + mib, 2 * mib, MADV_DONTNEED);
    if (mremap(grown, mib, 2 * mib, 0) != grown) return 1;
    memset(grown + mib, 1, mib);
    munmap(unmapped, mib);
    mprotect(split + mib, mib, PROT_READ);
    memset(copied, 2, mib / 2);
    char *p = mmap(replaced, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, other, 0);
    if (p != replaced) return 1;
    sum += *p;
    p = mmap(shifted, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, other, 4096);
    if (p != shifted) return 1;
    sum += *p;
    memset(zeros, 1, mib / 4);
    if (mlock(locked, 64 << 10)) return 1;
    if (!fork()) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        read_all(shared, mib);
        if (write(ready[1], "x", 1) != 1) _exit(1);
        pause();
    }
    char c;
    if (read(ready[0], &c, 1) != 1) return 1;
    mremap(moved, mib, mib, MREMAP_MAYMOVE | MREMAP_FIXED, target);
    memset(map_at(later, mib, own, -1), 1, mib);
    int guards = madvise(guarded + mib / 2, mib / 4, 102 /* MADV_GUARD_INSTALL */) == 0;
    printf("guards %d,", guards);
    pause_here();

    char *arguments[] = {argv[0], argv[1], "again", 0};
    execv("/proc/self/exe", arguments);
    return 1;
}"#;

const MIB: u64 = 1 << 20;

struct Stepping {
    subject: Subject,
    places: HashMap<String, u64>,
    _directory: tempfile::TempDir,
}

impl Stepping {
    fn start() -> Self {
        let program = Program::compile(STEPS, &[]);
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        let subject = Subject::start(std::process::Command::new(&program.path).arg(file));
        let mut stepping = Stepping {
            subject,
            places: HashMap::new(),
            _directory: directory,
        };
        stepping.learn();
        stepping
    }

    fn step(&mut self) {
        self.subject.proceed();
        self.learn();
    }

    fn learn(&mut self) {
        self.subject.settle();
        let place = |text: &str| {
            let (name, address) = text.split_once(' ').unwrap();
            (name.to_owned(), address.parse().unwrap())
        };
        self.places.extend(self.subject.said.split(',').map(place));
    }

    fn taken(&self, system: &System) -> WorkingSet {
        let process = system.process(self.subject.id()).unwrap();
        process.working_set().unwrap()
    }

    fn at(&self, name: &str, from: u64, to: u64) -> Range<u64> {
        self.places[name] + from..self.places[name] + to
    }
}

type Seen = (Range<u64>, DifferenceKind, PageTransitions);

/// What changed near a place, but for what only the kernel's marks say.
fn near(difference: &WorkingSetDifference<'_>, place: u64) -> Vec<Seen> {
    let marks = PageTransitions::SOFT_DIRTY | PageTransitions::CLEANED;
    let seen = |change: PageDifference<'_>| {
        let kind = change.kind();
        (change.start..change.end, kind, change.transitions - marks)
    };
    let here = place - MIB..place + 14 * MIB;
    let mut found: Vec<Seen> = difference
        .pages()
        .filter(|change| here.contains(&change.start))
        .map(seen)
        .filter(|(_, kind, changes)| *kind != DifferenceKind::Changed || !changes.is_empty())
        .collect();
    found.dedup_by(|next, last| {
        let goes_on = last.0.end == next.0.start && (&last.1, &last.2) == (&next.1, &next.2);
        if goes_on {
            last.0.end = next.0.end;
        }
        goes_on
    });
    found
}

/// Others than root are not told that two became three.
fn as_far_as_told(mut seen: Vec<Seen>) -> Vec<Seen> {
    seen.retain(|(_, kind, _)| is_root() || *kind != DifferenceKind::SharesChanged);
    seen
}

const ADDED: DifferenceKind = DifferenceKind::Added;
const REMOVED: DifferenceKind = DifferenceKind::Removed;
const CHANGED: DifferenceKind = DifferenceKind::Changed;

#[test]
fn changes_are_what_the_process_did() {
    let mut stepping = Stepping::start();
    let taken = |stepping: &Stepping| -> Vec<WorkingSet> {
        let ways = ways::to_pages().into_iter();
        ways.map(|(_, system)| stepping.taken(&system)).collect()
    };
    let before = taken(&stepping);
    stepping.step();
    let after = taken(&stepping);
    for (at, (way, _)) in ways::to_pages().iter().enumerate() {
        eprintln!("by {way}");
        let difference = after[at].difference(&before[at]).unwrap();
        let seen = |name: &str| near(&difference, stepping.places[name]);
        let none = PageTransitions::empty();

        let at = |name: &str, from, to| stepping.at(name, from, to);
        assert_eq!(
            seen("touched"),
            [(at("touched", MIB, 2 * MIB), ADDED, none)]
        );
        assert_eq!(
            seen("dropped"),
            [(at("dropped", MIB, 3 * MIB), REMOVED, none)]
        );
        assert_eq!(seen("grown"), [(at("grown", MIB, 2 * MIB), ADDED, none)]);
        assert_eq!(seen("unmapped"), [(at("unmapped", 0, MIB), REMOVED, none)]);
        let protection = PageTransitions::PROTECTION;
        assert_eq!(
            seen("split"),
            [(at("split", MIB, 2 * MIB), CHANGED, protection)]
        );
        let copied = PageTransitions::BECAME_PRIVATE;
        // A fork shares the pages of a mapping that has some of its own.
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
        assert_eq!(as_far_as_told(seen("copied")), as_far_as_told(expected));
        let expected = vec![
            (at("replaced", 0, 4096), REMOVED, none),
            (at("replaced", 0, 4096), ADDED, none),
            // The same file is mapped at "copied".
            shares(at("replaced", 4096, MIB)),
        ];
        assert_eq!(as_far_as_told(seen("replaced")), as_far_as_told(expected));
        // Another part of the same file.
        let shifted = at("shifted", 0, 4096);
        let expected = [(shifted.clone(), REMOVED, none), (shifted, ADDED, none)];
        assert_eq!(seen("shifted"), expected);
        assert_eq!(seen("moved"), [(at("moved", 0, MIB), REMOVED, none)]);
        assert_eq!(seen("target"), [(at("target", 0, MIB), ADDED, none)]);
        assert_eq!(seen("same"), []);
        assert_eq!(seen("later"), [(at("later", 0, MIB), ADDED, none)]);
        let locked = at("locked", 0, 64 << 10);
        assert_eq!(seen("locked"), [(locked, CHANGED, PageTransitions::LOCKED)]);
        assert_eq!(seen("shared"), [shares(at("shared", 0, MIB))]);
        if difference.known().contains(psapi::PageAttributes::ZERO) {
            let zeros = at("zeros", 0, MIB / 4);
            assert_eq!(seen("zeros"), [(zeros, CHANGED, copied)]);
        }
        if stepping.places["guards"] == 1 {
            let gone = at("guarded", MIB / 2, MIB * 3 / 4);
            assert_eq!(seen("guarded"), [(gone, REMOVED, none)]);
        }
        let mut last = 0;
        for change in difference.pages() {
            assert!(last <= change.start);
            last = change.start;
        }
    }
}

#[test]
fn mappings_are_followed_as_they_grow_and_split() {
    let mut stepping = Stepping::start();
    let before = stepping.taken(&System::new());
    stepping.step();
    let after = stepping.taken(&System::new());
    let difference = after.difference(&before).unwrap();
    let of = |name: &str| {
        let place = stepping.places[name];
        let covers = |mapping: Option<&psapi::Mapping>| {
            mapping.is_some_and(|mapping| {
                mapping.readable && (place..place + 3 * MIB).contains(&mapping.start)
            })
        };
        difference
            .totals_by_mapping()
            .filter(|mapping| covers(mapping.before) || covers(mapping.after))
            .collect::<Vec<_>>()
    };
    let [grown] = of("grown")[..] else {
        panic!("one mapping grew")
    };
    let sizes = [grown.before, grown.after].map(|mapping| mapping.unwrap().size());
    assert_eq!(sizes, [MIB, 2 * MIB]);
    assert_eq!(
        (grown.totals.before.resident, grown.totals.after.resident),
        (MIB, 2 * MIB)
    );
    assert_eq!(grown.totals.added.private, MIB);
    assert_eq!(grown.totals.growth(), MIB as i64);

    let parts = of("split");
    let sizes: Vec<_> = parts
        .iter()
        .map(|part| part.before.unwrap().size())
        .collect();
    assert_eq!(sizes, [3 * MIB; 3]);
    let changed: Vec<_> = parts
        .iter()
        .map(|part| part.totals.transitions.protection)
        .collect();
    assert_eq!(changed, [0, MIB, 0]);
    let before: Vec<_> = parts
        .iter()
        .map(|part| part.totals.before.resident)
        .collect();
    assert_eq!(before, [MIB; 3]);

    let [new, rest] = of("replaced")[..] else {
        panic!("a part of a mapping was replaced")
    };
    assert_eq!((new.before, new.totals.added.file), (None, 4096));
    let sizes = [rest.before, rest.after].map(|mapping| mapping.unwrap().size());
    assert_eq!(sizes, [MIB, MIB - 4096]);
    assert_eq!(rest.totals.removed.file, 4096);
    let dropped = of("dropped");
    assert_eq!(dropped[0].totals.removed.private, 2 * MIB);
    assert_eq!(dropped[0].totals.growth(), -2 * MIB as i64);
    let unmapped = of("unmapped");
    assert_eq!(
        (unmapped[0].after, unmapped[0].totals.removed.resident),
        (None, MIB)
    );

    let totals = difference.totals();
    assert_eq!(totals.before.resident, before_resident(&difference));
    assert_eq!(totals.after, after_totals(&difference));
    let by_mapping = difference
        .totals_by_mapping()
        .map(|mapping| mapping.totals.growth());
    assert_eq!(by_mapping.sum::<i64>(), totals.growth());
    let [came, went] = [totals.added.resident, totals.removed.resident];
    let of_zeros = totals.growth() - (came as i64 - went as i64);
    assert_eq!(of_zeros, MIB as i64 / 4);
}

fn before_resident(difference: &WorkingSetDifference<'_>) -> u64 {
    difference.before().totals().resident
}

fn after_totals(difference: &WorkingSetDifference<'_>) -> psapi::PageTotals {
    difference.after().totals()
}

#[test]
fn nothing_changes_by_itself_nor_by_being_saved() {
    let stepping = Stepping::start();
    for (way, system) in ways::to_pages() {
        eprintln!("by {way}");
        let before = stepping.taken(&system);
        let mut file = Vec::new();
        before.write_to(&mut file).unwrap();
        let saved = WorkingSet::read_from(&file[..]).unwrap();
        assert_eq!(saved, before);
        assert_eq!(saved.taken(), before.taken());
        let after = stepping.taken(&system);
        let difference = after.difference(&saved).unwrap();
        // Pages of libraries are mapped by whoever runs at the time.
        let others_doing =
            |change: &PageDifference<'_>| change.kind() == DifferenceKind::SharesChanged;
        let changes: Vec<_> = difference
            .pages()
            .filter(|change| !others_doing(change))
            .collect();
        assert!(changes.is_empty(), "{changes:?}");
        eprintln!("{} bytes for {} runs", file.len(), before.runs().count());
    }
}

#[test]
fn after_another_program_nothing_of_the_first_is_left_where_it_was() {
    let mut stepping = Stepping::start();
    let places = [stepping.places["same"], stepping.places["touched"]];
    let before = stepping.taken(&System::new());
    stepping.step();
    stepping.step();
    let after = stepping.taken(&System::new());
    let difference = after.difference(&before).unwrap();
    for place in places {
        let removed = difference.pages().find(|change| change.start == place);
        assert_eq!(removed.unwrap().kind(), REMOVED);
    }
    assert_eq!(difference.totals().after, after.totals());
}

#[test]
fn processes_are_not_compared_with_each_other() {
    let stepping = Stepping::start();
    let own = System::new().current_process().unwrap();
    let own = own.working_set().unwrap();
    let other = stepping.taken(&System::new());
    let error = other.difference(&own).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidParameter);
    assert_eq!(error.process(), Some(stepping.subject.id()));
    assert!(
        error.to_string().ends_with(": they are of two processes"),
        "{error}"
    );
    assert_ne!(own.start(), std::time::Duration::ZERO);
    assert_eq!(other.name(), "subject");
}
