//! Totals of whole working sets and of modules.

use psapi::{PageInfo, PageRun, System};

use testing::interfaces;
#[cfg(target_os = "linux")]
use testing::{Program, programs};

use super::*;

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

#[test]
fn totals_are_sums_of_parts() {
    let fixture = Fixture::start();
    for (interface, system) in interfaces::page_interfaces() {
        eprintln!("by {interface}");
        let set = fixture.process(&system).working_set().unwrap();
        let totals = set.totals();
        assert_eq!(totals.private + totals.file, totals.resident);
        let parts: u64 = set.totals_by_mapping().map(|(_, part)| part.resident).sum();
        assert_eq!(parts, totals.resident);
        let counted = set.runs().filter(PageRun::is_counted);
        assert_eq!(counted.map(|run| run.size()).sum::<u64>(), totals.resident);
        let ranges = ["shared", "code", "every_other"].map(|name| fixture.at(name));
        let (by_range, rest) = set.totals_by_range(&ranges);
        let found: Vec<_> = by_range
            .iter()
            .map(|part| (part.private, part.file))
            .collect();
        assert_eq!(found, [(0, 3 * MIB), (MIB, 0), (4 * MIB, 0)]);
        assert_eq!(rest.resident + 8 * MIB, totals.resident);
    }
}

/// Starts a process that has written to every odd page of a range.
#[cfg(target_os = "linux")]
fn odd_pages() -> (TestProcess, u64) {
    let subject = Program::compile(programs::ODD_PAGES, &[]).start();
    (subject, 0x2000_0000_0000)
}

#[cfg(windows)]
fn odd_pages() -> (Fixture, u64) {
    let fixture = Fixture::start();
    let start = fixture.at("odd_pages").start;
    (fixture, start)
}

/// The kernel can resume a scan at pages that it has reported already, if the last page of the
/// range fills the buffer.
#[test]
fn pages_are_counted_once() {
    let (subject, start) = odd_pages();
    for (interface, system) in interfaces::page_interfaces() {
        let process = system.process(subject.id()).unwrap();
        let read = || {
            let set = process.working_set().unwrap();
            let mut totals = set.totals_by_mapping();
            let (_, totals) = totals.find(|(mapping, _)| mapping.start == start).unwrap();
            assert!(set.runs().is_sorted_by(|a, b| a.end <= b.start));
            totals.private
        };
        let mut private = read();
        // Wine reads `pagemap`, and takes pages that the kernel is moving for absent ones.
        for _ in 0..100 {
            if cfg!(target_os = "linux") || private >= 32 * MIB {
                break;
            }
            private = read();
        }
        assert_eq!(private, 32 * MIB, "by {interface}");
    }
}
