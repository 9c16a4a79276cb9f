//! The watched program, watches of running processes, and access to reports.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use testing::command::{output_of_copy, psapi};
use testing::{Program, programs, public_directory};

/// The size of a page in bytes.
pub const PAGE: u64 = 4096;

/// The lists of a report.
pub const LISTS: [&str; 4] = [
    "mappings",
    "modules",
    if cfg!(windows) {
        "instructions"
    } else {
        "functions"
    },
    "threads",
];

/// The compiled program `watched.c`, and a directory for reports. Every user can read both.
pub struct Watched {
    pub path: PathBuf,
    pub directory: TempDir,
    _program: Program,
}

impl Watched {
    /// Compiles the program.
    pub fn compile() -> Self {
        let options: &[&str] = if cfg!(windows) { &[] } else { &["-g"] };
        let program = Program::compile(programs::WATCHED, options);
        Watched {
            path: program.path.clone(),
            directory: public_directory(),
            _program: program,
        }
    }

    /// Returns a path for a report.
    pub fn report_path(&self) -> PathBuf {
        self.directory.path().join("report")
    }

    /// Returns a command that watches a run of the program.
    pub fn command(&self, options: &[&str], arguments: &[&str]) -> Command {
        let mut command = psapi();
        command.arg("watch").args(options).arg("--").arg(&self.path);
        command.args(arguments);
        command
    }

    /// Watches a run of the program. Returns its output and the JSON report.
    pub fn watch(&self, options: &[&str], arguments: &[&str]) -> (Output, Value) {
        let mut all = vec!["--json", "--output"];
        let report = self.report_path();
        all.push(report.to_str().unwrap());
        all.extend(options);
        let output = output_of_copy(&mut self.command(&all, arguments));
        let text = std::fs::read(&report).unwrap_or_default();
        let json = serde_json::from_slice(&text)
            .unwrap_or_else(|error| panic!("{error}: {output:?} {text:?}"));
        (output, json)
    }
}

/// Returns a number in a row of a report.
pub fn number(row: &Value, field: &str) -> u64 {
    row[field]
        .as_u64()
        .unwrap_or_else(|| panic!("no number {field} in {row}"))
}

/// Returns a list of a report.
pub fn rows<'a>(report: &'a Value, list: &str) -> &'a [Value] {
    report[list]
        .as_array()
        .unwrap_or_else(|| panic!("no list {list} in the report"))
}

/// Returns the sum of the faults in rows with a field that ends with a text.
#[cfg(target_os = "linux")]
pub fn faults(report: &Value, list: &str, field: &str, value: &str) -> u64 {
    let matches = |row: &&Value| {
        row[field]
            .as_str()
            .is_some_and(|text| text.ends_with(value))
    };
    let found = rows(report, list).iter().filter(matches);
    found.map(|row| number(row, "faults")).sum()
}

/// Asserts two sums. Resident memory before, plus memory that came, is resident memory after plus
/// evicted memory. The categories of faults add up to the total.
#[track_caller]
pub fn assert_balances(watch: &Value) {
    let figure = |field| number(watch, field);
    assert_eq!(
        figure("resident_before_bytes")
            + figure("came_by_fault_bytes")
            + figure("came_without_fault_bytes"),
        figure("resident_after_bytes") + figure("evicted_bytes"),
    );
    assert_eq!(
        figure("came_by_fault_bytes") / PAGE
            + figure("faults_on_present_pages")
            + figure("pages_come_and_gone"),
        figure("faults"),
    );
}

/// Like [`assert_balances`], without the faults: the report includes faults of children, but not
/// their pages.
#[cfg(target_os = "linux")]
pub fn assert_pages_balance(report: &Value) {
    let figure = |field| number(&report["watch"], field);
    assert_eq!(
        figure("resident_before_bytes")
            + figure("came_by_fault_bytes")
            + figure("came_without_fault_bytes"),
        figure("resident_after_bytes") + figure("evicted_bytes"),
    );
}

/// A run of the watched program that prints a line before it waits for input.
pub struct Running {
    pub child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Running {
    /// Starts the program with a behavior, and waits for its first line.
    pub fn start(program: &Watched, behavior: &str) -> Self {
        let child = Command::new(&program.path)
            .arg(behavior)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = child.unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let mut running = Running { child, lines };
        running.wait_for_line();
        running
    }

    fn wait_for_line(&mut self) {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        assert_eq!(line.trim_end(), ".");
    }

    /// Sends a line, and waits for the next one.
    pub fn resume(&mut self) {
        self.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        self.wait_for_line();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A watch of a running program.
pub struct Watcher {
    child: Child,
    messages: BufReader<std::process::ChildStderr>,
}

impl Watcher {
    /// Starts psapi, and waits until it prints that the watch has begun.
    pub fn start(running: &Running, options: &[&str]) -> Self {
        let mut command = psapi();
        let pid = running.child.id().to_string();
        command.args(["watch", "--json", &pid]).args(options);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut messages = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        messages.read_line(&mut line).unwrap();
        let name = format!("subject{}", std::env::consts::EXE_SUFFIX);
        assert_eq!(line, format!("psapi: watching process {pid}, {name}\n"));
        Watcher { child, messages }
    }

    /// Sends SIGINT to psapi.
    #[cfg(target_os = "linux")]
    pub fn interrupt(&self) {
        let kill = Command::new("kill")
            .args(["-INT", &self.child.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
    }

    /// Waits until psapi exits, and returns its report.
    pub fn report(self) -> Value {
        let output = self.child.wait_with_output().unwrap();
        let rest: Vec<String> = self.messages.lines().map(Result::unwrap).collect();
        assert!(output.status.success(), "{output:?} {rest:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}
