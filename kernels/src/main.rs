//! Runs in the guests of `cargo xtask kernels`, as root: asks each question of a process of the asker's own
//! user and of another's, with none of root's capabilities and then with more and more of them, and prints
//! the smallest sets of them with which there was an answer: a line `QUESTION|WHOSE|SETS` each, the
//! capabilities of a set joined by `+`, the sets by `,`; the empty set is `none`.
//!
//! `psapi-probe ask QUESTION PID`, which it runs for that, exits with 0 if there was an answer.
//!
//! `psapi-probe hold` watches itself until it is killed. A kernel changes its own code where page faults are
//! handled whenever the first watch of all begins and the last one ends, and now and then an emulated
//! processor goes on to run what was there in between (QEMU 10.0: "Oops: int3"). While this runs, it
//! changes nothing.

mod question;

use std::process::{Child, Command, ExitCode, Stdio};

use psapi::{System, WatchOptions};

use question::{QUESTIONS, Question};

/// Those that any question may need.
const CAPABILITIES: &[&str] = &[
    "dac_read_search",
    "perfmon",
    "sys_admin",
    "sys_nice",
    "sys_ptrace",
    "syslog",
];

/// No question needs more of them at a time.
const MOST: usize = 3;

/// The user and group of who owns nothing.
const NOBODY: &str = "65534";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => probe(),
        ["ask", name, id] => return ask(name, id),
        ["hold"] => return hold(),
        _ => {
            eprintln!("psapi-probe [ask QUESTION PID | hold]");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn ask(name: &str, id: &str) -> ExitCode {
    let question = QUESTIONS.iter().find(|question| question.name == name);
    let (Some(question), Ok(id)) = (question, id.parse::<u32>()) else {
        eprintln!("there is no question {name} of {id}");
        return ExitCode::from(2);
    };
    match (question.ask)(id) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn hold() -> ExitCode {
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

fn probe() {
    let own = Subject::of(Some(NOBODY));
    let others = Subject::of(None);
    for question in QUESTIONS {
        let asked: &[(&str, &Subject)] = match question.of_process {
            true => &[("own", &own), ("others", &others)],
            false => &[("machine", &own)],
        };
        for (whose, subject) in asked {
            let sets: Vec<String> = smallest(question, subject)
                .iter()
                .map(|set| match set[..] {
                    [] => "none".into(),
                    _ => set.join("+"),
                })
                .collect();
            println!("{}|{whose}|{}", question.name, sets.join(","));
        }
    }
}

/// The smallest sets of capabilities with which there is an answer: `[[]]` if none is needed, `[]` if none
/// of those tried brings one.
fn smallest(question: &Question, subject: &Subject) -> Vec<Vec<&'static str>> {
    let mut found: Vec<Vec<&str>> = Vec::new();
    for set in sets() {
        let is_larger = found
            .iter()
            .any(|smaller| smaller.iter().all(|one| set.contains(one)));
        if !is_larger && is_answered(question, subject, &set) {
            found.push(set);
        }
    }
    found
}

/// All sets, the smaller ones first.
fn sets() -> Vec<Vec<&'static str>> {
    let all = 0..1_u32 << CAPABILITIES.len();
    let set = |bits: u32| -> Vec<&'static str> {
        let named = CAPABILITIES.iter().enumerate();
        named
            .filter(|(bit, _)| bits & 1 << bit != 0)
            .map(|(_, name)| *name)
            .collect()
    };
    let mut sets: Vec<_> = all.map(set).filter(|set| set.len() <= MOST).collect();
    sets.sort_by_key(Vec::len);
    sets
}

/// Asks as nobody, in a process of its own.
fn is_answered(question: &Question, subject: &Subject, capabilities: &[&str]) -> bool {
    let named: String = capabilities
        .iter()
        .map(|name| format!(",+{name}"))
        .collect();
    let status = Command::new("setpriv")
        .args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"])
        .arg(format!("--inh-caps=-all{named}"))
        .arg(format!("--ambient-caps=-all{named}"))
        .arg(std::env::current_exe().expect("a path"))
        .args(["ask", question.name, &subject.0.id().to_string()])
        .stderr(Stdio::null())
        .status();
    let code = status.expect("setpriv is there").code();
    assert!(matches!(code, Some(0 | 1)), "{}: {code:?}", question.name);
    code == Some(0)
}

/// A process that sleeps, and is ended when dropped.
struct Subject(Child);

impl Subject {
    /// Of a user, or of this one.
    fn of(user: Option<&str>) -> Self {
        let mut command = Command::new(if user.is_some() { "setpriv" } else { "sleep" });
        if let Some(user) = user {
            command.args(["--reuid", user, "--regid", user, "--clear-groups", "sleep"]);
        }
        let child = command.arg("1000000").spawn().expect("sleep is there");
        let stat = format!("/proc/{}/stat", child.id());
        let sleeps = || std::fs::read_to_string(&stat).is_ok_and(|stat| stat.contains("(sleep) S"));
        while !sleeps() {
            std::thread::yield_now();
        }
        Subject(child)
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
