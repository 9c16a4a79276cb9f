//! Totals of whole working sets and of modules.

use psapi::{PageAttributes, PageInfo, PageRun, System};

use testing::interfaces;
use testing::rollup::{counters_lag, rollup};
use testing::{Program, programs, skip};

use super::*;

#[test]
fn totals_match_smaps() {
    // Other processes map libraries: a static program has none.
    let program = Program::try_compile("subject".as_ref(), programs::PAGE_LAYOUT, &["-static"]);
    let Some(program) = program else {
        return skip("the compiler can't link statically");
    };
    let fixture = Fixture::of(&program);
    let figure = |name: &str| rollup(fixture.subject.id(), name);
    let private = || figure("Private_Clean") + figure("Private_Dirty");
    for (interface, system) in interfaces::page_interfaces() {
        eprintln!("by {interface}");
        let process = fixture.process(&system);
        let set = read_working_set(&process, &all_shares());
        if !set.known().contains(PageAttributes::ZERO) {
            continue;
        }
        let totals = set.totals();
        let counters = process.memory_counters().unwrap();
        assert_eq!(totals.resident, figure("Rss"));
        assert_eq!(totals.private, figure("Anonymous"));
        if !counters_lag() {
            assert_eq!(totals.resident, counters.working_set);
            assert_eq!(Some(totals.private), counters.rss_anon);
        }
        assert_eq!(Some(totals.locked), counters.locked);
        assert_eq!(totals.private + totals.file, totals.resident);
        // Pages mapped by no other process are private in `smaps`.
        let exclusive = totals.shares.exclusive().unwrap();
        assert_eq!(exclusive, private());
        assert_eq!(totals.shares.shared(), Some(totals.resident - exclusive));
        let parts: u64 = set.totals_by_mapping().map(|(_, part)| part.resident).sum();
        assert_eq!(parts, totals.resident);
        let pages = set
            .runs()
            .filter(PageRun::is_counted)
            .map(|run| run.size())
            .sum::<u64>();
        assert_eq!(pages, totals.resident);
    }
}

/// The kernel can resume a scan at pages that it has reported already, if the last page of the
/// range fills the buffer.
#[test]
fn pages_are_counted_once() {
    let subject = Program::compile(programs::ODD_PAGES, &[]).start();
    for (interface, system) in interfaces::page_interfaces() {
        let set = system.process(subject.id()).unwrap().working_set().unwrap();
        let mut totals = set.totals_by_mapping();
        let (_, totals) = totals
            .find(|(mapping, _)| mapping.start == 0x2000_0000_0000)
            .unwrap();
        assert_eq!(totals.private, 32 * MIB, "by {interface}");
        assert!(set.runs().is_sorted_by(|a, b| a.end <= b.start));
    }
}

#[test]
fn module_totals_match_pages() {
    let fixture = Fixture::start();
    let process = fixture.process(&System::new());
    let set = process.working_set().unwrap();
    let modules = process.modules(psapi::ModuleFilter::All).unwrap();
    let totals: Vec<_> = set.totals_by_module(&modules).collect();
    assert_eq!(totals.len(), modules.len());
    let in_modules: u64 = totals.iter().map(|(_, totals)| totals.resident).sum();
    let elsewhere = set.totals_outside(&modules).resident;
    assert!(elsewhere > 0);
    assert_eq!(in_modules + elsewhere, set.totals().resident);
    for (module, totals) in totals {
        // The last mapping can extend beyond the module into other anonymous memory.
        let range = module.base..module.base + module.size;
        let pages = set.pages().filter(|page| range.contains(&page.address));
        let resident = pages.filter(PageInfo::is_valid).count() as u64;
        let expected = resident * set.page_size();
        assert_eq!(totals.resident, expected, "{}", module.path.display());
        assert!(expected > 0, "{}", module.path.display());
    }
}
