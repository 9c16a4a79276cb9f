//! Tests that change the drivers, settings and page files of the machine. `.config/nextest.toml`
//! runs each of them alone.

use std::path::Path;

use rustix::thread::CapabilitySet;

use crate::api::*;
use crate::device_drivers::{base_name, check_names, drivers};
use crate::page_files::page_files;

use testing::machine::{Driver, MachineLock, Setting, driver_file};
use testing::privilege::with_capabilities;
use testing::swap::Swap;
use testing::{Program, proc_file, programs, skip};

/// Returns the names and addresses of the drivers in `/proc/modules`.
fn listed() -> Vec<(String, usize)> {
    let text = std::fs::read_to_string("/proc/modules").unwrap();
    let lines = text.lines().map(|line| {
        let fields: Vec<_> = line.split(' ').collect();
        let address = usize::from_str_radix(fields[5].trim_start_matches("0x"), 16);
        (fields[0].to_owned(), address.unwrap())
    });
    lines.collect()
}

fn file_name(base: Address) -> String {
    let mut name = [0; 4096];
    succeed(|api| (api.GetDeviceDriverFileNameA)(base, name.as_mut_ptr(), 4096));
    text(&name)
}

#[test]
fn drivers_follow_load_and_unload() {
    let alone = MachineLock::acquire();
    let Some(dummy) = Driver::load(&alone, "dummy") else {
        skip("cannot load drivers: needs root and dummy as a loadable driver");
        return;
    };
    check_names();
    let found: Vec<usize> = drivers()[1..].iter().map(|base| base.addr()).collect();
    let listed = listed();
    assert_eq!(
        found,
        listed.iter().map(|driver| driver.1).collect::<Vec<_>>()
    );
    let at = listed
        .iter()
        .position(|driver| driver.0 == "dummy")
        .unwrap();
    let base = drivers()[1 + at];
    let file = driver_file("dummy").expect("a loaded driver has a file");
    assert_eq!(Path::new(&file_name(base)), file);
    assert_eq!(base_name(base), file.file_name().unwrap().to_str().unwrap());

    dummy.unload().expect("the driver is not in use");
    assert!(!drivers().contains(&base));
    let mut name = [0; 64];
    let code = fail(|api| (api.GetDeviceDriverBaseNameA)(base, name.as_mut_ptr(), 64));
    assert_eq!(code, INVALID_HANDLE);
    check_names();
}

#[test]
fn driver_names_ignore_kptr_restrict() {
    let alone = MachineLock::acquire();
    let Some(restrict) = Setting::open(&alone, "/proc/sys/kernel/kptr_restrict") else {
        skip("cannot change kernel settings: needs root");
        return;
    };
    let _dummy = Driver::load(&alone, "dummy");
    for level in [0, 1, 2] {
        restrict.set(level);
        check_names();
        unprivileged(check_names);
    }
}

#[test]
fn watch_follows_perf_event_paranoid() {
    let alone = MachineLock::acquire();
    let Some(paranoid) = Setting::open(&alone, "/proc/sys/kernel/perf_event_paranoid") else {
        skip("cannot change kernel settings: needs root");
        return;
    };
    // Debian patches its kernels so that levels above 2 deny all events.
    let version = std::fs::read_to_string("/proc/version").unwrap();
    let is_patched = version.contains("debian-kernel@");
    let program = Program::compile(programs::WAITS, &[]);
    api();
    for level in [-1, 1, 2, 3, 4] {
        paranoid.set(level);
        with_capabilities(CapabilitySet::empty(), || {
            let process = program.start();
            let open = OpenHandle::new(QUERY, process.id().get());
            if level > 2 && is_patched {
                let code = fail(|api| (api.InitializeProcessForWsWatch)(open.0));
                assert_eq!(code, ACCESS_DENIED, "{level}");
            } else {
                succeed(|api| (api.InitializeProcessForWsWatch)(open.0));
            }
        });
    }
}

#[test]
fn empty_swaps_out_private_memory() {
    let Some(_swap) = Swap::on(64 << 20) else {
        skip("cannot add a page file: needs root, zram and util-linux");
        return;
    };
    let program = Program::compile(programs::WRITES_8_MIB, &[]);
    let process = program.start();
    process.wait_for_sleep();
    let start = usize::from_str_radix(&process.line, 16).unwrap();
    let open = OpenHandle::new(QUERY | VM_READ | SET_QUOTA, process.id().get());
    let swapped = || -> usize {
        let status = String::from_utf8(proc_file(process.id(), "status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmSwap:"));
        let kib = line.unwrap().trim().strip_suffix(" kB").unwrap();
        kib.parse::<usize>().unwrap() * 1024
    };
    let valid = || {
        let addresses = (start..start + (8 << 20)).step_by(4096);
        let page_at = |address| PageInformation {
            address,
            attributes: 0,
        };
        let mut pages: Vec<_> = addresses.map(page_at).collect();
        let size = size_of_val(&pages[..]) as u32;
        succeed(|api| (api.QueryWorkingSetEx)(open.0, pages.as_mut_ptr(), size));
        pages.iter().filter(|page| page.attributes & 1 == 1).count()
    };
    assert_eq!((valid(), swapped()), (2048, 0));
    succeed(|api| (api.EmptyWorkingSet)(open.0));
    // Pages that are not on an LRU list yet can stay in memory.
    assert!(swapped() >= 4 << 20, "{}", swapped());
    // Every evicted page is in the page file, which can also have other pages of the process.
    let evicted = 2048 - valid();
    assert!(evicted >= 1024 && evicted * 4096 <= swapped(), "{evicted}");
}

/// The kernel keeps no peak. The library reports the highest use that it has read.
#[test]
fn page_file_peak_does_not_decrease() {
    let Some(swap) = Swap::on(64 << 20) else {
        skip("cannot add a page file: needs root, zram and util-linux");
        return;
    };
    let program = Program::compile(programs::WRITES_8_MIB, &[]);
    let mut process = program.start();
    process.wait_for_sleep();
    let open = OpenHandle::new(SET_QUOTA | LIMITED, process.id().get());
    let path = swap.path.to_str().unwrap();
    let use_and_peak = || {
        let files = page_files(0, false).files;
        let (_, _, in_use, peak) = files.into_iter().find(|file| file.0 == path).unwrap();
        (in_use, peak)
    };
    succeed(|api| (api.EmptyWorkingSet)(open.0));
    let (in_use, peak) = use_and_peak();
    assert!(in_use * rustix::param::page_size() >= 4 << 20, "{in_use}");
    assert!(peak >= in_use);
    process.kill();
    process.reap();
    let (later_use, later_peak) = use_and_peak();
    assert!(later_use < in_use);
    assert!(later_peak >= in_use);
}
