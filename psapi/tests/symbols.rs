//! Symbols of addresses, against programs whose functions and lines the tests wrote, and addr2line.

mod support;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use psapi::{AddressMap, Frame, Process, ProcessId, Symbolizer, System};
use tempfile::TempDir;

use support::child::{Program, Subject, public_directory};
use support::privilege::{NOBODY, as_nobody, is_root, skip};

/// Says where it is: at `tell`, which is called by `middle`, which is put into `outer`. What
/// follows on the line is where `tell` was called from, an address each.
const NESTED: &str = r#"
#include <stdio.h>
#include <stdlib.h>
static void say(const char *s) { puts(s); fflush(stdout); if (getchar() == EOF) _Exit(0); }
static char line[200];
__attribute__((noinline)) void tell(void) {
    void *at = __builtin_return_address(0);
    sprintf(line + __builtin_strlen(line), "%lx ", (unsigned long)at - 1);
}
static inline __attribute__((always_inline)) void middle(int n) {
    if (n > 100) puts("many");
    tell(); /* in middle */
    __asm__ volatile("" : : "r"(n)); /* so that it is no jump */
}
__attribute__((noinline)) void outer(int n) {
    middle(n); /* in outer */
    tell(); /* in outer itself */
    __asm__ volatile("" : : "r"(n)); /* so that it is no jump */
}
"#;

/// As above, with a `main` that waits twice.
fn nested() -> String {
    let main = "int main(int argc, char **argv) {\n\
                outer(argc); sprintf(line + __builtin_strlen(line), \"%lx\", (long)say);\n\
                say(line); say(\"again\"); return 0; }\n";
    [NESTED, main].concat()
}

/// The line of a text in the source, from 1.
fn line_of(source: &str, text: &str) -> u32 {
    let index = source.lines().position(|line| line.contains(text));
    index.expect("the source has it") as u32 + 1
}

fn numbers(said: &str) -> Vec<u64> {
    let numbers = said.split_whitespace();
    numbers
        .map(|number| u64::from_str_radix(number, 16).expect("a hexadecimal number"))
        .collect()
}

fn pinned(id: ProcessId) -> (Process, AddressMap) {
    let process = System::new().process(id).unwrap();
    let map = process.address_map().unwrap();
    (process, map)
}

fn symbols(process: &Process, map: &AddressMap, addresses: &[u64]) -> Vec<Arc<[Frame]>> {
    let mut symbolizer = Symbolizer::new();
    let answer = symbolizer.symbolize(process, map, addresses);
    assert_eq!(symbolizer.missing(), []);
    assert_eq!(answer.len(), addresses.len());
    answer
}

/// Name, line and whether it is inlined, of each frame.
fn told(frames: &[Frame]) -> Vec<(&str, u32, bool)> {
    let told = frames.iter().map(|frame| {
        let line = frame.source.as_ref().and_then(|source| source.line);
        let function = frame.function.as_deref().unwrap_or("");
        (function, line.unwrap_or(0), frame.inlined)
    });
    told.collect()
}

/// The function of each frame.
fn functions(frames: &[Frame]) -> Vec<&str> {
    told(frames).into_iter().map(|(name, ..)| name).collect()
}

/// What every file that was compiled from `nested` tells of the places that it said.
fn assert_nested(found: &[Arc<[Frame]>], source: &str, path: &Path) {
    let inlined = [
        ("outer", line_of(source, "/* in outer */"), false),
        ("middle", line_of(source, "/* in middle */"), true),
    ];
    assert_eq!(told(&found[0]), inlined);
    let plain = [("outer", line_of(source, "/* in outer itself */"), false)];
    assert_eq!(told(&found[1]), plain);
    for frame in found[..2].iter().flat_map(|frames| frames.iter()) {
        assert_eq!(frame.module.as_deref(), Some(path));
        let file = &frame.source.as_ref().unwrap().path;
        assert_eq!(file.file_name(), Some(OsStr::new("subject.c")));
        assert_eq!(frame.offset.is_none(), frame.inlined);
    }
    assert_eq!(found[2][0].function.as_deref(), Some("say"));
    assert_eq!(found[2][0].offset, Some(0));
}

const WITH_LINES: [&str; 2] = ["-g", "-O2"];

#[test]
fn functions_lines_and_inlined_functions_are_those_of_the_source() {
    let source = nested();
    for further in [
        &["-Wl,--build-id"][..],
        &["-Wl,--build-id=none"],
        &["-static"],
        &["-no-pie"],
        &["-gdwarf-4"],
        &["-gz"],
    ] {
        let program = Program::compile(&source, &[&WITH_LINES[..], further].concat());
        let subject = program.start();
        let addresses = numbers(&subject.said);
        let (process, map) = pinned(subject.id());
        let found = symbols(&process, &map, &addresses);
        assert_nested(&found, &source, &program.path);
        assert_agrees_with_addr2line(&map, &addresses, &found);
    }
}

#[test]
fn compressed_debug_information_is_read() {
    let source = nested();
    for (how, mark) in [("zlib", "ZLIB"), ("zstd", "ZSTD")] {
        let directory = public_directory();
        let path = compiled(&directory, "subject", &source, &WITH_LINES);
        let option = format!("--compress-debug-sections={how}");
        let compressed = Command::new("objcopy").arg(option).arg(&path).status();
        let sections = Command::new("readelf").args(["-tW"]).arg(&path).output();
        let sections = String::from_utf8(sections.unwrap().stdout).unwrap();
        if !compressed.unwrap().success() || !sections.contains(mark) {
            skip(&format!("binutils do not compress by {how}"));
            continue;
        }
        let subject = Subject::start(&mut Command::new(&path));
        let (process, map) = pinned(subject.id());
        let found = symbols(&process, &map, &numbers(&subject.said));
        assert_nested(&found, &source, &path);
    }
}

/// addr2line goes by the addresses of the file, which are those in memory less the base, unless the
/// program has a fixed place.
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
        return skip("no addr2line to compare with");
    };
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let theirs = lines.chunks(2).map(|pair| {
        let line = pair[1].rsplit(':').next().unwrap();
        (pair[0], line.split(' ').next().unwrap().parse().unwrap())
    });
    // It names the innermost first.
    let ours = found.iter().flat_map(|frames| {
        let told = told(frames).into_iter().rev();
        told.map(|(function, line, _)| (function, line))
    });
    assert_eq!(
        ours.collect::<Vec<_>>(),
        theirs.collect::<Vec<(&str, u32)>>()
    );
}

#[test]
fn names_of_cpp_are_demangled() {
    const SOURCE: &str = r#"
        #include <stdio.h>
        namespace shop {
            template <typename T> struct Till {
                __attribute__((noinline)) void *count(T, const char *) {
                    return __builtin_return_address(0);
                }
                __attribute__((noinline)) void ring(T coin) {
                    void *at = count(coin, "x");
                    printf("%lx %lx\n", (unsigned long)at - 1, (unsigned long)at - 1);
                }
            };
        }
        int main() { shop::Till<long>().ring(1); fflush(stdout); getchar(); }"#;
    let directory = public_directory();
    let path = directory.path().join("subject");
    let compiler = std::env::var_os("CXX").unwrap_or_else(|| "c++".into());
    let mut compile = Command::new(compiler);
    compile
        .args(["-g", "-O1", "-x", "c++", "-", "-o"])
        .arg(&path);
    let Ok(mut child) = compile.stdin(Stdio::piped()).spawn() else {
        return skip("no C++ compiler: install g++");
    };
    let mut input = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut input, SOURCE.as_bytes()).unwrap();
    drop(input);
    assert!(child.wait().unwrap().success());

    for (strip, expected) in [
        (None, "shop::Till<long>::ring"),
        (Some("--strip-debug"), "shop::Till<long>::ring(long)"),
    ] {
        if let Some(option) = strip {
            run(Command::new("strip").arg(option).arg(&path));
        }
        let subject = Subject::start(&mut Command::new(&path));
        let (process, map) = pinned(subject.id());
        let found = symbols(&process, &map, &numbers(&subject.said));
        // What debug information calls it is up to the compiler: with or without arguments.
        let name = functions(&found[0])[0];
        assert!(name.starts_with(expected), "{name}");
    }
}

#[inline(never)]
fn a_rust_function() -> u64 {
    std::hint::black_box(a_rust_function as fn() -> u64 as usize as u64)
}

#[test]
fn functions_of_the_own_process_are_told() {
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

/// A program that loads a library when told to, says where a function of that is, and unloads it
/// when told to.
const LOADS: &str = r#"
    #include <dlfcn.h>
    #include <stdio.h>
    #include <stdlib.h>
    static void say(void) { puts(""); fflush(stdout); if (getchar() == EOF) _Exit(0); }
    int main(int argc, char **argv) {
        printf("%lx", (long)malloc);
        say();
        void *library = dlopen(argv[1], RTLD_NOW);
        if (!library) { puts(dlerror()); exit(1); }
        printf("%lx", (long)dlsym(library, "answer"));
        say();
        dlclose(library);
        say();
        return 0;
    }"#;

#[test]
fn a_library_that_comes_and_goes_is_known() {
    let source = "static int zeros[9000];\nint answer(void) { return 42 + zeros[7]; }\n";
    let library = Program::compile_as(
        OsStr::new("libcomes.so"),
        source,
        &["-g", "-shared", "-fPIC"],
    );
    let program = Program::compile(LOADS, &["-ldl"]);
    let mut subject = Subject::start(Command::new(&program.path).arg(&library.path));
    let (process, mut map) = pinned(subject.id());
    let mut symbolizer = Symbolizer::new();

    // A function that libc shows to everybody; the program has it by way of libc's own symbols.
    let malloc = numbers(&subject.said);
    let found = symbolizer.symbolize(&process, &map, &malloc);
    let names = functions(&found[0]);
    assert!(names[0].ends_with("malloc"), "{names:?}");
    let module = found[0][0].module.as_deref().unwrap();
    assert!(module.to_str().unwrap().contains("libc"), "{module:?}");
    assert!(!map.refresh(&process).unwrap());

    subject.proceed();
    let answer = numbers(&subject.said);
    assert!(map.resolve(answer[0]).is_none());
    assert!(symbolizer.symbolize(&process, &map, &answer)[0].is_empty());
    assert!(map.refresh(&process).unwrap());
    let found = symbolizer.symbolize(&process, &map, &answer);
    assert_eq!(told(&found[0]), [("answer", 2, false)]);
    let place = map.resolve(answer[0]).unwrap();
    assert_eq!(place.module.unwrap().path, library.path);
    assert!(!place.gone);

    subject.proceed();
    assert!(map.refresh(&process).unwrap());
    assert!(map.resolve(answer[0]).unwrap().gone);
    let later = Symbolizer::new().symbolize(&process, &map, &answer);
    assert_eq!(later, found);
    assert_eq!(symbolizer.missing(), []);
}

/// A program that was compiled apart, so that the test may do with its file what it likes.
fn compiled(directory: &TempDir, name: &str, source: &str, arguments: &[&str]) -> PathBuf {
    let program = Program::compile_as(OsStr::new(name), source, arguments);
    let path = directory.path().join(name);
    fs::copy(&program.path, &path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn run(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?}");
}

/// With a build id, and without.
const BUILD_IDS: [&str; 2] = ["-Wl,--build-id", "-Wl,--build-id=none"];

/// Another program, whose functions are elsewhere.
const ANOTHER: &str = "int wrong(int n) { return n * n; }\nint main(void) { return wrong(1); }\n";

#[test]
fn an_ended_process_is_symbolized_by_its_files() {
    let source = nested();
    for build_id in BUILD_IDS {
        let directory = public_directory();
        let path = compiled(&directory, "subject", &source, &["-g", "-O2", build_id]);
        let mut subject = Subject::start(&mut Command::new(&path));
        let addresses = numbers(&subject.said);
        let (process, map) = pinned(subject.id());
        subject.kill();
        assert_nested(&symbols(&process, &map, &addresses), &source, &path);
        subject.reap();
        assert_nested(&symbols(&process, &map, &addresses), &source, &path);
        assert_eq!(
            map.resolve(addresses[0]).unwrap().module.unwrap().path,
            path
        );
    }
}

#[test]
fn a_file_that_was_replaced_gives_no_symbols_once_the_process_has_ended() {
    for build_id in BUILD_IDS {
        let directory = public_directory();
        let arguments = ["-g", "-O2", build_id];
        let path = compiled(&directory, "subject", &nested(), &arguments);
        let another = compiled(&directory, "another", ANOTHER, &arguments);
        let mut subject = Subject::start(&mut Command::new(&path));
        let addresses = numbers(&subject.said);
        let (process, map) = pinned(subject.id());
        let mut held = Symbolizer::new();
        held.hold(&process, &map);
        subject.reap();
        // In its place, so that it keeps the inode, and with the times that it had.
        let times = fs::metadata(&path).unwrap().modified().unwrap();
        fs::copy(&another, &path).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(times).unwrap();

        let mut symbolizer = Symbolizer::new();
        let found = symbolizer.symbolize(&process, &map, &addresses[..1]);
        assert_eq!(told(&found[0]), [("", 0, false)], "{build_id}");
        assert_eq!(found[0][0].module.as_ref(), Some(&path));
        let base = map.resolve(addresses[0]).unwrap().module.unwrap().base;
        assert_eq!(found[0][0].offset, Some(addresses[0] - base));
        let missing = symbolizer.missing();
        assert_eq!((missing.len(), &missing[0].module), (1, &path));
        assert!(
            missing[0].why.contains("the one that was mapped"),
            "{missing:?}"
        );

        // As another file of the same name; who held the old one has not lost it.
        fs::remove_file(&path).unwrap();
        fs::rename(&another, &path).unwrap();
        let found = Symbolizer::new().symbolize(&process, &map, &addresses);
        assert!(found.iter().all(|frames| functions(frames) == [""]));
    }
}

#[test]
fn files_that_are_held_serve_when_all_else_has_gone() {
    let source = nested();
    for build_id in BUILD_IDS {
        let directory = public_directory();
        let path = compiled(&directory, "subject", &source, &["-g", "-O2", build_id]);
        let mut subject = Subject::start(&mut Command::new(&path));
        let addresses = numbers(&subject.said);
        let (process, map) = pinned(subject.id());
        let mut symbolizer = Symbolizer::new();
        symbolizer.hold(&process, &map);
        let another = compiled(&directory, "another", ANOTHER, &["-g", build_id]);
        fs::rename(another, &path).unwrap();
        subject.reap();
        let found = symbolizer.symbolize(&process, &map, &addresses);
        assert_nested(&found, &source, &path);
        assert_eq!(symbolizer.missing(), []);
    }
}

#[test]
fn a_deleted_or_replaced_executable_that_runs_is_known_to_who_may_ask_for_it() {
    let source = nested();
    for build_id in BUILD_IDS {
        for replaced in [false, true] {
            let directory = public_directory();
            let path = compiled(&directory, "subject", &source, &["-g", "-O2", build_id]);
            let mut subject = Subject::start(&mut Command::new(&path));
            let addresses = numbers(&subject.said);
            let (process, before) = pinned(subject.id());
            fs::remove_file(&path).unwrap();
            if replaced {
                let another = compiled(&directory, "another", ANOTHER, &["-g", build_id]);
                fs::rename(another, &path).unwrap();
            }
            let after = process.address_map().unwrap();
            assert!(after.resolve(addresses[0]).unwrap().module.unwrap().deleted);
            for map in [&before, &after] {
                let mut symbolizer = Symbolizer::new();
                let found = symbolizer.symbolize(&process, map, &addresses);
                if is_root() {
                    assert_nested(&found, &source, &path);
                } else {
                    assert!(found.iter().all(|frames| functions(frames) == [""]));
                    assert_eq!(symbolizer.missing().len(), 1);
                }
            }
            subject.proceed();
        }
    }
    if !is_root() {
        skip("deleted executables are known to who has CAP_SYS_ADMIN only");
    }
}

#[test]
fn a_stripped_program_is_known_by_module_and_offset() {
    let directory = public_directory();
    let path = compiled(&directory, "subject", &nested(), &["-g", "-O2"]);
    run(Command::new("strip").arg(&path));
    let subject = Subject::start(&mut Command::new(&path));
    let addresses = numbers(&subject.said);
    let (process, map) = pinned(subject.id());
    for (frames, address) in symbols(&process, &map, &addresses).iter().zip(addresses) {
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
fn debug_information_in_a_file_of_its_own_is_found() {
    let source = nested();
    let directory = public_directory();
    let path = compiled(
        &directory,
        "subject",
        &source,
        &["-g", "-O2", "-Wl,--build-id"],
    );
    // Below a root for files, as it would be in /usr/lib/debug.
    let root = public_directory();
    let place = root.path().join("usr/lib/debug");
    fs::create_dir_all(&place).unwrap();
    let debug = place.join("subject.debug");
    run(Command::new("objcopy")
        .arg("--only-keep-debug")
        .args([&path, &debug]));
    run(Command::new("strip").arg(&path));
    let link = format!("--add-gnu-debuglink={}", debug.display());
    run(Command::new("objcopy").arg(link).arg(&path));

    let subject = Subject::start(&mut Command::new(&path));
    let addresses = numbers(&subject.said);
    let system = System::builder().file_root(root.path()).build();
    let process = system.process(subject.id()).unwrap();
    let map = process.address_map().unwrap();
    assert_nested(&symbols(&process, &map, &addresses), &source, &path);

    // That of another build is told and left alone.
    fs::write(&debug, b"another").unwrap();
    let mut symbolizer = Symbolizer::new();
    let found = symbolizer.symbolize(&process, &map, &addresses);
    assert!(found.iter().all(|frames| functions(frames) == [""]));
    assert_eq!(symbolizer.missing().len(), 1);
}

#[test]
fn a_process_in_another_mount_namespace_is_symbolized_by_its_own_files() {
    let source = nested();
    for build_id in BUILD_IDS {
        let directory = public_directory();
        let outside = compiled(&directory, "outside", &source, &["-g", "-O2", build_id]);
        let hidden = public_directory();
        // What is at the same path for all others.
        let path = compiled(&hidden, "subject", ANOTHER, &["-g", build_id]);
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
            return skip("no mount namespace to be had");
        }
        let mut subject = Subject::start(&mut unshare(script));
        let addresses = numbers(&subject.said);
        let (process, map) = pinned(subject.id());
        assert_nested(&symbols(&process, &map, &addresses), &source, &path);
        let mut held = Symbolizer::new();
        held.hold(&process, &map);
        subject.reap();
        let mut symbolizer = Symbolizer::new();
        let found = symbolizer.symbolize(&process, &map, &addresses);
        assert!(found.iter().all(|frames| functions(frames) == [""]));
        assert_eq!(symbolizer.missing().len(), 1);
        let found = held.symbolize(&process, &map, &addresses);
        assert_nested(&found, &source, &path);
    }
}

#[test]
fn a_program_of_32_bits_is_symbolized_and_so_is_its_vdso() {
    const SOURCE: &str = r#"
        static int call(int number, int a, const void *b, int c) {
            int result;
            __asm__ volatile("int $0x80" : "=a"(result)
                             : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
            return result;
        }
        void named_start(void) {
            char c;
            call(4, 1, "up\n", 3);
            call(3, 0, &c, 1);
            call(1, 0, 0, 0);
        }"#;
    let arguments = [
        "-g",
        "-m32",
        "-nostdlib",
        "-static",
        "-fno-pie",
        "-no-pie",
        "-Wl,-e,named_start",
    ];
    let program = Program::try_compile(OsStr::new("narrow"), SOURCE, &arguments);
    let Some(program) = program.filter(|_| cfg!(target_arch = "x86_64")) else {
        return skip("no compiler for 32-bit programs");
    };
    let try_run = Command::new(&program.path).stdin(Stdio::null()).output();
    if try_run.is_err() {
        return skip("the kernel runs no 32-bit programs");
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
        told(&found[0]),
        [("named_start", line_of(SOURCE, "named_start"), false)]
    );
    assert_eq!(functions(&found[1]), ["__kernel_vsyscall"]);
}

#[test]
fn the_vdso_has_symbols_while_the_process_lives_and_after() {
    const SOURCE: &str = r#"
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <stdio.h>
        int main(void) {
            void *vdso = dlopen("linux-vdso.so.1", RTLD_NOW | RTLD_NOLOAD);
            void *f = vdso ? dlvsym(vdso, "__vdso_clock_gettime", "LINUX_2.6") : 0;
            printf("%lx\n", (long)f); fflush(stdout); getchar(); return 0;
        }"#;
    let program = Program::compile(SOURCE, &["-ldl"]);
    let mut subject = program.start();
    let addresses = numbers(&subject.said);
    if addresses[0] == 0 {
        return skip("no __vdso_clock_gettime on this machine");
    }
    let (process, map) = pinned(subject.id());
    let living = symbols(&process, &map, &addresses);
    // The same place has a second, weak name.
    assert!(
        functions(&living[0])[0].ends_with("clock_gettime"),
        "{living:?}"
    );
    assert_eq!(living[0][0].module.as_deref(), Some(Path::new("[vdso]")));
    subject.reap();
    assert_eq!(symbols(&process, &map, &addresses), living);
}

#[test]
fn functions_of_the_kernel_are_named_where_it_shows_them() {
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
    // What is no function is the kernel's all the same; and to nobody, all is so.
    let somewhere = [
        known.unwrap_or(0xffff_ffff_8100_1234),
        0xffff_8000_0000_0000,
    ];
    as_nobody(|| {
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
fn code_that_a_program_makes_has_the_names_that_it_gives() {
    const SOURCE: &str = r#"
        #include <stdio.h>
        #include <sys/mman.h>
        #include <unistd.h>
        int main(void) {
            char name[99];
            char *code = mmap(0, 8192, PROT_READ | PROT_WRITE | PROT_EXEC,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            if (code == MAP_FAILED) { puts("0"); fflush(stdout); getchar(); return 0; }
            printf("%lx\n", (long)code); fflush(stdout); getchar();
            sprintf(name, "/tmp/perf-%d.map", getpid());
            unlink(name);
            FILE *map = fopen(name, "w");
            fprintf(map, "%lx 40 made::first(int)\nnonsense\n", (long)code); fflush(map);
            puts("first"); fflush(stdout); getchar();
            fprintf(map, "%lx 10 second\n%lx 1", (long)code + 4096, (long)code + 5000); fflush(map);
            puts("second"); fflush(stdout); getchar();
            puts(unlink(name) ? "left" : "gone"); fflush(stdout); getchar();
            return 0;
        }"#;
    let program = Program::compile(SOURCE, &[]);
    let mut subject = program.start();
    let code = numbers(&subject.said)[0];
    if code == 0 {
        return skip("no memory may be written to and executed here");
    }
    let (process, map) = pinned(subject.id());
    let addresses = [code + 0x3f, code + 0x40, code + 4100];
    let mut symbolizer = Symbolizer::new();
    let mut ask = |expected: [&[&str]; 3]| {
        let found = symbolizer.symbolize(&process, &map, &addresses);
        let names: Vec<_> = found.iter().map(|frames| functions(frames)).collect();
        assert_eq!(names, expected);
        found
    };
    ask([&[], &[], &[]]);
    subject.proceed();
    let found = ask([&["made::first(int)"], &[], &[]]);
    assert_eq!(
        (&found[0][0].module, found[0][0].offset),
        (&None, Some(0x3f))
    );
    subject.proceed();
    ask([&["made::first(int)"], &[], &["second"]]);
    subject.proceed();
    assert_eq!(subject.said, "gone");
    ask([&["made::first(int)"], &[], &["second"]]);
    assert_eq!(symbolizer.missing(), []);
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
fn many_addresses_are_answered_in_their_order() {
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
    // One answer, however often it is given.
    assert!(Arc::ptr_eq(&found[0], &found[99_999]));
    let again = symbolizer.symbolize(&process, &map, &many);
    assert!(Arc::ptr_eq(&found[0], &again[0]));
}

#[test]
fn an_unreadable_module_costs_its_own_symbols() {
    if !is_root() {
        return skip("only root can start a program for nobody that nobody may not read");
    }
    let source = nested();
    let directory = public_directory();
    let path = compiled(&directory, "subject", &source, &["-g", "-O2"]);
    let subject = Subject::start(&mut Command::new(&path));
    let mut addresses = numbers(&subject.said);
    let (process, map) = pinned(subject.id());
    addresses.push(a_rust_function());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    let (found, missing) = as_nobody(|| {
        let mut symbolizer = Symbolizer::new();
        let found = symbolizer.symbolize(&process, &map, &addresses);
        (found, symbolizer.missing().to_vec())
    });
    assert_eq!(functions(&found[0]), [""]);
    assert_eq!(missing[0].module, path);
    assert!(missing[0].why.contains("denied"), "{missing:?}");
}

#[test]
fn nobody_may_ask_for_what_is_his_own() {
    let source = nested();
    let program = Program::compile(&source, &WITH_LINES);
    as_nobody(|| {
        let mut subject = program.start();
        let addresses = numbers(&subject.said);
        let (process, map) = pinned(subject.id());
        assert_nested(&symbols(&process, &map, &addresses), &source, &program.path);
        subject.reap();
        assert_nested(&symbols(&process, &map, &addresses), &source, &program.path);
    });
}

#[test]
fn names_that_somebody_else_or_an_earlier_process_gave_are_not_taken() {
    if !is_root() {
        return skip("only root may give a file to another user");
    }
    const SOURCE: &str = r#"
        #include <stdio.h>
        #include <sys/mman.h>
        int main(void) {
            void *code = mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            printf("%lx\n", code == MAP_FAILED ? 0 : (long)code); fflush(stdout); getchar();
        }"#;
    struct Removed(PathBuf);
    impl Drop for Removed {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }
    let program = Program::compile(SOURCE, &[]);
    let subject = program.start();
    let code = numbers(&subject.said);
    if code[0] == 0 {
        return skip("no memory without a file may be executed here");
    }
    let (process, map) = pinned(subject.id());
    let given = Removed(format!("/tmp/perf-{}.map", subject.id()).into());
    fs::write(&given.0, format!("{:x} 1000 given\n", code[0])).unwrap();
    let hand_to = |user| std::os::unix::fs::chown(&given.0, Some(user), None).unwrap();
    let names = || functions(&symbols(&process, &map, &code)[0]).len();

    hand_to(NOBODY);
    assert_eq!(names(), 0);
    hand_to(0);
    let now = std::time::SystemTime::now();
    let file = fs::File::options().append(true).open(&given.0).unwrap();
    file.set_modified(now - std::time::Duration::from_secs(3600))
        .unwrap();
    assert_eq!(names(), 0);
    file.set_modified(now).unwrap();
    assert_eq!(names(), 1);
}

#[test]
fn damaged_files_break_nothing() {
    let source = nested();
    let directory = public_directory();
    let arguments = ["-g", "-O2", "-Wl,--build-id=none"];
    let good = fs::read(compiled(&directory, "good", &source, &arguments)).unwrap();
    // The program header and what runs are in the first part, the section headers at the end.
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
