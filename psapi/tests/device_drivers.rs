//! Device drivers, in made-up trees and on this machine.

#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;

use psapi::{DeviceDriver, DriverKind, DriverState, ErrorKind, System};

use testing::privilege::unprivileged;
use testing::tree::Tree;

const RELEASE: &str = "6.1.0-18-amd64";

fn machine() -> Tree {
    Tree::machine()
        .file("proc/sys/kernel/osrelease", format!("{RELEASE}\n"))
        .file(
            "proc/kallsyms",
            "ffffffff81000000 T _stext\nffffffff81000000 T _text\nffffffff83c00000 B _end\n\
             ffffffffc0c20000 t nf_nat_init\t[nf_nat]\n",
        )
        .file(
            "proc/modules",
            "nf_nat 57344 2 xt_nat,nft_chain_nat, Live 0xffffffffc0c20000\n\
             snd_hda_intel 61440 0 [permanent], Loading 0xffffffffc0b00000 (+)\n\
             nvidia 56717312 41 - Unloading 0xffffffffc1000000 (POE-)\n\
             by_insmod 4096 0 - Live 0xffffffffc0a00000\n",
        )
        .file(
            format!("lib/modules/{RELEASE}/modules.dep"),
            "kernel/net/netfilter/nf_nat.ko.xz: kernel/lib/libcrc32c.ko.xz\n\
             kernel/sound/snd-hda-intel.ko.zst:\n/opt/nvidia.ko: \nkernel/unused.ko:\n",
        )
        .file(
            format!("lib/modules/{RELEASE}/modules.builtin"),
            "kernel/fs/ext4/ext4.ko\nkernel/drivers/char/hw_random/virtio-rng.ko\n",
        )
        .file(format!("boot/vmlinuz-{RELEASE}"), "")
        // Drivers named by their module, by a module in modules.builtin, and twice without a
        // module.
        .directory("sys/module/8250")
        .directory("sys/bus/pci/drivers/serial")
        .link(
            "sys/bus/pci/drivers/serial/module",
            "../../../../module/8250",
        )
        .directory("sys/bus/virtio/drivers/virtio_rng")
        .directory("sys/bus/platform/drivers/alarm-timer")
        .directory("sys/bus/acpi/drivers/alarm-timer")
        // A driver loaded after /proc/modules was read: its module's state is live.
        .file("sys/module/late/initstate", "live\n")
        .directory("sys/bus/pci/drivers/late")
        .link("sys/bus/pci/drivers/late/module", "../../../../module/late")
        .directory("sys/bus/empty")
}

fn names(drivers: &[DeviceDriver]) -> Vec<&str> {
    let names = drivers.iter().map(|driver| driver.name.to_str());
    names.collect::<Option<_>>().expect("all names are UTF-8")
}

/// Each driver is listed once, in this order.
#[test]
fn lists_image_loaded_and_builtin_drivers() {
    let drivers = machine().as_machine().device_drivers().unwrap();
    assert_eq!(
        names(&drivers),
        [
            "vmlinux",
            "nf_nat",
            "snd_hda_intel",
            "nvidia",
            "by_insmod",
            "8250",
            "alarm-timer",
            "ext4",
            "virtio_rng"
        ]
    );
    let kinds: Vec<_> = drivers.iter().map(|driver| driver.kind).collect();
    assert_eq!(kinds[0], DriverKind::KernelImage);
    assert_eq!(kinds[1..5], [DriverKind::Loadable; 4]);
    assert_eq!(kinds[5..], [DriverKind::BuiltIn; 4]);
}

#[test]
fn loaded_drivers_excludes_builtin_drivers() {
    let tree = machine();
    for system in [tree.as_machine(), System::new()] {
        let mut all = system.device_drivers().unwrap();
        all.retain(|driver| driver.kind != DriverKind::BuiltIn);
        // The result must not depend on whether the kernel image was looked up before.
        assert_eq!(system.loaded_drivers().unwrap(), all);
        assert_eq!(system.clone().loaded_drivers().unwrap(), all);
    }
}

#[test]
fn kernel_image_has_address_and_file() {
    let image = machine()
        .as_machine()
        .device_drivers()
        .unwrap()
        .swap_remove(0);
    assert_eq!(image.load_address, Some(0xffff_ffff_8100_0000));
    assert_eq!(image.size, Some(0x2c0_0000));
    assert_eq!(
        image.file.as_deref(),
        Some(Path::new("/boot/vmlinuz-6.1.0-18-amd64"))
    );
    assert_eq!(image.permanent, Some(true));
}

#[test]
fn loaded_driver_has_file_from_depmod() {
    let drivers = machine().as_machine().device_drivers().unwrap();
    let [nf_nat, sound, nvidia, insmod] = &drivers[1..5] else {
        panic!("expected four loaded drivers");
    };
    assert_eq!(nf_nat.load_address, Some(0xffff_ffff_c0c2_0000));
    assert_eq!((nf_nat.size, nf_nat.references), (Some(57344), Some(2)));
    assert_eq!(nf_nat.users, ["xt_nat", "nft_chain_nat"]);
    assert_eq!(nf_nat.state, DriverState::Live);
    assert_eq!(
        nf_nat.file.as_deref(),
        Some(Path::new(
            "/lib/modules/6.1.0-18-amd64/kernel/net/netfilter/nf_nat.ko.xz"
        ))
    );
    // The kernel prints `_` where the file name has `-`.
    assert_eq!(
        sound.file.as_deref(),
        Some(Path::new(
            "/lib/modules/6.1.0-18-amd64/kernel/sound/snd-hda-intel.ko.zst"
        ))
    );
    assert!(sound.permanent == Some(true) && sound.users.is_empty());
    assert_eq!(
        (sound.state, sound.taint.as_str()),
        (DriverState::Loading, "")
    );
    assert_eq!(nvidia.file.as_deref(), Some(Path::new("/opt/nvidia.ko")));
    assert_eq!(
        (nvidia.state, nvidia.taint.as_str()),
        (DriverState::Unloading, "POE")
    );
    assert_eq!(insmod.file, None);
}

#[test]
fn builtin_drivers_have_no_address() {
    let drivers = machine().as_machine().device_drivers().unwrap();
    for driver in &drivers[5..] {
        assert_eq!((driver.load_address, driver.size), (None, None));
        assert_eq!(driver.file, drivers[0].file);
    }
}

#[test]
fn hidden_addresses_are_none() {
    let tree = machine()
        .file(
            "proc/kallsyms",
            "0000000000000000 T _text\n0000000000000000 B _end\n",
        )
        .file("proc/modules", "a 4096 0 - Live 0x0000000000000000\n");
    let drivers = tree.as_machine().device_drivers().unwrap();
    assert_eq!((drivers[0].load_address, drivers[0].size), (None, None));
    assert!(drivers[0].file.is_some());
    assert_eq!(
        (drivers[1].load_address, drivers[1].size),
        (None, Some(4096))
    );
}

#[test]
fn bare_kernel_lists_only_image() {
    let drivers = Tree::machine().as_machine().device_drivers().unwrap();
    assert_eq!(names(&drivers), ["vmlinux"]);
    assert_eq!((&drivers[0].file, drivers[0].load_address), (&None, None));
}

#[test]
fn release_with_path_finds_no_files() {
    let tree = machine().file("proc/sys/kernel/osrelease", "../../elsewhere\n");
    let drivers = tree.as_machine().device_drivers().unwrap();
    assert!(drivers.iter().all(|driver| driver.file.is_none()));
}

#[test]
fn non_utf8_name_is_kept() {
    use std::os::unix::ffi::OsStrExt;
    let tree = machine().file("proc/modules", b"caf\xe9 4096 0 - Live 0x0\n");
    let drivers = tree.as_machine().device_drivers().unwrap();
    assert_eq!(drivers[1].name.as_bytes(), b"caf\xe9");
}

#[test]
fn truncated_modules_file_is_malformed() {
    let tree = machine().file("proc/modules", "nf_nat 57344 2 xt_n");
    let error = tree.as_machine().device_drivers().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert_eq!(error.source_path(), tree.path().join("proc/modules"));
}

/// A root that has only processes is not supported, as with the mount option `subset=pid`.
#[test]
fn empty_root_is_not_proc() {
    let empty = Tree::new().directory("proc");
    let error = empty.as_machine().device_drivers().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotProc);
    let processes_only = Tree::new().directory("proc/1");
    let error = processes_only.as_machine().device_drivers().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported);
    assert!(error.to_string().contains("subset=pid"), "{error}");
}

/// Returns the address of a symbol, if the kernel shows it to the caller.
fn symbol(name: &str) -> Option<u64> {
    let text = fs::read_to_string("/proc/kallsyms").ok()?;
    let line = text.lines().find(|line| {
        let mut fields = line.split_whitespace().skip(2);
        (fields.next(), fields.next()) == (Some(name), None)
    })?;
    let address = u64::from_str_radix(line.split_whitespace().next()?, 16).ok()?;
    (address != 0).then_some(address)
}

#[test]
fn kernel_image_matches_kallsyms() {
    assert_kernel_is_where_it_shows();
}

#[test]
fn unprivileged_caller_lists_all_drivers() {
    let count = || System::new().device_drivers().unwrap().len();
    let all = count();
    unprivileged(|| {
        assert_kernel_is_where_it_shows();
        assert_eq!(count(), all);
    });
}

fn assert_kernel_is_where_it_shows() {
    let image = System::new().device_drivers().unwrap().swap_remove(0);
    assert_eq!(image.kind, DriverKind::KernelImage);
    let (text, end) = (symbol("_text"), symbol("_end"));
    assert_eq!(image.load_address, text);
    assert_eq!(image.size, text.zip(end).map(|(text, end)| end - text));
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let file = format!("/boot/vmlinuz-{}", release.trim());
    if Path::new(&file).exists() {
        assert_eq!(image.file.as_deref(), Some(Path::new(&file)));
    }
}

#[test]
fn loaded_drivers_match_proc_modules() {
    let drivers = System::new().device_drivers().unwrap();
    let text = fs::read_to_string("/proc/modules").unwrap_or_default();
    let loaded = drivers.iter().filter(|d| d.kind == DriverKind::Loadable);
    let ours: Vec<_> = loaded
        .map(|d| format!("{} {}", d.name.display(), d.size.unwrap()))
        .collect();
    let kernels: Vec<_> = text
        .lines()
        .map(|line| line.splitn(3, ' ').take(2).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(ours, kernels);
}

#[test]
fn lists_all_bus_drivers() {
    let drivers = System::new().device_drivers().unwrap();
    let same = |name: &str| name.replace('-', "_");
    let listed: Vec<_> = names(&drivers).into_iter().map(same).collect();
    for bus in fs::read_dir("/sys/bus").into_iter().flatten().flatten() {
        let of_bus = fs::read_dir(bus.path().join("drivers"));
        for driver in of_bus.into_iter().flatten().flatten() {
            let module = fs::read_link(driver.path().join("module")).ok();
            let name = match &module {
                Some(target) => target.file_name().unwrap().to_string_lossy(),
                None => driver.file_name().to_string_lossy().into_owned().into(),
            };
            assert!(listed.contains(&same(&name)), "{name} of {bus:?}");
        }
    }
}
