//! Attributes of pages, and which pages are resident.

use psapi::{PageAttributes, Protection, System};

use testing::{interfaces, skip};

use super::*;

#[test]
fn attributes_match_fixture() {
    let fixture = Fixture::start();
    for (interface, system) in interfaces::page_interfaces() {
        eprintln!("by {interface}");
        let set = fixture.process(&system).working_set().unwrap();
        assert_eq!(set.process(), fixture.id());
        let one_run = |name| one_run(&set, fixture.at(name));
        let is = |name| {
            let run = one_run(name);
            (run.attributes - SOFT_DIRTY, run.protection())
        };

        let every_other = fixture.at("every_other");
        let runs: Vec<_> = within(&set, every_other.clone()).collect();
        assert_eq!(runs.len(), 1024);
        for (run, expected) in runs.iter().zip(every_other.step_by(8192)) {
            assert_eq!((run.start, run.size()), (expected, 4096));
            assert_eq!(run.attributes - SOFT_DIRTY, RESIDENT);
            assert_eq!(run.protection(), Protection::ReadWrite);
        }

        assert_eq!(is("shared"), (FILE, Protection::ReadWrite));
        assert_eq!(is("twice_a"), (FILE, Protection::ReadWrite));
        assert_eq!(is("code"), (RESIDENT, Protection::ExecuteRead));
        #[cfg(target_os = "linux")]
        {
            assert_eq!(is("no_access"), (RESIDENT, Protection::NoAccess));
            let locked = RESIDENT | PageAttributes::LOCKED;
            assert_eq!(is("locked"), (locked, Protection::ReadWrite));
        }
        assert_eq!(within(&set, fixture.at("untouched")).count(), 0);

        // Pages that were written to are private copies. The rest belong to the file.
        let file = fixture.at("file");
        let runs: Vec<_> = within(&set, file.clone()).collect();
        assert_eq!(runs.len(), 2);
        assert_eq!((runs[0].start, runs[0].end), (file.start, file.start + MIB));
        assert_eq!(runs[0].attributes - SOFT_DIRTY, RESIDENT);
        assert_eq!(runs[0].protection(), Protection::ReadWrite);
        assert_eq!(runs[1].attributes - SOFT_DIRTY, FILE);
        assert_eq!(runs[1].protection(), Protection::CopyOnWrite);
        let (file, _) = set.totals_by_range(&[file]);
        assert_eq!((file[0].private, file[0].file), (MIB, 3 * MIB));
    }
}

#[test]
fn guard_regions_are_not_resident() {
    let fixture = Fixture::start();
    if fixture.at("guards").start == 0 {
        return skip("the kernel lacks MADV_GUARD_INSTALL");
    }
    let range = fixture.at("guarded");
    let guard = range.start + MIB / 2..range.start + 3 * MIB / 4;
    for (interface, system) in interfaces::page_interfaces() {
        eprintln!("by {interface}");
        let set = fixture.process(&system).working_set().unwrap();
        if !set.known().contains(PageAttributes::GUARD) {
            skip("the kernel does not report guard regions");
            continue;
        }
        let run = one_run(&set, guard.clone());
        assert_eq!(run.attributes - SOFT_DIRTY, PageAttributes::GUARD);
        let (totals, _) = set.totals_by_range(std::slice::from_ref(&range));
        assert_eq!(totals[0].resident, 3 * MIB / 4);
        assert_eq!(totals[0].guard, Some(MIB / 4));
        let no_swap = cfg!(target_os = "linux").then_some(0);
        assert_eq!(totals[0].swapped, no_swap);
    }
}

#[cfg(target_os = "linux")]
fn only_numa_node() -> Option<u16> {
    let node = std::fs::read_to_string("/sys/devices/system/node/has_memory");
    node.ok()?.trim().parse().ok()
}

#[cfg(windows)]
fn only_numa_node() -> Option<u16> {
    use windows_sys::Win32::System::Threading::GetNumaHighestNodeNumber;
    let mut highest = u32::MAX;
    // SAFETY: the call stores a number.
    let known = unsafe { GetNumaHighestNodeNumber(&mut highest) } != 0;
    (known && highest == 0).then_some(0)
}

#[test]
fn pages_have_numa_nodes() {
    let fixture = Fixture::start();
    let Some(node) = only_numa_node() else {
        return skip("the machine does not have exactly one NUMA node");
    };
    #[cfg(target_os = "linux")]
    // Queries nodes as on a machine with several.
    let systems = [System::new(), System::builder().with_numa_query().build()];
    #[cfg(windows)]
    let systems = [System::new()];
    for system in systems {
        let set = fixture.process(&system).working_set().unwrap();
        for run in set.runs() {
            let is_memory = run.attributes.contains(RESIDENT)
                && !run.attributes.contains(PageAttributes::SPECIAL);
            // The kernel reports no node for the zero page.
            if !run.attributes.contains(PageAttributes::ZERO) {
                assert_eq!(run.node, is_memory.then_some(node), "{run:?}");
            }
        }
    }
}
