//! What the tests of the command share.
#![allow(dead_code, reason = "each test program uses its own part of it")]

#[path = "../../../psapi/tests/support/mod.rs"]
pub mod support;

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

#[allow(unused_imports, reason = "each test program uses its own part of it")]
pub use support::privilege::skip;

/// Where the command under test is: where it was built, or where who runs the tests has put it.
pub fn program() -> PathBuf {
    let moved = std::env::var_os("CARGO_BIN_EXE_psapi");
    moved.map_or_else(|| env!("CARGO_BIN_EXE_psapi").into(), PathBuf::from)
}

/// The command under test, without any setting of the caller's that changes its output.
pub fn psapi() -> Command {
    let mut command = Command::new(program());
    command
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .stdin(Stdio::null());
    command
}

/// Runs it with some arguments.
pub fn run<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Output {
    psapi().args(arguments).output().expect("psapi starts")
}

/// Runs it and takes its standard output; it must succeed.
pub fn stdout<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Vec<u8> {
    let output = run(arguments);
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

pub fn text<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> String {
    String::from_utf8(stdout(arguments)).expect("a table is UTF-8")
}

/// Runs it and reads the one JSON document that it prints.
pub fn json<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Value {
    let output = stdout(arguments);
    serde_json::from_slice(&output)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output)))
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs a program that was written just now. Another thread of this test program may have started
/// a child while the file was open for writing, and the child has it open until it is a program of
/// its own: till then the kernel says "text file busy".
pub fn output_of_copy(command: &mut Command) -> Output {
    unless_busy(|| command.output())
}

/// Runs the command as a user without rights, if root runs the tests; else as who runs them.
pub fn run_as_nobody<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Output {
    if fs::metadata("/proc/self").expect("a proc").uid() != 0 {
        return run(arguments);
    }
    let (_directory, copy) = public_copy();
    let mut command = Command::new(&copy);
    command.uid(65534).gid(65534).args(arguments);
    output_of_copy(&mut command)
}

/// Runs the command as a user without rights but some capabilities, by their names as `setpriv`
/// knows them. `None`, and said, where that can't be arranged.
pub fn run_as_nobody_with<A: AsRef<OsStr>>(
    capabilities: &[&str],
    arguments: impl IntoIterator<Item = A>,
) -> Option<Output> {
    if fs::metadata("/proc/self").expect("a proc").uid() != 0 {
        skip("needs root to hand on capabilities");
        return None;
    }
    if !have("setpriv") {
        return None;
    }
    let names: Vec<String> = capabilities.iter().map(|name| format!("+{name}")).collect();
    let names = names.join(",");
    let (_directory, copy) = public_copy();
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
        .args(["--inh-caps", &names, "--ambient-caps", &names])
        .arg(&copy)
        .args(arguments);
    // As `output_of_copy`, of what `setpriv` starts.
    let mut output = None;
    wait_until(|| {
        let found = command.output().expect("setpriv starts");
        let is_busy = stderr(&found).contains("Text file busy");
        output = Some(found);
        !is_busy
    });
    output
}

/// A copy of the command where nobody may execute it.
fn public_copy() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).expect("a mode");
    let copy = directory.path().join("psapi");
    fs::copy(program(), &copy).expect("a copy");
    (directory, copy)
}

fn unless_busy<T>(mut start: impl FnMut() -> io::Result<T>) -> T {
    let mut started = None;
    wait_until(|| match start() {
        Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => false,
        result => {
            started = Some(result.expect("the program starts"));
            true
        }
    });
    started.expect("it was started")
}

/// A child that is ended with the test.
pub struct Started(pub Child);

impl Started {
    pub fn new(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::null());
        Started(command.spawn().expect("the child starts"))
    }

    /// A child that sleeps, and so does not change any more.
    pub fn sleeping() -> Self {
        let child = Started::new(Command::new("sleep").arg("1000"));
        child.wait_for_sleep();
        child
    }

    /// A child whose program was written just now; see [`output_of_copy`].
    pub fn copy(command: &mut Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        Started(unless_busy(|| command.spawn()))
    }

    fn wait_for_sleep(&self) {
        wait_until(|| {
            let stat = self.proc("stat");
            let end = stat.iter().rposition(|&byte| byte == b')').expect("a name");
            stat.get(end + 2) == Some(&b'S')
        });
    }

    pub fn pid(&self) -> String {
        self.0.id().to_string()
    }

    /// A file of the child's in `/proc`.
    pub fn proc(&self, file: &str) -> Vec<u8> {
        fs::read(format!("/proc/{}/{file}", self.0.id())).expect("the child lives")
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until something holds that must come to hold.
pub fn wait_until(mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "it never came to hold"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A proc file system mounted at a place of the test's own, with an option.
pub struct ProcMount(TempDir);

impl ProcMount {
    /// `None`, and said, where it can't be mounted.
    pub fn new(option: &str) -> Option<Self> {
        let place = tempfile::tempdir().expect("a directory");
        fs::set_permissions(place.path(), Permissions::from_mode(0o755)).expect("a mode");
        let mounted = Command::new("mount")
            .args(["-t", "proc", "-o", option, "proc"])
            .arg(place.path())
            .output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(ProcMount(place));
        }
        skip(&format!(
            "a proc file system can't be mounted with {option} here"
        ));
        None
    }

    /// Arguments, and the options that lead the command there.
    pub fn asked(&self, arguments: &[&str]) -> Vec<String> {
        let place = self.0.path().to_str().expect("UTF-8");
        let options = ["--proc-root", place];
        arguments
            .iter()
            .chain(&options)
            .map(|&argument| argument.to_owned())
            .collect()
    }
}

impl Drop for ProcMount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

/// A directory that looks like a proc file system.
pub struct ProcTree(TempDir);

impl ProcTree {
    pub fn new() -> Self {
        ProcTree(tempfile::tempdir().expect("a directory"))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Options that lead the command there.
    pub fn options(&self) -> [String; 2] {
        [
            "--proc-root".into(),
            self.path().to_str().expect("UTF-8").into(),
        ]
    }

    pub fn write(&self, file: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(file);
        fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
        fs::write(&path, text).expect("a file");
        path
    }

    /// A process with some kibibytes in memory.
    pub fn process(&self, pid: u32, parent: u32, name: &[u8], kib: u64) {
        self.stat(pid, parent, name, 0x40_0000);
        let memory: String = [
            ("VmPeak", 9000 + kib),
            ("VmSize", 8000 + kib),
            ("VmLck", 0),
            ("VmPin", 0),
            ("VmHWM", kib + 4),
            ("VmRSS", kib),
            ("RssAnon", kib),
            ("RssFile", 0),
            ("RssShmem", 0),
            ("VmData", 500),
            ("VmStk", 12),
            ("VmExe", 4),
            ("VmLib", 4),
            ("VmPTE", 40),
            ("VmSwap", 0),
        ]
        .map(|(name, kib)| format!("{name}:\t{kib:8} kB\n"))
        .concat();
        self.write(
            &format!("{pid}/status"),
            format!(
                "Name:\tx\nTgid:\t{pid}\nUid:\t4000000\t4000001\t0\t0\nGid:\t7\t8\t0\t0\n\
                 {memory}Threads:\t3\n"
            ),
        );
    }

    pub fn kernel_thread(&self, pid: u32, parent: u32, name: &[u8]) {
        self.stat(pid, parent, name, 0x20_0040);
        self.write(
            &format!("{pid}/status"),
            format!("Name:\tx\nTgid:\t{pid}\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nThreads:\t1\n"),
        );
    }

    pub fn stat(&self, pid: u32, parent: u32, name: &[u8], flags: u32) {
        let head = format!("{pid} (");
        let tail = format!(
            ") S {parent} {pid} {pid} 0 -1 {flags} 1234 0 5 0 150 50 0 0 20 0 3 0 100 0 0 0\n"
        );
        let line = [head.as_bytes(), name, tail.as_bytes()].concat();
        self.write(&format!("{pid}/stat"), line);
    }
}

/// Whether a program is there that a test needs. Its absence is said, for the test is no test then.
pub fn have(program: &str) -> bool {
    let found = std::env::var_os("PATH")
        .is_some_and(|paths| std::env::split_paths(&paths).any(|dir| dir.join(program).exists()));
    if !found {
        skip(&format!("there is no program `{program}` here"));
    }
    found
}
