//! Runs in the guests of `cargo xtask kernels`, as root, and measures privileges. It runs each
//! probe on a process of the same user and on one of another user. It begins without capabilities
//! and continues with sets of increasing size.
//!
//! For each probe it prints the smallest sets that suffice, as a line `PROBE|TARGET|SETS`. The
//! capabilities of a set are joined by `+` and the sets by `,`; the empty set is `none`.
//!
//! For each attempt it starts `psapi-probe run PROBE PID`, which exits with 0 if the probe
//! succeeds.
//!
//! `psapi-probe keep-watch` watches its own page faults until it is killed. When the machine's
//! first watch begins, and when its last one ends, the kernel patches its own page fault handler.
//! An emulated processor sometimes executes the intermediate code (QEMU 10.0: "Oops: int3"). While
//! this program runs, the kernel patches nothing.

mod probes;

use std::process::{Child, Command, ExitCode, Stdio};

use psapi::{System, WatchOptions};

use probes::{PROBES, Probe};

/// The capabilities that a probe can need.
const CAPABILITIES: &[&str] = &[
    "dac_read_search",
    "perfmon",
    "sys_admin",
    "sys_nice",
    "sys_ptrace",
    "syslog",
];

/// The largest set that is tried; no probe needs more.
const MAX_CAPABILITIES: usize = 3;

/// The ids of the user `nobody` and its group.
const NOBODY: &str = "65534";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => run_all(),
        ["run", name, id] => return run(name, id),
        ["keep-watch"] => return keep_watch(),
        _ => {
            eprintln!("psapi-probe [run PROBE PID | keep-watch]");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn run(name: &str, id: &str) -> ExitCode {
    let probe = PROBES.iter().find(|probe| probe.name == name);
    let (Some(probe), Ok(id)) = (probe, id.parse::<u32>()) else {
        eprintln!("unknown probe or invalid process id: {name} {id}");
        return ExitCode::from(2);
    };
    if (probe.run)(id) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn keep_watch() -> ExitCode {
    let process = System::new().process(std::process::id());
    let options = WatchOptions::new().buffer_size(1);
    match process.and_then(|process| process.watch_working_set_with(options)) {
        Ok(_watch) => loop {
            std::thread::park();
        },
        Err(error) => {
            eprintln!("psapi-probe: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run_all() {
    let own = TestProcess::of(Some(NOBODY));
    let others = TestProcess::of(None);
    for probe in PROBES {
        let targets: &[(&str, &TestProcess)] = if probe.needs_process {
            &[("own", &own), ("others", &others)]
        } else {
            &[("machine", &own)]
        };
        for (name, target) in targets {
            let sets: Vec<String> = smallest_sets(probe, target)
                .iter()
                .map(|set| match set[..] {
                    [] => "none".into(),
                    _ => set.join("+"),
                })
                .collect();
            println!("{}|{name}|{}", probe.name, sets.join(","));
        }
    }
}

/// Returns the smallest sets of capabilities that suffice: `[[]]` if no capability is needed, `[]`
/// if no set suffices.
fn smallest_sets(probe: &Probe, target: &TestProcess) -> Vec<Vec<&'static str>> {
    let mut found: Vec<Vec<&str>> = Vec::new();
    for set in sets() {
        let is_larger = found
            .iter()
            .any(|smaller| smaller.iter().all(|one| set.contains(one)));
        if !is_larger && succeeds(probe, target, &set) {
            found.push(set);
        }
    }
    found
}

/// Returns all sets, smaller ones first.
fn sets() -> Vec<Vec<&'static str>> {
    let all = 0..1_u32 << CAPABILITIES.len();
    let set = |bits: u32| -> Vec<&'static str> {
        let named = CAPABILITIES.iter().enumerate();
        named
            .filter(|(bit, _)| bits & 1 << bit != 0)
            .map(|(_, name)| *name)
            .collect()
    };
    let mut sets: Vec<_> = all
        .map(set)
        .filter(|set| set.len() <= MAX_CAPABILITIES)
        .collect();
    sets.sort_by_key(Vec::len);
    sets
}

/// Runs a probe as `nobody` with some capabilities, in a process of its own.
fn succeeds(probe: &Probe, target: &TestProcess, capabilities: &[&str]) -> bool {
    let added: String = capabilities
        .iter()
        .map(|name| format!(",+{name}"))
        .collect();
    let status = Command::new("setpriv")
        .args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"])
        .arg(format!("--inh-caps=-all{added}"))
        .arg(format!("--ambient-caps=-all{added}"))
        .arg(std::env::current_exe().expect("the program has a path"))
        .args(["run", probe.name, &target.0.id().to_string()])
        .stderr(Stdio::null())
        .status();
    let code = status.expect("setpriv starts").code();
    assert!(matches!(code, Some(0 | 1)), "{}: {code:?}", probe.name);
    code == Some(0)
}

/// A sleeping process, which is killed on drop.
struct TestProcess(Child);

impl TestProcess {
    /// Starts a process of a user, by default the current one.
    fn of(user: Option<&str>) -> Self {
        let mut command = Command::new(if user.is_some() { "setpriv" } else { "sleep" });
        if let Some(user) = user {
            command.args(["--reuid", user, "--regid", user, "--clear-groups", "sleep"]);
        }
        let child = command.arg("1000000").spawn().expect("sleep starts");
        let stat = format!("/proc/{}/stat", child.id());
        let is_asleep =
            || std::fs::read_to_string(&stat).is_ok_and(|stat| stat.contains("(sleep) S"));
        while !is_asleep() {
            std::thread::yield_now();
        }
        TestProcess(child)
    }
}

impl Drop for TestProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
