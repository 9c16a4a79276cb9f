//! Which callers see kernel addresses, by `kernel.kptr_restrict` and `kernel.perf_event_paranoid`.

use std::fs;

use psapi::{DriverKind, System};
use rustix::thread::CapabilitySet;

use testing::machine::{Driver, MachineLock, Setting};
use testing::privilege::{NOBODY, as_user, with_capabilities};
use testing::skip;

/// Returns the address of a symbol, if the kernel shows it to the caller.
fn symbol(name: &str) -> Option<u64> {
    let text = fs::read_to_string("/proc/kallsyms").unwrap();
    let line = text.lines().find(|line| line.ends_with(name)).unwrap();
    let address = u64::from_str_radix(line.split(' ').next().unwrap(), 16).unwrap();
    (address != 0).then_some(address)
}

#[test]
fn addresses_follow_kernel_settings() {
    let lock = MachineLock::acquire();
    let settings = [
        Setting::open(&lock, "/proc/sys/kernel/kptr_restrict"),
        Setting::open(&lock, "/proc/sys/kernel/perf_event_paranoid"),
    ];
    let [Some(restrict), Some(paranoid)] = &settings else {
        return skip("cannot change kernel settings: needs root");
    };
    let syslog = CapabilitySet::SYSLOG;
    let own = rustix::thread::capabilities(None).unwrap().permitted;
    if !own.contains(syslog) {
        return skip("root lacks CAP_SYSLOG");
    }
    let without = own - syslog;
    let dummy = Driver::load(&lock, "dummy");
    restrict.set(0);
    let addresses = || {
        // A new system, because a system caches addresses.
        let drivers = System::new().device_drivers().unwrap();
        let image = (drivers[0].load_address, drivers[0].size);
        assert_eq!(drivers[0].kind, DriverKind::KernelImage);
        let mut loaded = drivers
            .into_iter()
            .filter(|driver| driver.kind == DriverKind::Loadable);
        let dummy = loaded.find(|driver| driver.name == "dummy");
        (image, dummy.map(|driver| driver.load_address))
    };
    let text = symbol(" _text").expect("root sees addresses");
    let all = addresses();
    assert_eq!(all.0.0, Some(text));
    assert_eq!(all.1.is_some(), dummy.is_some());
    if let Some(address) = all.1 {
        assert_ne!(address.expect("root sees the address"), 0);
    }
    let hidden = ((None, None), all.1.map(|_| None));

    for level in [0, 1, 2] {
        for paranoia in [-1, 1, 2] {
            restrict.set(level);
            paranoid.set(paranoia);
            let by = |has_syslog: bool| {
                let is_shown =
                    level == 0 && (has_syslog || paranoia < 2) || level == 1 && has_syslog;
                if is_shown { all } else { hidden }
            };
            let levels = format!("kptr_restrict {level}, perf_event_paranoid {paranoia}");
            for (capabilities, has_syslog) in [
                (CapabilitySet::empty(), false),
                (without, false),
                (syslog, true),
            ] {
                let addresses = with_capabilities(capabilities, addresses);
                assert_eq!(addresses, by(has_syslog), "{levels}: {capabilities:?}");
            }
            assert_eq!(as_user(0, without, addresses), by(false), "{levels}: root");
            assert_eq!(addresses(), by(true), "{levels}: root with all");
        }
    }
    // A system that found the addresses hidden finds them once they are shown.
    restrict.set(2);
    let system = System::new();
    let start = || system.loaded_drivers().unwrap()[0].load_address;
    assert_eq!(start(), None);
    restrict.set(0);
    assert_eq!(start(), Some(text));
    assert_eq!(as_user(NOBODY, CapabilitySet::SYSLOG, start), Some(text));
}
