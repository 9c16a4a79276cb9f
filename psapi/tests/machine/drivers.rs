//! Drivers that the tests load and unload.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use psapi::{DeviceDriver, DriverKind, DriverState, System};

use testing::machine::{
    Driver, MachineLock, driver_file, drivers_directory, is_loaded, run_quietly,
};
use testing::privilege::unprivileged;
use testing::{public_directory, skip};

const NO_DRIVERS: &str = "cannot load drivers: needs root and dummy as a loadable driver";

fn drivers() -> Vec<DeviceDriver> {
    let system = System::new();
    let all = system.device_drivers().unwrap();
    let is_loaded = |driver: &&DeviceDriver| driver.kind != DriverKind::BuiltIn;
    // `loaded_drivers` returns a subset of `device_drivers`.
    assert_eq!(
        all.iter().filter(is_loaded).collect::<Vec<_>>(),
        system.loaded_drivers().unwrap().iter().collect::<Vec<_>>()
    );
    all
}

/// Returns a loaded driver. A built-in one can have the same name, as `dummy` of i2c.
fn driver(name: &str) -> Option<DeviceDriver> {
    let is_it = |driver: &DeviceDriver| driver.kind == DriverKind::Loadable && driver.name == name;
    let mut found = drivers().into_iter().filter(is_it);
    let driver = found.next();
    assert!(found.next().is_none(), "{name} is listed twice");
    driver
}

/// The directory of a loaded driver in `/sys/module`.
struct ModuleDirectory(PathBuf);

impl ModuleDirectory {
    fn text(&self, file: &str) -> Option<String> {
        let text = fs::read_to_string(self.0.join(file)).ok()?;
        Some(text.trim().to_owned())
    }

    fn number(&self, file: &str) -> Option<u64> {
        self.text(file)?.parse().ok()
    }

    fn address(&self, section: &str) -> Option<u64> {
        let text = self.text(&format!("sections/{section}"))?;
        u64::from_str_radix(text.trim_start_matches("0x"), 16).ok()
    }

    fn holders(&self) -> BTreeSet<String> {
        let holders = fs::read_dir(self.0.join("holders")).into_iter().flatten();
        holders
            .map(|holder| holder.unwrap().file_name().into_string().unwrap())
            .collect()
    }
}

fn assert_matches_sysfs(driver: &DeviceDriver) {
    let name = driver.name.to_str().unwrap();
    let sys = ModuleDirectory(Path::new("/sys/module").join(name));
    assert_eq!(sys.text("initstate").as_deref(), Some("live"), "{name}");
    assert_eq!(driver.state, DriverState::Live, "{name}");
    assert_eq!(driver.size, sys.number("coresize"), "{name}");
    assert_eq!(driver.references, sys.number("refcnt"), "{name}");
    let users = driver.users.iter();
    let users: BTreeSet<_> = users.map(|user| user.to_str().unwrap().into()).collect();
    assert_eq!(users, sys.holders(), "{name}");
    assert_eq!(Some(driver.taint.clone()), sys.text("taint"), "{name}");
    assert_eq!(driver.file, driver_file(name), "{name}");
}

#[test]
fn loaded_drivers_match_sysfs() {
    let lock = MachineLock::acquire();
    let loaded: Vec<_> = ["dummy", "veth", "loop", "zram"]
        .into_iter()
        .filter_map(|name| Driver::load(&lock, name))
        .collect();
    if loaded.is_empty() {
        return skip(NO_DRIVERS);
    }
    let all = drivers();
    for driver in &loaded {
        let found = all.iter().filter(|found| found.name == driver.name);
        let found: Vec<_> = found.collect();
        assert_eq!(found.len(), 1, "{}", driver.name);
        assert_eq!(found[0].kind, DriverKind::Loadable);
        assert_eq!(found[0].permanent, Some(false), "{}", driver.name);
    }
    let of_kind = |kind| all.iter().filter(move |driver| driver.kind == kind);
    for driver in of_kind(DriverKind::Loadable) {
        assert_matches_sysfs(driver);
        let sys = ModuleDirectory(Path::new("/sys/module").join(&driver.name));
        let (start, text) = (
            driver.load_address.unwrap(),
            sys.address(".text")
                .or_else(|| sys.address(".text.unlikely")),
        );
        if let Some(text) = text {
            let end = start + driver.size.unwrap();
            assert!((start..end).contains(&text), "{driver:?}: {text:x}");
        }
    }
    // An unprivileged caller gets the same list without the addresses.
    unprivileged(|| {
        for driver in drivers() {
            let mut expected = all
                .iter()
                .find(|all| all.name == driver.name)
                .unwrap()
                .clone();
            if driver.load_address.is_none() {
                expected.load_address = None;
            }
            if driver.kind == DriverKind::KernelImage && driver.load_address.is_none() {
                expected.size = None;
            }
            assert_eq!(driver, expected);
        }
    });
}

#[test]
fn dependencies_list_dependent_driver() {
    let lock = MachineLock::acquire();
    let Some(zram) = Driver::load(&lock, "zram") else {
        return skip(NO_DRIVERS);
    };
    let dependencies = fs::read_to_string(drivers_directory().join("modules.dep")).unwrap();
    let line = dependencies.lines().find(|line| {
        let (file, _) = line.split_once(':').unwrap();
        file.contains("/zram.ko")
    });
    let (_, needs) = line.unwrap().split_once(':').unwrap();
    let names = needs.split_whitespace().map(|file| {
        let base = file.rsplit('/').next().unwrap();
        base.split('.').next().unwrap().replace('-', "_")
    });
    let names: Vec<_> = names.collect();
    if names.is_empty() {
        return skip("zram depends on no other driver in this kernel");
    }
    let is_user = |name: &str| {
        let found = driver(name);
        found.is_some_and(|found| found.users.iter().any(|user| user == "zram"))
    };
    for name in &names {
        assert!(is_user(name), "{name} of {names:?}");
        let references = driver(name).unwrap().references.unwrap();
        assert!(references >= 1, "{name}");
        // A driver that others depend on cannot be unloaded.
        assert_eq!(run_quietly("rmmod", &[name.as_ref()]), None, "{name}");
    }
    if zram.unload().is_some() {
        assert!(names.iter().all(|name| !is_user(name)));
    }
}

#[test]
fn used_driver_has_references() {
    let lock = MachineLock::acquire();
    let Some(_driver) = Driver::load(&lock, "loop") else {
        return skip(NO_DRIVERS);
    };
    let directory = public_directory();
    let file = directory.path().join("disk");
    fs::write(&file, vec![0; 1 << 20]).unwrap();
    let references = || driver("loop").unwrap().references.unwrap();
    let before = references();
    let free = Command::new("losetup").arg("-f").output().unwrap();
    let device = String::from_utf8(free.stdout).unwrap();
    let device = Path::new(device.trim());
    run_quietly("losetup", &[device.as_ref(), file.as_ref()]).expect("attach a loop device");
    let during = references();
    run_quietly("losetup", &["-d".as_ref(), device.as_ref()]).expect("detach the loop device");
    assert!(during > before, "{before} then {during}");
}

#[test]
fn unloaded_driver_is_not_listed() {
    let lock = MachineLock::acquire();
    let Some(dummy) = Driver::load(&lock, "dummy") else {
        return skip(NO_DRIVERS);
    };
    let others = || -> Vec<_> {
        let all = drivers().into_iter();
        all.filter(|driver| driver.name != "dummy").collect()
    };
    let before = others();
    assert!(driver("dummy").is_some());
    dummy.unload().expect("unload an unused driver");
    assert_eq!(driver("dummy"), None);
    assert_eq!(others(), before);
    dummy.reload().expect("load the driver again");
    // The driver loaded last is the first one after the kernel image.
    assert_eq!(drivers()[1].name, "dummy");
    assert_matches_sysfs(&drivers()[1]);
}

#[test]
fn listing_survives_loads_and_unloads() {
    let lock = MachineLock::acquire();
    let (Some(dummy), Some(veth)) = (Driver::load(&lock, "dummy"), Driver::load(&lock, "veth"))
    else {
        return skip(NO_DRIVERS);
    };
    let system = System::new();
    let stays = |driver: &DeviceDriver| {
        driver.kind == DriverKind::Loadable && driver.name != "dummy" && driver.name != "veth"
    };
    let names = |drivers: &[DeviceDriver]| -> Vec<_> {
        let staying = drivers.iter().filter(|driver| stays(driver));
        staying.map(|driver| driver.name.clone()).collect()
    };
    let expected = names(&system.loaded_drivers().unwrap());
    let done = AtomicBool::new(false);
    let (mut with, mut without) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..10 {
                for driver in [&dummy, &veth] {
                    driver.unload().expect("unload an unused driver");
                }
                for driver in [&dummy, &veth] {
                    driver.reload().expect("load the driver again");
                }
            }
            done.store(true, Ordering::Relaxed);
        });
        while !done.load(Ordering::Relaxed) {
            let drivers = system.loaded_drivers().unwrap();
            assert_eq!(names(&drivers), expected);
            let found: Vec<_> = drivers.iter().filter(|d| d.name == "dummy").collect();
            match found[..] {
                [] => without += 1,
                [dummy] => {
                    with += 1;
                    assert!(dummy.size.unwrap() > 0);
                    assert_eq!(dummy.file, driver_file("dummy"));
                }
                _ => panic!("{found:?}"),
            }
        }
    });
    eprintln!("{with} lists with it, {without} without");
    assert_eq!(names(&system.loaded_drivers().unwrap()), expected);
}

/// Returns the uncompressed contents of a driver's file.
fn contents(file: &Path) -> Vec<u8> {
    match file.extension().and_then(OsStr::to_str) {
        Some("ko") => fs::read(file).unwrap(),
        Some("xz") => {
            let output = Command::new("xz").arg("-dc").arg(file).output().unwrap();
            assert!(output.status.success());
            output.stdout
        }
        other => panic!("unsupported driver file extension {other:?}"),
    }
}

fn compress(file: &Path) -> PathBuf {
    // The kernel's decompressor supports only this check and small dictionaries.
    let options: [&OsStr; 3] = [
        "--check=crc32".as_ref(),
        "--lzma2=dict=1MiB".as_ref(),
        file.as_ref(),
    ];
    run_quietly("xz", &options).expect("compress with xz");
    let mut name = file.as_os_str().to_owned();
    name.push(".xz");
    name.into()
}

/// Returns a driver without its signature, which is at the end, and with another name.
fn renamed(mut driver: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    const MARK: &[u8] = b"~Module signature appended~\n";
    if let Some(rest) = driver.strip_suffix(MARK) {
        // The last four of these twelve bytes are the signature's size.
        let (signed, information) = rest.split_at(rest.len() - 12);
        let length = u32::from_be_bytes(information[8..].try_into().unwrap());
        driver = signed[..signed.len() - length as usize].to_vec();
    }
    assert_eq!(from.len(), to.len());
    // The name is in an array of fixed size in `struct module`.
    let mut name_field = [0; 56];
    name_field[..from.len()].copy_from_slice(from.as_bytes());
    let at = driver
        .windows(name_field.len())
        .position(|bytes| bytes == name_field);
    let at = at.expect("a driver contains its name");
    driver[at..at + to.len()].copy_from_slice(to.as_bytes());
    driver
}

/// A copy with a known name gets the original's file. A driver with another name has none.
#[test]
fn driver_file_is_found_by_name() {
    let lock = MachineLock::acquire();
    let Some(dummy) = Driver::load(&lock, "dummy") else {
        return skip(NO_DRIVERS);
    };
    dummy.unload().expect("unload an unused driver");
    let original = driver_file("dummy").expect("find the driver's file");
    let directory = public_directory();

    let copy = directory.path().join("elsewhere.ko");
    fs::write(&copy, contents(&original)).unwrap();
    let copy = compress(&copy);
    run_quietly("insmod", &[copy.as_ref()]).expect("load a copy of the driver");
    // The kernel does not record the path that a driver was loaded from.
    let found = driver("dummy").expect("the driver is listed");
    assert_eq!(found.file, Some(original.clone()));
    assert_eq!(found.taint, "");
    assert_matches_sysfs(&found);
    dummy.unload().expect("unload an unused driver");

    let other = directory.path().join("other.ko");
    fs::write(&other, renamed(contents(&original), "dummy", "mummy")).unwrap();
    let other = compress(&other);
    if run_quietly("insmod", &[other.as_ref()]).is_none() {
        return skip("the kernel rejects unsigned drivers");
    }
    let found = driver("mummy");
    let taint = ModuleDirectory("/sys/module/mummy".into()).text("taint");
    run_quietly("rmmod", &["mummy".as_ref()]).expect("unload an unused driver");
    let found = found.expect("the driver is listed");
    assert_eq!(found.file, None);
    assert_eq!(Some(found.taint), taint);
    assert!(!is_loaded("mummy"));
}
