//! Small programs that use the API in the ways of public programs: monitors, allocators, profilers,
//! language runtimes. They compile without warnings as C and as C++, print correct results, and
//! neither sanitizers nor Valgrind find an error.

#![cfg(target_os = "linux")]

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use testing::c_library::matrix;
use testing::c_library::workshop::{Ended, Workshop, run};
use testing::privilege::{NOBODY, is_root};
use testing::{TestProcess, skip};

/// Returns the name and the text of a program.
macro_rules! program {
    ($name:literal) => {
        ($name, include_str!(concat!("programs/", $name)))
    };
}

/// Runs a program in all ways; see [`matrix::run_everywhere`].
fn run_with<T>(
    (name, text): (&str, &str),
    start: impl Fn() -> T,
    arguments: impl Fn(&T) -> Vec<String>,
    check: impl Fn(&T, &Ended, &Path),
) {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join(name);
    std::fs::write(&source, text).unwrap();
    matrix::run_everywhere(&source, start, arguments, check);
}

/// Runs a program, for each run with a new child process that waits for input.
fn run_with_child(
    program: (&str, &str),
    arguments: impl Fn(u32) -> Vec<String>,
    check: impl Fn(&Child, &Ended, &Path),
) {
    run_with(program, Child::start, |child| arguments(child.id()), check);
}

/// Runs a program without arguments.
fn run_alone(program: (&str, &str), check: impl Fn(&Ended, &Path)) {
    let check = |(): &(), ended: &Ended, path: &Path| check(ended, path);
    run_with(program, || (), |()| Vec::new(), check);
}

/// A child that has a text in its memory, and waits for input.
struct Child(TestProcess);

impl Child {
    fn start() -> Child {
        let script = "text=needle-in-a-haystack; echo; read line; : $text";
        Child(TestProcess::start(Command::new("sh").args(["-c", script])))
    }

    fn id(&self) -> u32 {
        self.0.id().get()
    }

    fn image(&self) -> String {
        let link = std::fs::read_link(format!("/proc/{}/exe", self.id())).unwrap();
        link.into_os_string().into_string().unwrap()
    }
}

/// Returns the words after a name at the start of a line.
fn values<'a>(output: &'a str, name: &str) -> Vec<&'a str> {
    let found = output.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some(name)).then(|| words.collect())
    });
    found.unwrap_or_else(|| panic!("{name}: {output}"))
}

fn number(output: &str, name: &str) -> u64 {
    values(output, name)[0].parse().unwrap()
}

fn address(word: &str) -> u64 {
    // The UTF-16 functions print all digits, as on Windows.
    u64::from_str_radix(word.trim_start_matches("0x"), 16).unwrap()
}

/// Returns a figure of `/proc/meminfo` in bytes.
fn meminfo(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.unwrap().trim_end_matches(" kB").trim();
    kib.parse::<u64>().unwrap() * 1024
}

#[test]
fn process_monitor() {
    run_with_child(
        program!("process_monitor.c"),
        |_| Vec::new(),
        |child, ended, _| {
            let row = values(ended.succeeded(), &child.id().to_string());
            let [rss, private, cpu, age, name] = row[..] else {
                panic!("{row:?}")
            };
            let parse = |word: &str| word.parse::<u64>().unwrap();
            let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
            let line = status
                .lines()
                .find(|line| line.starts_with("VmRSS:"))
                .unwrap();
            assert!(line.contains(&format!(" {rss} kB")), "{line}: {rss}");
            assert!(parse(private) > 0);
            // The child is new, and waits.
            assert!(parse(cpu) < 1000 && parse(age) < 600, "{row:?}");
            assert!(child.image().ends_with(name), "{row:?}");
        },
    );
}

#[test]
fn allocator_statistics() {
    run_alone(program!("allocator_statistics.c"), |ended, _| {
        let output = ended.succeeded();
        let lines: Vec<&str> = output.lines().collect();
        let (used, freed) = lines.split_at(lines.len() / 2);
        let (used, freed) = (used.join("\n"), freed.join("\n"));
        const SIZE: u64 = 32 << 20;
        assert!(number(&used, "rss") > SIZE && number(&used, "commit") > SIZE);
        assert!(number(&used, "faults") > SIZE / 4096 / 512);
        assert!(number(&freed, "rss") + SIZE / 2 < number(&used, "rss"));
        for name in ["peak_rss", "peak_commit"] {
            assert!(number(&freed, name) >= number(&used, name), "{output}");
        }
    });
}

#[test]
fn working_set_view() {
    let arguments = |id: u32| vec![id.to_string()];
    run_with_child(
        program!("working_set_view.cpp"),
        arguments,
        |child, ended, _| {
            let output = ended.succeeded();
            let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
            let kib = |name: &str| {
                let line = status.lines().find_map(|line| line.strip_prefix(name));
                let kib = line.unwrap().trim_end_matches(" kB").trim();
                kib.parse::<u64>().unwrap()
            };
            let pages =
                |name: &str, index: usize| -> u64 { values(output, name)[index].parse().unwrap() };
            let resident: u64 = ["image", "mapped", "private"]
                .iter()
                .map(|name| pages(name, 0))
                .sum();
            let page = rustix::param::page_size() as u64 / 1024;
            // The kernel does not count the vDSO and zero pages.
            let rss = kib("VmRSS:") / page;
            assert!((rss..rss + 64).contains(&resident), "{rss}: {output}");
            assert_eq!(pages("private", 1), 0, "{output}");
            // The code of the program and of the C library is shareable.
            assert!(pages("image", 1) > 20, "{output}");
        },
    );
}

#[test]
fn memory_limit() {
    run_alone(program!("memory_limit.c"), |ended, _| {
        let output = ended.succeeded();
        let total = meminfo("MemTotal:");
        assert_eq!(number(output, "physical"), total);
        assert!(number(output, "available") < total && number(output, "load") <= 100);
        let heap = number(output, "heap");
        assert!(heap > 1 << 20 && heap <= total / 4 && heap.is_multiple_of(65536));
        let limit = number(output, "commit_limit");
        assert!(number(output, "uncommitted") <= limit, "{output}");
        let overcommit = std::fs::read_to_string("/proc/sys/vm/overcommit_memory").unwrap();
        if overcommit.trim() != "2" && meminfo("Committed_AS:") < total {
            assert_eq!(number(output, "swap"), meminfo("SwapTotal:"));
        }
    });
}

#[test]
fn process_memory_from_python() {
    if !testing::is_installed("python3") {
        return skip("python3 is not installed");
    }
    let workshop = Workshop::new();
    let script = workshop.file(
        "process_memory.py",
        include_str!("programs/process_memory.py"),
    );
    let child = Child::start();
    let id = child.id().to_string();
    let ended = run(workshop.command("python3").arg(script).arg(&id));
    let output = ended.succeeded();
    assert_eq!(number(output, "pid"), u64::from(child.id()));
    assert!(number(output, "rss") > 100 << 10 && number(output, "private") > 0);
    let now = std::time::SystemTime::now();
    let now = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert!((now - 600..=now + 1).contains(&number(output, "created")));
}

#[test]
fn find_process() {
    let name = Child::start().image();
    let name = name.rsplit('/').next().unwrap().to_uppercase();
    run_with_child(
        program!("find_process.c"),
        |_| vec![name.clone()],
        |child, ended, _| {
            let output = ended.succeeded();
            let row = values(output, &child.id().to_string());
            assert_eq!(row, [&*std::process::id().to_string(), "1"], "{output}");
            assert_eq!(ended.errors, "");
            let last = output.lines().last().unwrap();
            let (found, all) = last.split_once(" of ").unwrap();
            let count = |word: &str| word.parse::<usize>().unwrap();
            assert_eq!(count(found), output.lines().count() - 1);
            assert!(count(all) >= count(found) + 2, "{output}");
        },
    );
}

#[test]
fn snapshot_details() {
    let arguments = |id: u32| vec![id.to_string()];
    run_with_child(
        program!("snapshot_details.c"),
        arguments,
        |child, ended, _| {
            let output = ended.succeeded();
            let module = values(output, "module");
            let image = child.image();
            assert_eq!(module[2..], [image.rsplit('/').next().unwrap(), &image]);
            let maps = std::fs::read_to_string(format!("/proc/{}/maps", child.id())).unwrap();
            let line = maps.lines().find(|line| line.ends_with(&image)).unwrap();
            assert_eq!(address(module[0]), address(line.split('-').next().unwrap()));
            let c_library = |line: &&str| line.ends_with("/libc.so.6");
            assert_eq!(output.lines().filter(c_library).count(), 1, "{output}");
            let threads: Vec<_> = output
                .lines()
                .filter(|line| line.starts_with("thread"))
                .collect();
            let [thread] = threads[..] else {
                panic!("{output}");
            };
            assert!(thread.starts_with(&format!("thread {} ", child.id())));
            // The child inherits the nice value: field 19, the 17th after the name.
            let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
            let fields = stat.rsplit(')').next().unwrap();
            if fields.split_whitespace().nth(16) == Some("0") {
                assert!(thread.ends_with(" 8"), "{thread}");
            }
        },
    );
}

/// The process that is opened is of another user, so that only the privilege gives access to it.
#[test]
fn debug_privilege() {
    if !is_root() {
        return run_with_first_process();
    }
    let start = || {
        let mut command = Command::new("sh");
        command
            .args(["-c", "echo; read line"])
            .uid(NOBODY)
            .gid(NOBODY);
        Child(TestProcess::start(&mut command))
    };
    let arguments = |child: &Child| vec![child.id().to_string()];
    run_with(
        program!("debug_privilege.c"),
        start,
        arguments,
        |_, ended, _| {
            let lines: Vec<&str> = ended.succeeded().lines().collect();
            assert_eq!(lines[..3], ["enabled 1", "open 0", "disabled 1"]);
            // Newer kernels accept CAP_PERFMON, which root keeps.
            assert!(["open 0", "open 5"].contains(&lines[3]), "{lines:?}");
        },
    );
}

/// Opens the first process, which is of root, without privileges.
fn run_with_first_process() {
    let arguments = |_: &()| vec!["1".to_owned()];
    run_with(
        program!("debug_privilege.c"),
        || (),
        arguments,
        |(), ended, _| {
            let lines: Vec<&str> = ended.succeeded().lines().collect();
            let denied = ["enabled 0", "reason 1300", "open 5", "disabled 0", "open 5"];
            assert_eq!(lines, denied);
        },
    );
}

#[test]
fn dynamic_psapi() {
    run_alone(program!("dynamic_psapi.c"), |ended, _| {
        let output = ended.succeeded();
        assert!(number(output, "processes") >= 2 && number(output, "ticks") > 0);
        assert!(number(output, "rss") > 100 << 10);
        assert_eq!(number(output, "missing"), 127);
        assert_eq!(number(output, "freed"), 1);
    });
}

#[test]
fn memory_map() {
    let arguments = |id: u32| vec![id.to_string()];
    run_with_child(program!("memory_map.c"), arguments, |child, ended, _| {
        let output = ended.succeeded();
        let maps = std::fs::read_to_string(format!("/proc/{}/maps", child.id())).unwrap();
        let sizes = maps
            .lines()
            .filter(|line| !line.ends_with("[vsyscall]"))
            .map(|line| {
                let (start, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
                address(end) - address(start)
            });
        let in_use = ["image", "mapped", "private", "reserved"];
        let in_use: u64 = in_use.iter().map(|name| number(output, name)).sum();
        assert_eq!(in_use, sizes.sum::<u64>(), "{output}");
        let end = values(output, "end");
        assert_eq!(end[1], "87", "{output}");
        assert_eq!(address(end[0]), in_use + number(output, "free"));
        let image = child.image();
        let is_image = |line: &&str| line.starts_with("file") && line.ends_with(&image);
        assert_eq!(output.lines().filter(is_image).count(), 1, "{output}");
    });
}

#[test]
fn scan_memory() {
    let scope = std::fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope");
    if scope.is_ok_and(|scope| scope.trim() != "0") && !is_root() {
        return skip("kernel.yama.ptrace_scope denies reading the memory of others");
    }
    let arguments = |id: u32| vec![id.to_string(), "needle-in-a-haystack".to_owned()];
    run_with_child(program!("scan_memory.c"), arguments, |_, ended, _| {
        // The shell keeps the variable, and the script that sets it.
        assert!(number(ended.succeeded(), "found") >= 1, "{ended:?}");
    });
}

#[test]
fn kill_process() {
    let arguments = |id: u32| vec![id.to_string()];
    run_with_child(program!("kill_process.c"), arguments, |_, ended, _| {
        let output = ended.succeeded();
        assert_eq!(output, "running 1\ntimeout 1\nended 1\ncode 42\nagain 5\n");
    });
}

#[test]
fn io_monitor() {
    run_alone(program!("io_monitor.c"), |ended, _| {
        let output = ended.succeeded();
        let row = |name: &str| -> Vec<u64> {
            let words = values(output, name).into_iter();
            words.map(|word| word.parse().unwrap()).collect()
        };
        let [before, written, read] = ["before", "written", "read"].map(row);
        const SIZE: u64 = 1 << 16;
        // The program's own lines are written, and the library reads the counters.
        assert!(
            (SIZE..SIZE + 4096).contains(&(written[3] - before[3])),
            "{output}"
        );
        assert!(
            (SIZE..SIZE + 65536).contains(&(read[1] - written[1])),
            "{output}"
        );
        assert!(written[2] > before[2] && read[0] > written[0], "{output}");
    });
}

#[test]
fn cpu_usage() {
    run_alone(program!("cpu_usage.c"), |ended, _| {
        let output = ended.succeeded();
        let (own, elapsed) = (number(output, "own"), number(output, "elapsed"));
        assert!(own >= 1_000_000, "{output}");
        // One thread uses at most the elapsed time, up to the resolution of its two figures.
        assert!(own <= elapsed + 400_000, "{output}");
        assert!(number(output, "machine") > 0, "{output}");
        let online = std::fs::read_to_string("/proc/cpuinfo").unwrap();
        let online = online
            .lines()
            .filter(|line| line.starts_with("processor\t"));
        assert_eq!(number(output, "processors"), online.count() as u64);
    });
}

#[test]
fn handle_leak() {
    run_alone(program!("handle_leak.c"), |ended, _| {
        assert_eq!(ended.succeeded(), "opened 10\nleaked 0\n");
    });
}

#[test]
fn bitness() {
    run_alone(program!("bitness.c"), |ended, _| {
        let output = ended.succeeded();
        assert_eq!(number(output, "bits"), u64::from(usize::BITS));
        assert!(address(values(output, "base")[0]) > 0);
        if cfg!(target_arch = "x86_64") {
            assert_eq!((number(output, "own"), number(output, "native")), (9, 9));
            assert_eq!(number(output, "wow64"), 0);
        }
    });
}

#[test]
fn text_names() {
    run_alone(program!("text_names.c"), |ended, program| {
        let output = ended.succeeded();
        let program = program.to_str().unwrap();
        assert_eq!(values(output, "path"), [program]);
        assert_eq!((number(output, "same"), number(output, "replaced")), (1, 0));
        assert_eq!(number(output, "invalid"), 1113);
        assert_eq!(ended.errors, format!("{program}\n"));
    });
}

#[test]
fn mapped_paths() {
    run_alone(program!("mapped_paths.c"), |ended, program| {
        let output = ended.succeeded();
        assert_eq!(values(output, "path"), [program.to_str().unwrap()]);
        assert_eq!(number(output, "image"), 1);
    });
}

#[test]
fn heap_buffer() {
    run_alone(program!("heap_buffer.c"), |ended, _| {
        let output = ended.succeeded();
        assert!(number(output, "processes") >= 2, "{output}");
        assert_eq!((number(output, "own"), number(output, "freed")), (1, 1));
    });
}
