//! Watches at the limits for processes and open files.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use testing::command::{program, psapi, stderr};
use testing::{Program, programs};

use crate::support::Watched;

/// Runs a command in a shell that waits until `prepare` has been called with its id.
fn run_prepared(command: &mut Command, prepare: impl FnOnce(u32)) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    prepare(child.id());
    child.stdin.take().unwrap().write_all(b"\n").unwrap();
    child.wait_with_output().unwrap()
}

/// Returns a command that waits for a line of input and then runs a program.
fn paused(program: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "read -r line; exec \"$@\"", "sh"]);
    command.arg(program);
    command
}

fn set_limit(process: u32, resource: Resource, current: u64, maximum: u64) {
    let limit = Rlimit {
        current: Some(current),
        maximum: Some(maximum),
    };
    let process = Pid::from_raw(process.cast_signed()).unwrap();
    prlimit(Some(process), resource, limit).unwrap();
}

/// Asserts that psapi has run the command, or has failed with a message that names the limit.
#[track_caller]
fn assert_limit_is_named(output: &Output, limit: &str) {
    let text = stderr(output);
    match output.status.code() {
        Some(0) => assert!(text.contains("FAULTS"), "{text}"),
        code => {
            assert_eq!(code, Some(125), "{text}");
            assert!(text.contains(limit), "{text}");
            assert_eq!(text.lines().count(), 1, "{text}");
        }
    }
}

#[test]
fn process_limit_is_named() {
    if !rustix::process::geteuid().is_root() {
        testing::skip("needs root to change the user");
        return;
    }
    if !testing::has_program("setpriv") {
        return;
    }
    let directory = testing::public_directory();
    let copy = directory.path().join("psapi");
    std::fs::copy(program(), &copy).unwrap();
    for limit in 1..5 {
        // A user without other processes.
        let mut command = paused("setpriv".as_ref());
        command.args(["--reuid", "54323", "--regid", "54323", "--clear-groups"]);
        command.arg(&copy).args(["watch", "--", "true"]);
        let output = run_prepared(&mut command, |process| {
            set_limit(process, Resource::Nproc, limit, limit);
        });
        let text = stderr(&output);
        if text.contains("perf_event_paranoid") {
            testing::skip("needs root to record faults in kernel mode");
            return;
        }
        assert_limit_is_named(&output, "RLIMIT_NPROC");
        assert!(limit > 1 || output.status.code() == Some(125), "{text}");
    }
}

/// A control group for processes. It is removed on drop.
struct ControlGroup(PathBuf);

impl ControlGroup {
    /// Creates a group. Returns `None`, and skips, if that fails.
    fn new() -> Option<Self> {
        let name = format!("psapi-test-{}", std::process::id());
        for parent in ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"] {
            let path = Path::new(parent).join(&name);
            if std::fs::create_dir(&path).is_ok() {
                let group = ControlGroup(path);
                if group.0.join("pids.max").exists() {
                    return Some(group);
                }
            }
        }
        testing::skip("cannot create a control group for processes: needs root");
        None
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.0.join(file), text).unwrap();
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[test]
fn control_group_limit_is_named() {
    let Some(group) = ControlGroup::new() else {
        return;
    };
    for limit in 1..5 {
        let mut command = paused(&program());
        command.args(["watch", "--", "true"]);
        let output = run_prepared(&mut command, |process| {
            group.write("pids.max", &limit.to_string());
            group.write("cgroup.procs", &process.to_string());
        });
        assert_limit_is_named(&output, "pids.max");
        assert!(limit > 1 || output.status.code() == Some(125), "{output:?}");
    }
}

#[test]
fn watch_raises_descriptor_limit() {
    // Two descriptors for each of 65 threads and each CPU are more than 100.
    let many = Program::compile(programs::HAS_64_MORE_THREADS, &[]).start();
    let watch = |maximum| {
        let mut command = paused(&program());
        command.args(["watch", "-d", "0.01", &many.id().to_string()]);
        run_prepared(&mut command, |process| {
            set_limit(process, Resource::Nofile, 100, maximum);
        })
    };
    let output = watch(4096);
    assert!(output.status.success(), "{}", stderr(&output));
    let output = watch(100);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = stderr(&output);
    assert!(text.contains("RLIMIT_NOFILE"), "{text}");
    assert!(text.contains("thread"), "{text}");
}

#[test]
fn command_keeps_descriptor_limit() {
    let mut command = paused(&program());
    command.args(["watch", "--", "sh", "-c", "ulimit -n"]);
    let output = run_prepared(&mut command, |process| {
        set_limit(process, Resource::Nofile, 100, 4096);
    });
    assert_eq!(output.stdout, b"100\n", "{output:?}");
}

#[test]
fn report_precedes_end_of_command() {
    // This command ends only once it finds the report.
    let watched = Watched::compile();
    let report = watched.report_path();
    let script = "trap '' TERM; until [ -s \"$0\" ]; do sleep 0.01; done; exit 9";
    let output = psapi()
        .args(["watch", "-d", "0.1", "-o"])
        .arg(&report)
        .args(["--", "sh", "-c", script])
        .arg(&report)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(9), "{output:?}");
}
