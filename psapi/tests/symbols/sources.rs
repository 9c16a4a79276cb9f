//! Functions, lines and inlined functions, compared with the source.

use std::ffi::OsStr;
use std::process::{Command, Stdio};
use std::sync::Arc;

use psapi::{AddressMap, Frame, Symbolizer, System};

use testing::privilege::unprivileged;
use testing::{Program, TestProcess, programs, public_directory, skip};

use super::*;

#[test]
fn symbols_match_source() {
    let source = programs::NESTED;
    for further in [
        &["-Wl,--build-id"][..],
        &["-Wl,--build-id=none"],
        &["-static"],
        &["-no-pie"],
        &["-gdwarf-4"],
        &["-gz"],
    ] {
        let program = Program::compile(source, &[&WITH_LINES[..], further].concat());
        let subject = program.start();
        let addresses = numbers(&subject.line);
        let (process, map) = pinned(subject.id());
        let found = symbols(&process, &map, &addresses);
        assert_nested(&found, source, &program.path);
        assert_agrees_with_addr2line(&map, &addresses, &found);
    }
}

#[test]
fn reads_compressed_debug_info() {
    let source = programs::NESTED;
    for (how, mark) in [("zlib", "ZLIB"), ("zstd", "ZSTD")] {
        let directory = public_directory();
        let path = compiled(&directory, "subject", source, &WITH_LINES);
        let option = format!("--compress-debug-sections={how}");
        let compressed = Command::new("objcopy").arg(option).arg(&path).status();
        let sections = Command::new("readelf").args(["-tW"]).arg(&path).output();
        let sections = String::from_utf8(sections.unwrap().stdout).unwrap();
        if !compressed.unwrap().success() || !sections.contains(mark) {
            skip(&format!("binutils cannot compress with {how}"));
            continue;
        }
        let subject = TestProcess::start(&mut Command::new(&path));
        let (process, map) = pinned(subject.id());
        let found = symbols(&process, &map, &numbers(&subject.line));
        assert_nested(&found, source, &path);
    }
}

/// Asserts that `addr2line` prints the same functions and lines. It takes addresses in the file,
/// which are those in memory less the base, except in a program with fixed addresses.
fn assert_agrees_with_addr2line(map: &AddressMap, addresses: &[u64], found: &[Arc<[Frame]>]) {
    let module = map.resolve(addresses[0]).unwrap().module.unwrap();
    let base = match module.base {
        0x40_0000 => 0,
        base => base,
    };
    let mut command = Command::new("addr2line");
    command.args(["-f", "-i", "-e"]).arg(&module.path);
    command.args(
        addresses
            .iter()
            .map(|address| format!("{:x}", address - base)),
    );
    let Ok(output) = command.output() else {
        return skip("addr2line is not installed");
    };
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let theirs = lines.chunks(2).map(|pair| {
        let line = pair[1].rsplit(':').next().unwrap();
        (pair[0], line.split(' ').next().unwrap().parse().unwrap())
    });
    // `addr2line` prints the innermost frame first.
    let ours = found.iter().flat_map(|frames| {
        let summaries = summaries(frames).into_iter().rev();
        summaries.map(|(function, line, _)| (function, line))
    });
    assert_eq!(
        ours.collect::<Vec<_>>(),
        theirs.collect::<Vec<(&str, u32)>>()
    );
}

#[test]
fn cpp_names_are_demangled() {
    let Some(program) = Program::compile_cpp(programs::DEMANGLED, &["-g", "-O1"]) else {
        return;
    };
    let path = &program.path;
    for (strip, expected) in [
        (None, "shop::Till<long>::ring"),
        (Some("--strip-debug"), "shop::Till<long>::ring(long)"),
    ] {
        if let Some(option) = strip {
            run(Command::new("strip").arg(option).arg(path));
        }
        let subject = TestProcess::start(&mut Command::new(path));
        let (process, map) = pinned(subject.id());
        let found = symbols(&process, &map, &numbers(&subject.line));
        // Compilers differ in whether debug information names the arguments.
        let name = functions(&found[0])[0];
        assert!(name.starts_with(expected), "{name}");
    }
}

#[test]
fn own_functions_are_found() {
    let process = System::new().current_process().unwrap();
    let map = process.address_map().unwrap();
    let found = symbols(&process, &map, &[a_rust_function()]);
    let own = std::env::current_exe().unwrap();
    assert_eq!(
        found[0][0].function.as_deref(),
        Some("symbols::a_rust_function")
    );
    assert_eq!(found[0][0].module.as_ref(), Some(&own));
    assert_eq!(found[0][0].offset, Some(0));
}

#[test]
fn unloaded_library_keeps_symbols() {
    let library = Program::compile_as(
        OsStr::new("libcomes.so"),
        programs::ANSWER_LIBRARY,
        &["-g", "-shared", "-fPIC"],
    );
    let program = Program::compile(programs::LOADS_AND_UNLOADS, &["-ldl"]);
    let mut subject = TestProcess::start(Command::new(&program.path).arg(&library.path));
    let (process, mut map) = pinned(subject.id());
    let mut symbolizer = Symbolizer::new();

    // A global function of libc.
    let malloc = numbers(&subject.line);
    let found = symbolizer.symbolize(&process, &map, &malloc);
    let names = functions(&found[0]);
    assert!(names[0].ends_with("malloc"), "{names:?}");
    let module = found[0][0].module.as_deref().unwrap();
    assert!(module.to_str().unwrap().contains("libc"), "{module:?}");
    assert!(!map.refresh(&process).unwrap());

    subject.resume();
    let answer = numbers(&subject.line);
    assert!(map.resolve(answer[0]).is_none());
    assert!(symbolizer.symbolize(&process, &map, &answer)[0].is_empty());
    assert!(map.refresh(&process).unwrap());
    let found = symbolizer.symbolize(&process, &map, &answer);
    assert_eq!(
        summaries(&found[0]),
        [(
            "answer",
            line_of(programs::ANSWER_LIBRARY, "int answer"),
            false
        )]
    );
    let location = map.resolve(answer[0]).unwrap();
    assert_eq!(location.module.unwrap().path, library.path);
    assert!(!location.gone);

    subject.resume();
    assert!(map.refresh(&process).unwrap());
    assert!(map.resolve(answer[0]).unwrap().gone);
    let later = Symbolizer::new().symbolize(&process, &map, &answer);
    assert_eq!(later, found);
    assert_eq!(symbolizer.missing(), []);
}

#[test]
fn symbolizes_32_bit_program() {
    let arguments = [
        "-g",
        "-m32",
        "-nostdlib",
        "-static",
        "-fno-pie",
        "-no-pie",
        "-Wl,-e,named_start",
    ];
    let program = Program::try_compile(OsStr::new("narrow"), programs::NARROW, &arguments);
    let Some(program) = program.filter(|_| cfg!(target_arch = "x86_64")) else {
        return skip("no compiler for 32-bit programs");
    };
    let try_run = Command::new(&program.path).stdin(Stdio::null()).output();
    if try_run.is_err() {
        return skip("the kernel cannot run 32-bit programs");
    }
    let subject = program.start();
    let (process, map) = pinned(subject.id());
    let modules = process.modules(psapi::ModuleFilter::All).unwrap();
    let vdso = modules
        .iter()
        .find(|module| module.name() == "[vdso]")
        .unwrap();
    let addresses = [modules[0].entry_point.unwrap(), vdso.entry_point.unwrap()];
    let found = symbols(&process, &map, &addresses);
    assert_eq!(
        summaries(&found[0]),
        [(
            "named_start",
            line_of(programs::NARROW, "named_start"),
            false
        )]
    );
    assert_eq!(functions(&found[1]), ["__kernel_vsyscall"]);
}

#[test]
fn garbage_has_no_symbols() {
    let process = System::new().current_process().unwrap();
    let map = process.address_map().unwrap();
    let on_the_stack = &map as *const _ as u64;
    let garbage = [0, 1, 4095, u64::MAX, u64::MAX - 1, 1 << 62, on_the_stack];
    let found = symbols(&process, &map, &garbage);
    assert!(found.iter().all(|frames| frames.is_empty()), "{found:?}");
    assert!(symbols(&process, &map, &[]).is_empty());
}

#[test]
fn many_addresses_keep_their_order() {
    let process = System::new().current_process().unwrap();
    let map = process.address_map().unwrap();
    let known = [
        a_rust_function(),
        0,
        str::trim as fn(&str) -> &str as usize as u64,
    ];
    let single = known.map(|address| symbols(&process, &map, &[address]).remove(0));
    let many: Vec<u64> = known.iter().copied().cycle().take(100_000).collect();
    let mut symbolizer = Symbolizer::new();
    let found = symbolizer.symbolize(&process, &map, &many);
    for (frames, expected) in found.iter().zip(single.iter().cycle()) {
        assert_eq!(frames, expected);
    }
    // Equal addresses share one result.
    assert!(Arc::ptr_eq(&found[0], &found[99_999]));
    let again = symbolizer.symbolize(&process, &map, &many);
    assert!(Arc::ptr_eq(&found[0], &again[0]));
}

#[test]
fn own_process_needs_no_privileges() {
    let source = programs::NESTED;
    let program = Program::compile(source, &WITH_LINES);
    unprivileged(|| {
        let mut subject = program.start();
        let addresses = numbers(&subject.line);
        let (process, map) = pinned(subject.id());
        assert_nested(&symbols(&process, &map, &addresses), source, &program.path);
        subject.reap();
        assert_nested(&symbols(&process, &map, &addresses), source, &program.path);
    });
}

/// Debug information has only the short names of functions that are local to a file.
#[test]
fn local_functions_have_full_names() {
    for further in [&["-O2"][..], &["-g", "-O2"]] {
        let Some(program) = Program::compile_cpp(programs::LOCAL_FUNCTIONS, further) else {
            return;
        };
        let subject = program.start();
        let addresses = numbers(&subject.line);
        let (process, map) = pinned(subject.id());
        let found = symbols(&process, &map, &addresses);
        let names: Vec<_> = found.iter().map(|frames| functions(frames)[0]).collect();
        // The compiler can specialize a function, and then adds a suffix.
        assert!(
            names[0].starts_with("(anonymous namespace)::fill(int)"),
            "{names:?}"
        );
        assert!(
            names[1].starts_with("(anonymous namespace)::fill(double)"),
            "{names:?}"
        );
        assert!(names[2].starts_with("main::"), "{names:?}");
        assert!(names[2].contains("operator()(int)"), "{names:?}");
        assert_ne!(names[2], names[3]);
        let starts = found.iter().zip(&addresses);
        let mut starts: Vec<u64> = starts
            .map(|(frames, address)| address - frames[0].offset.unwrap())
            .collect();
        starts.sort_unstable();
        starts.dedup();
        assert_eq!(starts.len(), 4);
    }
}
