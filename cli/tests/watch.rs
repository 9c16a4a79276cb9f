//! `psapi watch` against faults that the tests arrange and the kernel counts.

mod common;

use std::ffi::OsStr;
use std::fs::Permissions;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use common::{output_of_copy, program, psapi, run_as_nobody_with, stderr};
use serde_json::Value;
use tempfile::TempDir;

const PAGE: u64 = 4096;

/// Touches so many pages in a function of its own, and does other things that its arguments say.
const SUBJECT: &str = r#"
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
static char *map(long pages) {
    /* Not every kernel has names for private memory. */
    int fd = memfd_create("arranged", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, pages * 4096)) { perror("memfd"); _exit(99); }
    char *p = mmap(0, pages * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) { perror("mmap"); _exit(99); }
    return p;
}
__attribute__((noinline)) void touch_many(char *p, long pages) {
    for (long i = 0; i < pages; i++) ((volatile char *)p)[i * 4096] = 1;
}
__attribute__((noinline)) void touch_few(char *p, long pages) {
    for (long i = 0; i < pages; i++) ((volatile char *)p)[i * 4096] = 1;
}
static void *thread(void *p) {
    prctl(PR_SET_NAME, "a\nthread");
    touch_few(p, 40);
    return 0;
}
static void hear(void) { char c; if (read(0, &c, 1) != 1) _exit(0); }
static void say(void) { if (write(1, ".\n", 2) != 2) _exit(98); }
/* Brings pages in without a fault: before Linux 5.14 by locking them. */
static void populate(char *p, size_t size) {
    if (madvise(p, size, MADV_POPULATE_WRITE) && (mlock(p, size) || munlock(p, size))) _exit(97);
}
int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "touch")) {
        char *p = map(500);
        touch_many(p, 300);
        touch_few(p + 300 * 4096, 70);
        _exit(argc > 2 ? atoi(argv[2]) : 0);
    }
    if (!strcmp(what, "account")) {
        /* 200 come by faults, 50 of them leave, 100 come without. */
        char *p = map(200);
        touch_many(p, 200);
        madvise(p + 10 * 4096, 50 * 4096, MADV_DONTNEED);
        char *q = map(100);
        populate(q, 100 * 4096);
        _exit(0);
    }
    if (!strcmp(what, "running")) {
        char *p = map(400), *q = map(100), *r = map(64);
        touch_few(r, 64);
        say(); hear();
        touch_many(p, 200);
        populate(q, 100 * 4096);
        madvise(r, 64 * 4096, MADV_DONTNEED);
        say(); hear();
    }
    if (!strcmp(what, "churn")) {
        /* Never at rest, until it is killed. */
        say();
        for (;;) {
            char *p = mmap(0, 400 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            madvise(p, 400 * 4096, MADV_NOHUGEPAGE);
            touch_few(p, 400);
            munmap(p, 400 * 4096);
        }
    }
    if (!strcmp(what, "thread")) {
        pthread_t id;
        pthread_create(&id, 0, thread, map(40));
        pthread_join(id, 0);
        _exit(0);
    }
    if (!strcmp(what, "exit-in-thread")) {
        pthread_t id;
        void *(*end)(void *) = (void *(*)(void *))_exit;
        touch_many(map(100), 100);
        pthread_create(&id, 0, end, (void *)7);
        pthread_join(id, 0);
        for (;;) pause();
    }
    if (!strcmp(what, "fork")) {
        pid_t child = fork();
        if (!child) { touch_many(map(120), 120); _exit(3); }
        waitpid(child, 0, 0);
        _exit(0);
    }
    if (!strcmp(what, "exec")) {
        touch_few(map(30), 30);
        execl(argv[0], argv[0], "touch", "5", (char *)0);
    }
    if (!strcmp(what, "heap")) {
        /* Long enough to be looked at; then it grows and shrinks faster than that. Each page has a
           fault, also where the kernel would make huge ones. */
        prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
        char *p = sbrk(4096);
        touch_few(p, 1);
        usleep(200000);
        p = sbrk(1000 * 4096);
        touch_many(p, 1000);
        sbrk(-1000 * 4096);
        _exit(0);
    }
    if (!strcmp(what, "kill")) kill(getpid(), atoi(argv[2]));
    if (!strcmp(what, "stop")) {
        pid_t parent = getpid(), child = fork();
        if (!child) {
            /* Once it has stopped, it is told to go on. */
            char path[64], text[256];
            sprintf(path, "/proc/%d/stat", parent);
            for (;;) {
                FILE *file = fopen(path, "r");
                if (!file || !fgets(text, sizeof text, file)) _exit(1);
                fclose(file);
                if (strstr(text, ") T ") || strstr(text, ") t ")) break;
                usleep(1000);
            }
            kill(parent, SIGCONT);
            _exit(0);
        }
        raise(SIGSTOP);
        waitpid(child, 0, 0);
        _exit(6);
    }
    if (!strcmp(what, "term")) {
        say();
        for (;;) pause();
    }
    return 0;
}"#;

/// The compiled subject, where everybody may run it.
struct Subject {
    path: PathBuf,
    directory: TempDir,
}

fn subject() -> Subject {
    let directory = tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o755))
        .tempdir()
        .unwrap();
    let code = directory.path().join("subject.c");
    std::fs::write(&code, SUBJECT).unwrap();
    let path = directory.path().join("subject");
    let status = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()))
        .args(["-O0", "-g", "-pthread", "-o"])
        .args([&path, &code])
        .status()
        .expect("a C compiler");
    assert!(status.success());
    Subject { path, directory }
}

impl Subject {
    fn report(&self) -> PathBuf {
        self.directory.path().join("report")
    }

    fn command(&self, options: &[&str], arguments: &[&str]) -> Command {
        let mut command = psapi();
        command.arg("watch").args(options).arg("--").arg(&self.path);
        command.args(arguments);
        command
    }

    /// Runs it watched; its output and the JSON report.
    fn watched(&self, options: &[&str], arguments: &[&str]) -> (Output, Value) {
        let mut all = vec!["--json", "--output"];
        let report = self.report();
        all.push(report.to_str().unwrap());
        all.extend(options);
        let output = output_of_copy(&mut self.command(&all, arguments));
        let text = std::fs::read(&report).unwrap_or_default();
        let json = serde_json::from_slice(&text)
            .unwrap_or_else(|error| panic!("{error}: {output:?} {text:?}"));
        (output, json)
    }
}

fn number(row: &Value, field: &str) -> u64 {
    row[field]
        .as_u64()
        .unwrap_or_else(|| panic!("{field} of {row}"))
}

fn rows<'a>(report: &'a Value, list: &str) -> &'a [Value] {
    report[list].as_array().unwrap_or_else(|| panic!("{list}"))
}

/// The faults of the rows whose field has this value.
fn faults(report: &Value, list: &str, field: &str, value: &str) -> u64 {
    let is_it = |row: &&Value| {
        row[field]
            .as_str()
            .is_some_and(|text| text.ends_with(value))
    };
    let found = rows(report, list).iter().filter(is_it);
    found.map(|row| number(row, "faults")).sum()
}

#[test]
fn each_page_is_told_by_mapping_module_function_and_thread() {
    let subject = subject();
    let (output, report) = subject.watched(&[], &["touch", "42"]);
    assert_eq!(output.status.code(), Some(42), "{output:?}");
    assert!(
        output.stdout.is_empty() && output.stderr.is_empty(),
        "{output:?}"
    );
    assert_eq!(faults(&report, "mappings", "name", "/memfd:arranged"), 370);
    assert_eq!(faults(&report, "functions", "function", "touch_many"), 300);
    assert_eq!(faults(&report, "functions", "function", "touch_few"), 70);
    let row = rows(&report, "functions");
    let row = row
        .iter()
        .find(|row| row["function"] == "touch_many")
        .unwrap();
    let line = SUBJECT
        .lines()
        .position(|line| line.contains("void touch_many"))
        .unwrap()
        + 2;
    assert_eq!(
        row["source"],
        format!("{}/subject.c:{line}", subject.directory.path().display())
    );
    assert_eq!(row["module"], subject.path.to_str().unwrap());
    assert_eq!(row["inlined_into"], serde_json::json!([]));

    let watch = &report["watch"];
    assert_eq!(watch["process"], "subject");
    let all = number(watch, "faults");
    for list in ["mappings", "modules", "functions", "threads"] {
        let sum = |field| {
            rows(&report, list)
                .iter()
                .map(|row| number(row, field))
                .sum::<u64>()
        };
        assert_eq!(sum("faults"), all, "{list}");
        assert_eq!(sum("soft_faults"), number(watch, "soft_faults"), "{list}");
        assert_eq!(sum("hard_faults"), number(watch, "hard_faults"), "{list}");
    }
    assert_eq!(rows(&report, "threads").len(), 1);
    assert_eq!(rows(&report, "threads")[0]["name"], "subject");
    // Nothing of what starts the command is among it.
    assert_eq!(faults(&report, "modules", "module", "/psapi"), 0);
    // Where the instructions were is all known.
    let modules = rows(&report, "modules");
    assert!(
        modules.iter().all(|row| row["module"].is_string()),
        "{modules:?}"
    );
}

/// Whether the report is of a watch that saw everything.
fn sees_the_kernel(report: &Value) -> bool {
    report["watch"]["user_only"] == false
}

#[test]
fn delivered_and_lost_are_what_the_kernel_counted() {
    let (_, report) = subject().watched(&[], &["touch"]);
    let watch = &report["watch"];
    let told = number(watch, "faults") + number(watch, "lost_faults");
    assert_eq!(
        told + number(watch, "unrecorded_faults"),
        number(watch, "counted_faults")
    );
    if sees_the_kernel(&report) {
        assert_eq!(number(watch, "unrecorded_faults"), 0);
    }
    // So it is of programs that are executed later: the kernel touches the stack that it makes.
    let (_, report) = subject().watched(&[], &["exec"]);
    let watch = &report["watch"];
    let told = number(watch, "faults") + number(watch, "lost_faults");
    let unrecorded = number(watch, "unrecorded_faults");
    assert_eq!(told + unrecorded, number(watch, "counted_faults"));
    if sees_the_kernel(&report) {
        assert!((1..10).contains(&unrecorded), "{watch}");
    }
    let output = output_of_copy(&mut subject().command(&[], &["exec"]));
    let text = stderr(&output);
    let about = |line: &&str| line.starts_with("unrecorded faults");
    let about = text.lines().find(about).expect(&text);
    assert!(about.contains("the kernel touched itself"), "{about}");
    // Pages that were populated are counted, and not recorded.
    let (_, report) = subject().watched(&[], &["account"]);
    if sees_the_kernel(&report) {
        assert_eq!(number(&report["watch"], "unrecorded_faults"), 100);
    }
}

#[track_caller]
fn assert_closes(watch: &Value) {
    let figure = |field| number(watch, field);
    assert_eq!(
        figure("resident_before_bytes")
            + figure("came_by_fault_bytes")
            + figure("came_without_fault_bytes"),
        figure("resident_after_bytes") + figure("left_bytes"),
    );
    assert_eq!(
        figure("came_by_fault_bytes") / PAGE
            + figure("faults_on_present_pages")
            + figure("pages_come_and_gone"),
        figure("faults"),
    );
}

#[test]
fn the_account_of_a_command_closes() {
    let (_, report) = subject().watched(&[], &["account"]);
    let watch = &report["watch"];
    assert_closes(watch);
    for resident in ["resident_before_bytes", "resident_after_bytes"] {
        assert!(number(watch, "peak_working_set_bytes") >= number(watch, resident));
    }
    let arranged = rows(&report, "mappings").iter();
    let arranged = arranged.filter(|row| row["name"] == "/memfd:arranged");
    let sum = |field| arranged.clone().map(|row| number(row, field)).sum::<u64>();
    assert_eq!(sum("faults"), 200);
    assert_eq!(sum("resident_after_bytes"), 250 * PAGE);
    assert_eq!(sum("came_bytes"), 250 * PAGE);
    assert_eq!(sum("left_bytes"), 0);
    assert!(number(watch, "came_without_fault_bytes") >= 100 * PAGE);
    assert!(number(watch, "pages_come_and_gone") >= 50);
}

/// A subject that says lines and hears them, and its watch.
struct Running {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Running {
    fn start(subject: &Subject, what: &str) -> Self {
        let child = Command::new(&subject.path)
            .arg(what)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = child.unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let mut running = Running { child, lines };
        running.listen();
        running
    }

    fn listen(&mut self) {
        assert_eq!(self.lines.read_line(&mut String::new()).unwrap(), 2);
    }

    fn proceed(&mut self) {
        self.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        self.listen();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Watches a running subject; what it says first is that it has begun.
struct Watcher {
    child: Child,
    messages: BufReader<std::process::ChildStderr>,
}

impl Watcher {
    fn start(subject: &Running, options: &[&str]) -> Self {
        let mut command = psapi();
        let pid = subject.child.id().to_string();
        command.args(["watch", "--json", &pid]).args(options);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut messages = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        messages.read_line(&mut line).unwrap();
        assert_eq!(line, format!("psapi: watching process {pid}, subject\n"));
        Watcher { child, messages }
    }

    fn interrupt(&self) {
        let kill = Command::new("kill")
            .args(["-INT", &self.child.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
    }

    fn report(self) -> Value {
        let output = self.child.wait_with_output().unwrap();
        let rest: Vec<String> = self.messages.lines().map(Result::unwrap).collect();
        assert!(output.status.success(), "{output:?} {rest:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn assert_watched(report: &Value) {
    let watch = &report["watch"];
    assert_closes(watch);
    assert_eq!(faults(report, "functions", "function", "touch_many"), 200);
    let memory = |field| {
        let arranged = rows(report, "mappings").iter();
        let arranged = arranged.filter(|row| row["name"] == "/memfd:arranged");
        arranged.map(|row| number(row, field)).sum::<u64>()
    };
    assert_eq!(memory("faults"), 200);
    assert_eq!(memory("came_bytes"), 300 * PAGE);
    assert_eq!(memory("left_bytes"), 64 * PAGE);
    assert_eq!(memory("resident_after_bytes"), 300 * PAGE);
    assert!(number(watch, "left_bytes") >= 64 * PAGE);
    assert!(number(watch, "came_without_fault_bytes") >= 100 * PAGE);
    if sees_the_kernel(report) {
        assert_eq!(number(watch, "unrecorded_faults"), 100);
    }
}

#[test]
fn the_account_of_a_running_process_closes_at_an_interrupt() {
    let subject = subject();
    let mut running = Running::start(&subject, "running");
    let watcher = Watcher::start(&running, &[]);
    running.proceed();
    watcher.interrupt();
    assert_watched(&watcher.report());
}

#[test]
fn a_watch_ends_after_its_duration() {
    let subject = subject();
    let running = Running::start(&subject, "running");
    let report = Watcher::start(&running, &["--duration", "0.05"]).report();
    assert_closes(&report["watch"]);
    assert_eq!(number(&report["watch"], "faults"), 0);
    assert!(report["watch"]["watched_seconds"].as_f64().unwrap() >= 0.05);
}

/// The kernel's count is read while the process takes further faults: it is compared with what was
/// recorded up to the same moment.
#[test]
fn figures_of_a_process_that_never_rests_agree() {
    let subject = subject();
    let running = Running::start(&subject, "churn");
    for _ in 0..5 {
        let report = Watcher::start(&running, &["--duration", "0.05"]).report();
        let watch = &report["watch"];
        assert_closes(watch);
        let told = number(watch, "faults") + number(watch, "lost_faults");
        assert!(told > 0);
        assert_eq!(
            told + number(watch, "unrecorded_faults"),
            number(watch, "counted_faults"),
            "{watch}"
        );
        if sees_the_kernel(&report) {
            assert_eq!(number(watch, "unrecorded_faults"), 0, "{watch}");
        }
    }
}

#[test]
fn a_watch_ends_with_the_process() {
    let subject = subject();
    let mut running = Running::start(&subject, "running");
    let watcher = Watcher::start(&running, &["--duration", "1000"]);
    running.proceed();
    drop(running.child.stdin.take());
    let report = watcher.report();
    assert_eq!(faults(&report, "functions", "function", "touch_many"), 200);
    // What was in its memory is not known any more.
    assert!(report["watch"]["resident_after_bytes"].is_null());
    let why = &report["watch"]["unaccounted"];
    assert!(why.as_str().unwrap().contains("ended"), "{why}");
}

#[test]
fn threads_are_told_with_their_names() {
    let (_, report) = subject().watched(&[], &["thread"]);
    assert_eq!(faults(&report, "functions", "function", "touch_few"), 40);
    let threads = rows(&report, "threads");
    assert_eq!(threads.len(), 2);
    let second = threads
        .iter()
        .find(|row| row["thread"] != report["watch"]["pid"])
        .unwrap();
    assert!(number(second, "faults") >= 40);
    // It is gone before its name could be read, or not.
    assert!(
        ["a\nthread", "subject"]
            .iter()
            .any(|name| second["name"] == *name)
            || second["name"].is_null()
    );
}

#[test]
fn a_heap_that_grew_and_shrank_between_two_looks_is_one() {
    let (_, report) = subject().watched(&[], &["heap"]);
    assert_eq!(faults(&report, "functions", "function", "touch_many"), 1000);
    let of_heap = faults(&report, "mappings", "name", "[heap]");
    assert!(of_heap >= 1000, "{:?}", rows(&report, "mappings"));
}

#[test]
fn children_are_watched_if_told() {
    let subject = subject();
    let (_, report) = subject.watched(&[], &["fork"]);
    assert_eq!(faults(&report, "functions", "function", "touch_many"), 0);
    let (_, report) = subject.watched(&["--children"], &["fork"]);
    assert_eq!(faults(&report, "functions", "function", "touch_many"), 120);
    assert_eq!(faults(&report, "mappings", "name", "/memfd:arranged"), 120);
    let child = rows(&report, "functions")
        .iter()
        .find(|row| row["function"] == "touch_many");
    assert_ne!(child.unwrap()["pid"], report["watch"]["pid"]);
}

#[test]
fn what_is_executed_later_is_told_apart() {
    let (output, report) = subject().watched(&[], &["exec"]);
    assert_eq!(output.status.code(), Some(5));
    assert_eq!(faults(&report, "functions", "function", "touch_many"), 300);
    // 30 of the first program, 70 of the second one.
    let arranged = faults(&report, "mappings", "name", "/memfd:arranged");
    assert!(arranged == 370 || arranged == 400, "{arranged}");
    assert_eq!(faults(&report, "functions", "function", "touch_few"), 100);
    assert_closes_for_main(&report);
}

#[test]
fn the_command_s_exit_code_is_handed_on() {
    let subject = subject();
    let code = |arguments: &[&str]| subject.watched(&[], arguments).0.status.code();
    assert_eq!(code(&[]), Some(0));
    assert_eq!(code(&["touch", "255"]), Some(255));
    assert_eq!(code(&["exit-in-thread"]), Some(7));
    assert_eq!(code(&["kill", "15"]), Some(128 + 15));
    assert_eq!(code(&["kill", "9"]), Some(128 + 9));
    // A real-time signal, which ptrace's wrapper has no name for.
    assert_eq!(code(&["kill", "40"]), Some(128 + 40));
    assert_eq!(code(&["stop"]), Some(6));
}

#[test]
fn what_can_t_be_run_has_the_shell_s_exit_codes() {
    let directory = tempfile::tempdir().unwrap();
    let plain = directory.path().join("plain");
    std::fs::write(&plain, "").unwrap();
    // Nobody may search it but root.
    let closed = directory.path().join("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, Permissions::from_mode(0o000)).unwrap();
    let path = std::env::join_paths([closed.as_path(), directory.path()]).unwrap();
    for (command, code) in [
        (OsStr::new("/no/such/command"), 127),
        (OsStr::new("no-such-command\x1b"), 127),
        (plain.as_os_str(), 126),
        (OsStr::new("plain"), 126),
        (directory.path().as_os_str(), 126),
    ] {
        let output = psapi()
            .arg("watch")
            .arg("--")
            .arg(command)
            .env("PATH", &path)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(code), "{command:?}");
        let message = stderr(&output);
        assert!(message.starts_with("psapi: can't run "), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
        assert!(!message.contains('\x1b'));
    }
}

#[test]
fn the_command_has_the_streams_and_the_report_goes_to_standard_error() {
    let mut command = psapi();
    command.args(["watch", "--", "sh", "-c", "cat; echo told >&2"]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"handed on").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(output.stdout, b"handed on");
    let text = stderr(&output);
    assert!(text.starts_with("told\n"), "{text}");
    assert!(text.contains("FUNCTION"), "{text}");
}

#[test]
fn a_report_that_can_t_be_written_keeps_the_command_from_running() {
    let directory = tempfile::tempdir().unwrap();
    let made = directory.path().join("made");
    let mut command = psapi();
    command
        .args(["watch", "-o", "/no/such/place", "--", "touch"])
        .arg(&made);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(125));
    assert!(stderr(&output).contains("/no/such/place"));
    assert!(!made.exists());
}

#[test]
fn a_file_that_takes_no_report_is_named() {
    let subject = subject();
    for live in [&[][..], &["--live"]] {
        let options = [&["-o", "/dev/full"][..], live].concat();
        let output = output_of_copy(&mut subject.command(&options, &["touch", "42"]));
        assert_eq!(output.status.code(), Some(125), "{live:?}");
        let message = stderr(&output);
        assert!(message.contains("/dev/full"), "{message}");
        assert!(message.contains("exit code 42"), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }
    let running = Running::start(&subject, "running");
    let pid = running.child.id().to_string();
    let output = psapi()
        .args(["watch", "-d", "0.01", "-o", "/dev/full", &pid])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("/dev/full"), "{output:?}");
}

#[test]
fn a_report_that_nobody_reads_is_no_failure_of_the_command() {
    let subject = subject();
    for live in [&[][..], &["--live"]] {
        let mut command = subject.command(live, &["touch", "42"]);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        command.stderr(writer).stdout(Stdio::null());
        let status = output_of_copy(&mut command).status;
        assert_eq!(status.code(), Some(42), "{live:?}");
    }
}

#[test]
fn a_signal_for_the_watch_ends_the_command() {
    let subject = subject();
    let report = subject.report();
    let mut command = subject.command(&["--json", "-o", report.to_str().unwrap()], &["term"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let kill = Command::new("kill").arg(child.id().to_string()).status();
    assert!(kill.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(128 + 15));
    let report: Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    assert!(number(&report["watch"], "faults") > 0);
}

#[test]
fn csv_has_one_list() {
    let subject = subject();
    let report = subject.report();
    let file = report.to_str().unwrap();
    for (by, wanted) in [("mapping", "start_address"), ("function", "inlined_into")] {
        let options = ["--csv", "--by", by, "-o", file];
        let output = output_of_copy(&mut subject.command(&options, &["touch"]));
        assert!(output.status.success());
        let text = std::fs::read_to_string(&report).unwrap();
        let header = text.lines().next().unwrap();
        assert!(header.contains(wanted), "{header}");
        let columns = header.split(',').count();
        assert!(text.lines().all(|line| line.split(',').count() == columns));
    }
    let options = ["--csv", "--by", "mapping,thread"];
    let output = output_of_copy(&mut subject.command(&options, &["touch"]));
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn lists_are_as_long_as_was_asked_and_symbols_may_be_left_out() {
    let subject = subject();
    let (_, report) = subject.watched(&["--top", "1", "--no-symbols"], &["touch"]);
    for list in ["mappings", "modules", "functions", "threads"] {
        assert_eq!(rows(&report, list).len(), 1, "{list}");
    }
    assert!(rows(&report, "functions")[0]["function"].is_null());
    assert_eq!(
        rows(&report, "modules")[0]["module"],
        subject.path.to_str().unwrap()
    );
}

#[test]
fn who_may_not_see_into_the_kernel_is_told() {
    if rustix::process::geteuid().as_raw() != 0 {
        common::skip("needs root to start as another user");
        return;
    }
    let setting = std::fs::read_to_string("/proc/sys/kernel/perf_event_paranoid").unwrap();
    let paranoid: i32 = setting.trim().parse().unwrap();
    let subject = subject();
    let copy = subject.directory.path().join("psapi");
    std::fs::copy(program(), &copy).unwrap();
    let mut command = Command::new(&copy);
    command
        .args(["watch", "--json", "--"])
        .arg(&subject.path)
        .args(["touch", "4"]);
    let output = output_of_copy(command.uid(65534).gid(65534));
    // Only some kernels refuse it then.
    if paranoid > 2 && output.status.code() == Some(125) {
        assert!(
            stderr(&output).contains("perf_event_paranoid"),
            "{output:?}"
        );
        return;
    }
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(report["watch"]["user_only"], paranoid >= 2);
    assert_eq!(faults(&report, "functions", "function", "touch_many"), 300);
    assert_closes(&report["watch"]);
    let watch = &report["watch"];
    assert!(number(watch, "counted_faults") >= number(watch, "faults"));
}

#[test]
fn an_account_that_can_t_be_had_is_told_why() {
    let subject = subject();
    let running = Running::start(&subject, "running");
    let pid = running.child.id().to_string();
    let watch = ["watch", &pid, "--duration", "0.05"];
    let may = ["sys_ptrace", "perfmon"];
    let Some(output) = run_as_nobody_with(&may, watch) else {
        return;
    };
    let table = String::from_utf8_lossy(&output.stdout);
    assert!(
        table.contains("no account of the working set"),
        "{output:?}"
    );
    assert!(table.contains("CAP_DAC_READ_SEARCH"), "{output:?}");
    let told = |capabilities: &[&str]| -> Value {
        let arguments = watch.iter().chain(&["--json"]);
        let output = run_as_nobody_with(capabilities, arguments).expect("as before");
        serde_json::from_slice(&output.stdout).expect("a document")
    };
    let why = told(&may)["watch"]["unaccounted"].clone();
    assert!(why.as_str().unwrap().contains("pagemap"), "{why}");
    let all = told(&["sys_ptrace", "perfmon", "dac_read_search"]);
    assert!(all["watch"]["unaccounted"].is_null());
    assert_closes(&all["watch"]);
}

#[test]
fn smaller_buffers_are_told() {
    if rustix::process::geteuid().as_raw() != 0 {
        common::skip("needs root to start as a user who has nothing locked in memory yet");
        return;
    }
    let subject = subject();
    let copy = subject.directory.path().join("psapi");
    std::fs::copy(program(), &copy).unwrap();
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -l 0; exec \"$@\"", "sh"])
        .arg(&copy)
        .args(["watch", "--json", "--"])
        .arg(&subject.path)
        .args(["touch", "4"])
        .uid(54_322)
        .gid(54_322);
    let output = output_of_copy(&mut command);
    if output.status.code() == Some(125) {
        common::skip(&format!("a user may not watch here: {}", stderr(&output)));
        return;
    }
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let text = stderr(&output);
    let (messages, report) = text.split_at(text.find('{').expect(&text));
    let report: Value = serde_json::from_str(report).unwrap();
    let watch = &report["watch"];
    if number(watch, "buffer_bytes") >= 2 << 20 {
        common::skip("kernel.perf_event_mlock_kb is enough here");
        assert!(messages.is_empty(), "{messages}");
        return;
    }
    for name in [
        "kernel.perf_event_mlock_kb",
        "RLIMIT_MEMLOCK",
        "CAP_IPC_LOCK",
    ] {
        assert!(messages.contains(name), "{messages}");
    }
    assert_eq!(messages.lines().count(), 1, "{messages}");
    // Who has room is told nothing.
    let (output, report) = subject.watched(&[], &["touch"]);
    assert_eq!(number(&report["watch"], "buffer_bytes"), 2 << 20);
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[test]
fn who_can_t_be_watched_is_told_why() {
    let output = psapi().args(["watch", "2"]).output().unwrap();
    let is_kernel_thread =
        std::fs::read_to_string("/proc/2/stat").is_ok_and(|stat| stat.contains("(kthreadd)"));
    if is_kernel_thread {
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains("2"), "{output:?}");
    } else {
        common::skip("no thread of the kernel is visible here");
    }
    for wrong in [
        &["watch"][..],
        &["watch", "1", "--", "true"],
        &["watch", "-d", "1", "--", "true"],
        &["watch", "--"],
        &["watch", "--svg", "-", "1"],
        &["watch", "--flame", "-", "--", "true"],
    ] {
        assert_eq!(
            psapi().args(wrong).output().unwrap().status.code(),
            Some(2),
            "{wrong:?}"
        );
    }
}

#[test]
fn faults_are_told_as_they_happen() {
    let subject = subject();
    let options = ["--live", "--json"];
    let output = output_of_copy(&mut subject.command(&options, &["touch"]));
    assert!(output.status.success(), "{output:?}");
    let text = stderr(&output);
    let batches = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let all: Vec<Value> = batches
        .flat_map(|batch| rows(&batch, "faults").to_vec())
        .collect();
    let arranged = all.iter().filter(|row| row["function"] == "touch_many");
    assert_eq!(arranged.clone().count(), 300);
    for (page, row) in arranged.enumerate() {
        assert_eq!(row["kind"], "soft");
        assert_eq!(row["mapping"], "/memfd:arranged");
        assert_eq!(number(row, "mapping_offset_bytes"), page as u64 * PAGE);
        assert_eq!(row["module"], subject.path.to_str().unwrap());
    }
    let output = output_of_copy(&mut subject.command(&["--live"], &["touch"]));
    let text = stderr(&output);
    assert!(
        text.contains("/memfd:arranged+0x1000 by touch_many ("),
        "{text}"
    );
    assert!(!text.contains("FAULTS"));
}

#[test]
fn pictures_have_every_fault() {
    let subject = subject();
    let file = |name: &str| subject.directory.path().join(name);
    let names = ["faults.svg", "faults.png", "page.html", "flame.svg"];
    let files = names.map(|name| file(name).to_str().unwrap().to_owned());
    let options = [
        "--svg", &files[0], "--png", &files[1], "--html", &files[2], "--flame", &files[3],
    ];
    let (output, report) = subject.watched(&options, &["touch"]);
    assert!(output.status.success(), "{output:?}");
    let read = |file: &str| String::from_utf8(std::fs::read(file).unwrap()).unwrap();
    let svg = read(&files[0]);
    let bins = svg.split("<g class=\"bin\"").skip(1);
    let sum = |name: &str| -> u64 {
        let attribute = format!("data-{name}=\"");
        let count = |bin: &str| {
            let (_, rest) = bin.split_once(&attribute)?;
            rest.split('"').next()?.parse::<u64>().ok()
        };
        bins.clone().map(|bin| count(bin).unwrap()).sum()
    };
    assert_eq!(
        sum("soft") + sum("hard"),
        number(&report["watch"], "faults")
    );
    assert!(svg.contains("/memfd:arranged"));
    assert!(svg.contains(" in 1 thread<"), "{svg}");
    assert!(std::fs::read(&files[1]).unwrap().starts_with(b"\x89PNG"));
    let flame = read(&files[3]);
    assert!(flame.contains("touch_many (300 faults"), "{flame}");
    let page = read(&files[2]);
    assert!(page.contains("touch_many (300 faults") && page.contains("/memfd:arranged"));
    for text in [svg, flame, page] {
        assert!(!text.contains("src=\"http") && !text.contains("href=\"http"));
    }
}

#[test]
fn a_pid_namespace_is_no_obstacle() {
    let unshared = || {
        let mut command = Command::new("unshare");
        command.args(["-pf", "--mount-proc", "--"]);
        command
    };
    if !unshared()
        .arg("true")
        .output()
        .is_ok_and(|output| output.status.success())
    {
        common::skip("no pid namespace can be made here");
        return;
    }
    let subject = subject();
    let mut command = unshared();
    command
        .arg(program())
        .args(["watch", "--json", "--children", "--"]);
    command.arg(&subject.path).arg("fork");
    let output = output_of_copy(&mut command);
    assert!(output.status.success(), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(faults(&report, "functions", "function", "touch_many"), 120);
    assert_closes_for_main(&report);
}

/// Of the process itself: its children's faults are in no account.
fn assert_closes_for_main(report: &Value) {
    let figure = |field| number(&report["watch"], field);
    assert_eq!(
        figure("resident_before_bytes")
            + figure("came_by_fault_bytes")
            + figure("came_without_fault_bytes"),
        figure("resident_after_bytes") + figure("left_bytes"),
    );
}
