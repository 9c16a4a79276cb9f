//! Symbols of code without a file: the vDSO, the kernel and generated code.

use std::fs;
use std::path::{Path, PathBuf};

use psapi::{Symbolizer, System};

use testing::privilege::{NOBODY, is_root, unprivileged};
use testing::{Program, programs, skip};

use super::*;

#[test]
fn vdso_symbols_outlive_process() {
    let program = Program::compile(programs::FINDS_VDSO, &["-ldl"]);
    let mut subject = program.start();
    let addresses = numbers(&subject.line);
    if addresses[0] == 0 {
        return skip("no __vdso_clock_gettime on this machine");
    }
    let (process, map) = pinned(subject.id());
    let living = symbols(&process, &map, &addresses);
    // The address has a second, weak symbol.
    assert!(
        functions(&living[0])[0].ends_with("clock_gettime"),
        "{living:?}"
    );
    assert_eq!(living[0][0].module.as_deref(), Some(Path::new("[vdso]")));
    subject.reap();
    assert_eq!(symbols(&process, &map, &addresses), living);
}

#[test]
fn kernel_functions_follow_kallsyms() {
    let process = System::new().current_process().unwrap();
    let map = process.address_map().unwrap();
    let text = String::from_utf8(fs::read("/proc/kallsyms").unwrap_or_default()).unwrap();
    let known = text.lines().find_map(|line| {
        let mut fields = line.split_whitespace();
        let address = u64::from_str_radix(fields.next()?, 16).ok()?;
        (fields.nth(1)? == "do_exit" && address != 0).then_some(address)
    });
    let kernel = Some(Path::new("[kernel]"));
    if let Some(do_exit) = known {
        let frame = &symbols(&process, &map, &[do_exit + 1])[0][0];
        assert_eq!(frame.function.as_deref(), Some("do_exit"));
        assert_eq!((frame.offset, frame.module.as_deref()), (Some(1), kernel));
    } else {
        skip("the kernel hides its addresses from this user");
    }
    // Kernel addresses outside of functions have the module only, as do all for `nobody`.
    let somewhere = [
        known.unwrap_or(0xffff_ffff_8100_1234),
        0xffff_8000_0000_0000,
    ];
    unprivileged(|| {
        let process = System::new().current_process().unwrap();
        let found = symbols(&process, &map, &somewhere);
        for frames in found {
            assert_eq!(frames.len(), 1);
            assert_eq!((&frames[0].function, frames[0].offset), (&None, None));
            assert_eq!(frames[0].module.as_deref(), kernel);
        }
    });
}

#[test]
fn generated_code_uses_perf_map() {
    let program = Program::compile(programs::GENERATES_CODE, &[]);
    let mut subject = program.start();
    let code = numbers(&subject.line)[0];
    if code == 0 {
        return skip("writable and executable memory is forbidden");
    }
    let (process, map) = pinned(subject.id());
    let addresses = [code + 0x3f, code + 0x40, code + 4100];
    let mut symbolizer = Symbolizer::new();
    let mut assert_names = |expected: [&[&str]; 3]| {
        let found = symbolizer.symbolize(&process, &map, &addresses);
        let names: Vec<_> = found.iter().map(|frames| functions(frames)).collect();
        assert_eq!(names, expected);
        found
    };
    assert_names([&[], &[], &[]]);
    subject.resume();
    let found = assert_names([&["made::first(int)"], &[], &[]]);
    assert_eq!(
        (&found[0][0].module, found[0][0].offset),
        (&None, Some(0x3f))
    );
    subject.resume();
    assert_names([&["made::first(int)"], &[], &["second"]]);
    subject.resume();
    assert_eq!(subject.line, "gone");
    assert_names([&["made::first(int)"], &[], &["second"]]);
    // The file did not exist at first, and not at the end.
    let file = format!("/tmp/perf-{}.map", subject.id());
    let [missing] = symbolizer.missing() else {
        panic!("{:?}", symbolizer.missing());
    };
    assert_eq!(missing.module, Path::new("[generated code]"));
    assert!(missing.reason.starts_with(&file), "{missing}");
    assert!(missing.reason.contains("does not write"), "{missing}");
}

/// A file that is removed at the end of a test.
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A perf map must belong to root or a user of the process, and be newer than the process.
#[test]
fn foreign_perf_maps_are_ignored() {
    if !is_root() {
        return skip("needs root to change a file's owner");
    }
    let program = Program::compile(programs::EXECUTABLE_MEMORY, &[]);
    let subject = program.start();
    let code = numbers(&subject.line);
    if code[0] == 0 {
        return skip("executable anonymous memory is forbidden");
    }
    let (process, map) = pinned(subject.id());
    let perf_map = Removed(format!("/tmp/perf-{}.map", subject.id()).into());
    fs::write(&perf_map.0, format!("{:x} 1000 given\n", code[0])).unwrap();
    let change_owner = |user| std::os::unix::fs::chown(&perf_map.0, Some(user), None).unwrap();
    let found = || {
        let mut symbolizer = Symbolizer::new();
        let found = symbolizer.symbolize(&process, &map, &code);
        let reasons = symbolizer.missing().iter();
        let reasons: Vec<String> = reasons.map(|missing| missing.reason.clone()).collect();
        (functions(&found[0]).len(), reasons.concat())
    };

    change_owner(NOBODY);
    let (names, reason) = found();
    assert_eq!(names, 0);
    assert!(
        reason.contains(&format!("belongs to user {NOBODY}")),
        "{reason}"
    );
    change_owner(0);
    let now = std::time::SystemTime::now();
    let file = fs::File::options().append(true).open(&perf_map.0).unwrap();
    file.set_modified(now - std::time::Duration::from_secs(3600))
        .unwrap();
    let (names, reason) = found();
    assert_eq!(names, 0);
    assert!(reason.contains("older than the process"), "{reason}");
    file.set_modified(now).unwrap();
    assert_eq!(found(), (1, String::new()));
}

/// A server that starts as root and then gives up its rights leaves its perf map to root. A program
/// with the set-user-ID bit has the user that started it as its real user.
#[test]
fn starting_user_can_own_perf_map() {
    if !is_root() {
        return skip("needs root to change the users of a process");
    }
    const OTHER: u32 = 12345;
    let program = Program::compile(programs::CHANGES_USERS, &[]);
    for (real, owners) in [(NOBODY, [0, NOBODY]), (OTHER, [0, OTHER])] {
        let users = [real.to_string(), NOBODY.to_string()];
        let subject = testing::TestProcess::start(Command::new(&program.path).args(users));
        let code = numbers(&subject.line);
        if code[0] == 0 {
            return skip("executable anonymous memory is forbidden");
        }
        let (process, map) = pinned(subject.id());
        let perf_map = Removed(format!("/tmp/perf-{}.map", subject.id()).into());
        fs::write(&perf_map.0, format!("{:x} 1000 given\n", code[0])).unwrap();
        for owner in owners {
            std::os::unix::fs::chown(&perf_map.0, Some(owner), None).unwrap();
            let found = symbols(&process, &map, &code);
            assert_eq!(functions(&found[0]), ["given"], "{real} {owner}");
        }
    }
}

#[test]
fn code_moved_to_memory_is_symbolized() {
    for behavior in ["headers", "all"] {
        let arguments = ["-Wl,-z,separate-code,-z,now", "-Wl,--build-id"];
        let program = Program::compile(programs::MOVES_ITSELF, &arguments);
        let mut command = Command::new(&program.path);
        let subject = testing::TestProcess::start(command.arg(behavior));
        let (process, map) = pinned(subject.id());
        let entry = process.executable().unwrap().entry_point.unwrap();
        let found = symbols(&process, &map, &[entry]);
        assert_eq!(functions(&found[0]), ["_start"], "{behavior}");
        assert_eq!(found[0][0].module.as_ref(), Some(&program.path));
    }
}
