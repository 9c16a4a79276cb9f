//! Symbols after a file is replaced, deleted, stripped, hidden or damaged.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use psapi::{Symbolizer, System};

use testing::privilege::{is_root, unprivileged};
use testing::{TestProcess, programs, public_directory, skip};

use super::*;

/// Linker options with and without a build id.
const BUILD_IDS: [&str; 2] = ["-Wl,--build-id", "-Wl,--build-id=none"];

#[test]
fn ended_process_is_symbolized() {
    let source = programs::NESTED;
    for build_id in BUILD_IDS {
        let directory = public_directory();
        let path = compiled(&directory, "subject", source, &["-g", "-O2", build_id]);
        let mut subject = TestProcess::start(&mut Command::new(&path));
        let addresses = numbers(&subject.line);
        let (process, map) = pinned(subject.id());
        subject.kill();
        assert_nested(&symbols(&process, &map, &addresses), source, &path);
        subject.reap();
        assert_nested(&symbols(&process, &map, &addresses), source, &path);
        assert_eq!(
            map.resolve(addresses[0]).unwrap().module.unwrap().path,
            path
        );
    }
}

#[test]
fn replaced_file_gives_no_symbols() {
    for build_id in BUILD_IDS {
        let directory = public_directory();
        let arguments = ["-g", "-O2", build_id];
        let path = compiled(&directory, "subject", programs::NESTED, &arguments);
        let another = compiled(&directory, "another", programs::ANOTHER, &arguments);
        let mut subject = TestProcess::start(&mut Command::new(&path));
        let addresses = numbers(&subject.line);
        let (process, map) = pinned(subject.id());
        let mut held = Symbolizer::new();
        held.hold(&process, &map);
        subject.reap();
        // Overwrites the file, so that the inode stays, and restores its times.
        let times = fs::metadata(&path).unwrap().modified().unwrap();
        fs::copy(&another, &path).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(times).unwrap();

        let mut symbolizer = Symbolizer::new();
        let found = symbolizer.symbolize(&process, &map, &addresses[..1]);
        assert_eq!(summaries(&found[0]), [("", 0, false)], "{build_id}");
        assert_eq!(found[0][0].module.as_ref(), Some(&path));
        let base = map.resolve(addresses[0]).unwrap().module.unwrap().base;
        assert_eq!(found[0][0].offset, Some(addresses[0] - base));
        let missing = symbolizer.missing();
        assert_eq!((missing.len(), &missing[0].module), (1, &path));
        assert!(
            missing[0].reason.contains("differs from the mapped file"),
            "{missing:?}"
        );

        // A new file of the same name has another inode.
        fs::remove_file(&path).unwrap();
        fs::rename(&another, &path).unwrap();
        let found = Symbolizer::new().symbolize(&process, &map, &addresses);
        assert!(found.iter().all(|frames| functions(frames) == [""]));
    }
}

#[test]
fn held_files_outlive_replacement() {
    let source = programs::NESTED;
    for build_id in BUILD_IDS {
        let directory = public_directory();
        let path = compiled(&directory, "subject", source, &["-g", "-O2", build_id]);
        let mut subject = TestProcess::start(&mut Command::new(&path));
        let addresses = numbers(&subject.line);
        let (process, map) = pinned(subject.id());
        let mut symbolizer = Symbolizer::new();
        symbolizer.hold(&process, &map);
        let another = compiled(&directory, "another", programs::ANOTHER, &["-g", build_id]);
        fs::rename(another, &path).unwrap();
        subject.reap();
        let found = symbolizer.symbolize(&process, &map, &addresses);
        assert_nested(&found, source, &path);
        assert_eq!(symbolizer.missing(), []);
    }
}

#[test]
fn deleted_executable_needs_privilege() {
    let source = programs::NESTED;
    for build_id in BUILD_IDS {
        for replaced in [false, true] {
            let directory = public_directory();
            let path = compiled(&directory, "subject", source, &["-g", "-O2", build_id]);
            let mut subject = TestProcess::start(&mut Command::new(&path));
            let addresses = numbers(&subject.line);
            let (process, before) = pinned(subject.id());
            fs::remove_file(&path).unwrap();
            if replaced {
                let another = compiled(&directory, "another", programs::ANOTHER, &["-g", build_id]);
                fs::rename(another, &path).unwrap();
            }
            let after = process.address_map().unwrap();
            assert!(after.resolve(addresses[0]).unwrap().module.unwrap().deleted);
            for map in [&before, &after] {
                let mut symbolizer = Symbolizer::new();
                let found = symbolizer.symbolize(&process, map, &addresses);
                if is_root() {
                    assert_nested(&found, source, &path);
                } else {
                    assert!(found.iter().all(|frames| functions(frames) == [""]));
                    assert_eq!(symbolizer.missing().len(), 1);
                }
            }
            subject.resume();
        }
    }
    if !is_root() {
        skip("needs CAP_SYS_ADMIN to symbolize deleted executables");
    }
}

#[test]
fn stripped_program_has_offsets() {
    let directory = public_directory();
    let path = compiled(&directory, "subject", programs::NESTED, &["-g", "-O2"]);
    run(Command::new("strip").arg(&path));
    let subject = TestProcess::start(&mut Command::new(&path));
    let addresses = numbers(&subject.line);
    let (process, map) = pinned(subject.id());
    let mut symbolizer = Symbolizer::new();
    let found = symbolizer.symbolize(&process, &map, &addresses);
    let [missing] = symbolizer.missing() else {
        panic!("{:?}", symbolizer.missing());
    };
    assert_eq!(missing.module, path);
    assert!(missing.reason.contains("stripped"), "{missing}");
    for (frames, address) in found.iter().zip(addresses) {
        let [frame] = &frames[..] else {
            panic!("{frames:?}");
        };
        assert_eq!((&frame.function, &frame.source), (&None, &None));
        assert_eq!(frame.module.as_ref(), Some(&path));
        let module = map.resolve(address).unwrap().module.unwrap();
        assert_eq!(frame.offset, Some(address - module.base));
    }
}

#[test]
fn finds_separate_debug_file() {
    let source = programs::NESTED;
    let directory = public_directory();
    let path = compiled(
        &directory,
        "subject",
        source,
        &["-g", "-O2", "-Wl,--build-id"],
    );
    // A file root with a `/usr/lib/debug`.
    let root = public_directory();
    let debug_directory = root.path().join("usr/lib/debug");
    fs::create_dir_all(&debug_directory).unwrap();
    let debug = debug_directory.join("subject.debug");
    run(Command::new("objcopy")
        .arg("--only-keep-debug")
        .args([&path, &debug]));
    run(Command::new("strip").arg(&path));
    let link = format!("--add-gnu-debuglink={}", debug.display());
    run(Command::new("objcopy").arg(link).arg(&path));

    let subject = TestProcess::start(&mut Command::new(&path));
    let addresses = numbers(&subject.line);
    let system = System::builder().file_root(root.path()).build();
    let process = system.process(subject.id()).unwrap();
    let map = process.address_map().unwrap();
    assert_nested(&symbols(&process, &map, &addresses), source, &path);

    // The debug file of another build is reported as missing.
    fs::write(&debug, b"another").unwrap();
    let mut symbolizer = Symbolizer::new();
    let found = symbolizer.symbolize(&process, &map, &addresses);
    assert!(found.iter().all(|frames| functions(frames) == [""]));
    assert_eq!(symbolizer.missing().len(), 1);
}

#[test]
fn mount_namespace_files_are_used() {
    let source = programs::NESTED;
    for build_id in BUILD_IDS {
        let directory = public_directory();
        let outside = compiled(&directory, "outside", source, &["-g", "-O2", build_id]);
        let hidden = public_directory();
        // The file that other processes see at the same path.
        let path = compiled(&hidden, "subject", programs::ANOTHER, &["-g", build_id]);
        let script = "mount -t tmpfs none \"$1\" && cp \"$2\" \"$3\" && exec \"$3\"";
        let unshare = |script: &str| {
            let mut unshare = Command::new("unshare");
            let namespaces = if is_root() { "-m" } else { "-mUr" };
            unshare.args([namespaces, "sh", "-c", script, "sh"]);
            unshare.args([hidden.path(), &outside, &path]);
            unshare.stdin(Stdio::null());
            unshare
        };
        let possible = unshare("mount -t tmpfs none \"$1\"").status();
        if !possible.is_ok_and(|status| status.success()) {
            return skip("cannot create a mount namespace");
        }
        let mut subject = TestProcess::start(&mut unshare(script));
        let addresses = numbers(&subject.line);
        let (process, map) = pinned(subject.id());
        assert_nested(&symbols(&process, &map, &addresses), source, &path);
        let mut held = Symbolizer::new();
        held.hold(&process, &map);
        subject.reap();
        let mut symbolizer = Symbolizer::new();
        let found = symbolizer.symbolize(&process, &map, &addresses);
        assert!(found.iter().all(|frames| functions(frames) == [""]));
        assert_eq!(symbolizer.missing().len(), 1);
        let found = held.symbolize(&process, &map, &addresses);
        assert_nested(&found, source, &path);
    }
}

#[test]
fn unreadable_module_is_missing() {
    if !is_root() {
        return skip("needs root for an executable that the caller cannot read");
    }
    let source = programs::NESTED;
    let directory = public_directory();
    let path = compiled(&directory, "subject", source, &["-g", "-O2"]);
    let subject = TestProcess::start(&mut Command::new(&path));
    let mut addresses = numbers(&subject.line);
    let (process, map) = pinned(subject.id());
    addresses.push(a_rust_function());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    let (found, missing) = unprivileged(|| {
        let mut symbolizer = Symbolizer::new();
        let found = symbolizer.symbolize(&process, &map, &addresses);
        (found, symbolizer.missing().to_vec())
    });
    assert_eq!(functions(&found[0]), [""]);
    assert_eq!(missing[0].module, path);
    assert!(missing[0].reason.contains("denied"), "{missing:?}");
}

#[test]
fn corrupt_files_do_not_panic() {
    let source = programs::NESTED;
    let directory = public_directory();
    let arguments = ["-g", "-O2", "-Wl,--build-id=none"];
    let good = fs::read(compiled(&directory, "good", source, &arguments)).unwrap();
    // Damages the section headers or the second part of the file, but never the program headers.
    let sections = u64::from_le_bytes(good[40..48].try_into().unwrap()) as usize;
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    for round in 0..60 {
        let from = match round % 3 {
            0 => sections,
            _ => good.len() / 3,
        };
        let mut bad = good.clone();
        for _ in 0..=round % 8 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let at = from + (random >> 16) as usize % (good.len() - from);
            bad[at] ^= 1 << (random & 7);
        }
        let path = directory.path().join(format!("bad-{round}"));
        fs::write(&path, &bad).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let mut command = Command::new(&path);
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let Ok(mut subject) = command.spawn() else {
            continue;
        };
        let process = System::new().process(subject.id()).unwrap();
        if let Ok(map) = process.address_map()
            && let Ok(modules) = process.modules(psapi::ModuleFilter::All)
            && let Some(executable) = modules.first()
        {
            let code = (0x1000..0x1400).map(|offset| executable.base + offset);
            let code: Vec<u64> = code.collect();
            let found = Symbolizer::new().symbolize(&process, &map, &code);
            assert_eq!(found.len(), code.len());
        }
        let _ = subject.kill();
        let _ = subject.wait();
    }
}

/// Asserts that both the caller and the process's own user find the symbols.
fn assert_nested_for_user(subject: &TestProcess, path: &Path) {
    let addresses = numbers(&subject.line);
    let check = || {
        let (process, map) = pinned(subject.id());
        assert_nested(&symbols(&process, &map, &addresses), programs::NESTED, path);
    };
    check();
    unprivileged(check);
}

/// The kernel prints paths relative to the root of the reader.
#[test]
fn chrooted_process_is_symbolized() {
    for build_id in BUILD_IDS {
        let root = public_directory();
        let arguments = ["-g", "-O2", "-static", build_id];
        let path = compiled(&root, "subject", programs::NESTED, &arguments);
        let mut command;
        if is_root() {
            command = Command::new("chroot");
            command.arg("--userspec=65534:65534");
        } else {
            command = Command::new("unshare");
            command.args(["-Ur", "chroot"]);
        }
        command.args([root.path(), "/subject".as_ref()]);
        command.stdin(Stdio::null());
        if !command.status().is_ok_and(|status| status.success()) {
            return skip("cannot change the root directory");
        }
        assert_nested_for_user(&TestProcess::start(&mut command), &path);
    }
}

/// On overlayfs, `stat` and `maps` show different device numbers.
#[test]
fn overlay_module_is_symbolized() {
    for build_id in BUILD_IDS {
        let (mounted, files) = (public_directory(), public_directory());
        compiled(
            &files,
            "subject",
            programs::NESTED,
            &["-g", "-O2", build_id],
        );
        let path = mounted.path().join("merged/subject");
        let (namespaces, as_nobody) = if is_root() {
            ("-m", "setpriv --reuid 65534 --regid 65534 --clear-groups")
        } else {
            ("-Urm", "")
        };
        let script = "set -e; mount -t tmpfs none \"$1\"; cd \"$1\"; mkdir lower upper merged; \
             mount -t tmpfs none lower; mount -t tmpfs none upper; cp -p \"$2\" lower; \
             mkdir upper/data upper/work; mount -t overlay -o \
             lowerdir=lower,upperdir=upper/data,workdir=upper/work none merged";
        let script = format!("{script}; exec {as_nobody} \"$1/merged/subject\"");
        let mut command = Command::new("unshare");
        command.args([namespaces, "sh", "-c", &script, "sh"]);
        command
            .arg(mounted.path())
            .arg(files.path().join("subject"));
        command.stdin(Stdio::null());
        if !command.status().is_ok_and(|status| status.success()) {
            return skip("cannot mount an overlay");
        }
        assert_nested_for_user(&TestProcess::start(&mut command), &path);
    }
}
