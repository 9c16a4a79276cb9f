//! Working sets that were saved on another system.
//!
//! Both files are of `maps_five_kinds`, and were saved with `WorkingSet::write_to`: `linux.set` on
//! Linux, and `windows.set` under Wine by a build with `--cfg standin`, which has every kind of
//! page. The process printed the addresses below.

use psapi::{Backing, ErrorKind, Mapping, PageAttributes, ShareCount, WorkingSet};

const LINUX: &[u8] = include_bytes!("saved/linux.set");
const WINDOWS: &[u8] = include_bytes!("saved/windows.set");

fn read(file: &[u8]) -> WorkingSet {
    WorkingSet::read_from(file).unwrap()
}

fn at(set: &WorkingSet, address: u64) -> &Mapping {
    let mut mappings = set.mappings().iter();
    let found = mappings.find(|mapping| (mapping.start..mapping.end).contains(&address));
    found.unwrap()
}

fn file(path: &str) -> Backing {
    Backing::File {
        path: path.into(),
        deleted: false,
    }
}

#[test]
fn set_of_linux_is_readable() {
    let set = read(LINUX);
    assert_eq!(
        (set.process().get(), set.name()),
        (29769, "mapkinds".as_ref())
    );
    assert_eq!(set.start().as_nanos(), 17_660_880_000_000);
    let mapped = at(&set, 0x7f71_6e47_3000);
    assert_eq!(mapped.backing, file("/tmp/mapkinds"));
    assert_eq!((mapped.offset, mapped.shared), (Some(4096), false));
    assert!(mapped.file.is_some());
    let name = "named".into();
    assert_eq!(at(&set, 0x7f71_6e47_1000).backing, Backing::Memfd { name });
    let totals = set.totals();
    assert_eq!((totals.resident, totals.private), (1_540_096, 114_688));
    assert_eq!((totals.zero, totals.swapped), (Some(0), Some(0)));
}

#[test]
fn set_of_windows_is_readable() {
    let set = read(WINDOWS);
    assert_eq!(
        (set.process().get(), set.name()),
        (1504, "mapkinds.exe".as_ref())
    );
    assert_eq!(set.start().as_nanos(), 1_279_551_617_000);
    let mapped = at(&set, 0x7fff_fe8e_0000);
    assert_eq!(mapped.backing, file(r"Z:\tmp\mapkinds.exe"));
    assert_eq!(
        (mapped.offset, mapped.file, mapped.shared),
        (None, None, true)
    );
    let section = at(&set, 0x7fff_fe8f_0000);
    assert_eq!(section.backing, Backing::PagefileSection);
    assert_eq!(section.backing.label(), "[pagefile section]");
    assert!(section.shared);
    let totals = set.totals();
    assert_eq!((totals.resident, totals.private), (18_956_288, 3_420_160));
    assert_eq!((totals.locked, totals.guard), (1_638_400, Some(4096)));
    assert_eq!(totals.shares.times[6], 2_199_552);
    let seven = Some(ShareCount::SevenOrMore);
    assert!(
        set.runs()
            .any(|run| run.shares == seven && run.node == Some(1))
    );
    // What Windows does not report is unknown.
    assert!(
        !set.known()
            .intersects(PageAttributes::SWAPPED | PageAttributes::ZERO)
    );
    assert_eq!(
        (totals.swapped, totals.zero, totals.special),
        (None, None, None)
    );
}

#[test]
fn restored_sets_are_saved_alike() {
    for file in [LINUX, WINDOWS] {
        let mut again = Vec::new();
        read(file).write_to(&mut again).unwrap();
        // The bytes can differ: times of Windows have units of 100 ns.
        assert!(read(&again) == read(file));
        assert_eq!(again.len(), file.len());
    }
}

#[test]
fn sets_of_two_processes_do_not_compare() {
    let (linux, windows) = (read(LINUX), read(WINDOWS));
    let error = linux.difference(&windows).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidParameter, "{error}");
    assert_eq!(windows.difference(&windows).unwrap().totals().growth(), 0);
}
