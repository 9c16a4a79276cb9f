//! Drivers, settings and page files that the tests change. Each test runs alone; see
//! `.config/nextest.toml`.

use std::path::Path;

use rustix::thread::CapabilitySet;

use crate::api::*;
use crate::device_drivers::{base_name, check_names, drivers};
use crate::support::child::{Program, proc_file};
use crate::support::machine::{Alone, Driver, Setting, driver_file};
use crate::support::privilege::{as_nobody_with, skip};
use crate::support::swap::Swap;

/// The drivers that the kernel lists, with their addresses.
fn listed() -> Vec<(String, usize)> {
    let text = std::fs::read_to_string("/proc/modules").unwrap();
    let lines = text.lines().map(|line| {
        let words: Vec<_> = line.split(' ').collect();
        let address = usize::from_str_radix(words[5].trim_start_matches("0x"), 16);
        (words[0].to_owned(), address.unwrap())
    });
    lines.collect()
}

fn file_name(base: Address) -> String {
    let mut name = [0; 4096];
    done(|api| (api.GetDeviceDriverFileNameA)(base, name.as_mut_ptr(), 4096));
    text(&name)
}

#[test]
fn enum_device_drivers_follows_what_is_loaded() {
    let alone = Alone::now();
    let Some(dummy) = Driver::load(&alone, "dummy") else {
        skip("no driver can be loaded: needs root, and dummy as a loadable driver");
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
    let file = driver_file("dummy").expect("it was loaded from there");
    assert_eq!(Path::new(&file_name(base)), file);
    assert_eq!(base_name(base), file.file_name().unwrap().to_str().unwrap());

    dummy.unload().expect("nobody uses it");
    assert!(!drivers().contains(&base));
    let mut name = [0; 64];
    let code = failed(|api| (api.GetDeviceDriverBaseNameA)(base, name.as_mut_ptr(), 64));
    assert_eq!(code, INVALID_HANDLE);
    check_names();
}

#[test]
fn values_that_stand_for_addresses_have_names_whatever_the_kernel_hides() {
    let alone = Alone::now();
    let Some(restrict) = Setting::of(&alone, "/proc/sys/kernel/kptr_restrict") else {
        skip("the settings of the kernel can't be changed: needs root");
        return;
    };
    let _dummy = Driver::load(&alone, "dummy");
    for level in [0, 1, 2] {
        restrict.set(level);
        check_names();
        as_nobody(check_names);
    }
}

#[test]
fn initialize_process_for_ws_watch_access_denied_by_the_setting() {
    let alone = Alone::now();
    let Some(paranoid) = Setting::of(&alone, "/proc/sys/kernel/perf_event_paranoid") else {
        skip("the settings of the kernel can't be changed: needs root");
        return;
    };
    // Debian's kernels give levels above 2 a meaning.
    let version = std::fs::read_to_string("/proc/version").unwrap();
    let is_patched = version.contains("debian-kernel@");
    let program = Program::compile(
        "#include <stdio.h>\nint main(void) { puts(\".\"); fflush(stdout); getchar(); }",
        &[],
    );
    api();
    for level in [-1, 1, 2, 3, 4] {
        paranoid.set(level);
        as_nobody_with(CapabilitySet::empty(), || {
            let subject = program.start();
            let open = Opened::new(QUERY, subject.id().get());
            match level > 2 && is_patched {
                true => {
                    let code = failed(|api| (api.InitializeProcessForWsWatch)(open.0));
                    assert_eq!(code, ACCESS_DENIED, "{level}");
                }
                false => {
                    done(|api| (api.InitializeProcessForWsWatch)(open.0));
                }
            }
        });
    }
}

const SUBJECT: &str = r#"
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
int main(void) {
    char *p = mmap(0, 8 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(p, 8 << 20, MADV_NOHUGEPAGE);
    memset(p, 1, 8 << 20);
    printf("%zx\n", (size_t)p); fflush(stdout); getchar(); return 0;
}"#;

#[test]
fn empty_working_set_moves_private_memory_to_a_page_file() {
    let Some(_swap) = Swap::on(64 << 20) else {
        skip("no page file can be had: needs root, zram and util-linux");
        return;
    };
    let program = Program::compile(SUBJECT, &[]);
    let subject = program.start();
    subject.settle();
    let start = usize::from_str_radix(&subject.said, 16).unwrap();
    let open = Opened::new(QUERY | VM_READ | SET_QUOTA, subject.id().get());
    let swapped = || -> usize {
        let status = String::from_utf8(proc_file(subject.id(), "status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmSwap:"));
        let kib = line.unwrap().trim().strip_suffix(" kB").unwrap();
        kib.parse::<usize>().unwrap() * 1024
    };
    let valid = || {
        let addresses = (start..start + (8 << 20)).step_by(4096);
        let of = |address| PageInformation {
            address,
            attributes: 0,
        };
        let mut pages: Vec<_> = addresses.map(of).collect();
        let size = size_of_val(&pages[..]) as u32;
        done(|api| (api.QueryWorkingSetEx)(open.0, pages.as_mut_ptr(), size));
        pages.iter().filter(|page| page.attributes & 1 == 1).count()
    };
    assert_eq!((valid(), swapped()), (2048, 0));
    done(|api| (api.EmptyWorkingSet)(open.0));
    // Pages that were on their way to the lists which the kernel takes pages from may stay.
    assert!(swapped() >= 4 << 20, "{}", swapped());
    // What is not in memory of these pages is in the page file, as are some others of the process.
    let left = 2048 - valid();
    assert!(left >= 1024 && left * 4096 <= swapped(), "{left}");
}
