//! Watches of a process with a library on a file system that does not respond.

use std::process::{Command, Stdio};

use serde_json::Value;

use testing::command::{psapi, stderr};
use testing::{Program, TestProcess, programs, public_directory, wait_until};

use crate::support::{number, rows};

/// Starts the process. Returns `None`, and skips, without FUSE.
fn start(mode: &str, mount: &std::path::Path) -> Option<TestProcess> {
    let library = Program::compile(programs::ANSWER_LIBRARY, &["-shared", "-fPIC"]);
    let program = Program::compile(programs::HANGS_ON_FUSE, &["-ldl"]);
    let mut command = Command::new(&program.path);
    command.arg(&library.path).arg(mount).arg(mode);
    let mut process = TestProcess::start(&mut command);
    if process.line == "-" {
        testing::skip("cannot mount a FUSE file system: needs root and /dev/fuse");
        return None;
    }
    process.resume();
    Some(process)
}

#[test]
fn watch_ends_without_hung_files() {
    for mode in ["pending", "taken"] {
        let directory = public_directory();
        let Some(process) = start(mode, directory.path()) else {
            return;
        };
        for stop in ["duration", "INT", "TERM"] {
            let mut command = psapi();
            command.args(["watch", "--json", &process.id().to_string()]);
            if stop == "duration" {
                command.args(["--duration", "0.2"]);
            }
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            if stop != "duration" {
                // The signals are blocked before psapi reads the first file.
                std::thread::sleep(std::time::Duration::from_millis(500));
                let kill = Command::new("kill")
                    .args(["-s", stop, &child.id().to_string()])
                    .status();
                assert!(kill.unwrap().success());
            }
            wait_until(|| child.try_wait().unwrap().is_some());
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{mode}, {stop}: {output:?}");
            let report: Value = serde_json::from_slice(&output.stdout)
                .unwrap_or_else(|error| panic!("{error}: {}", stderr(&output)));
            let unread = report["watch"]["unread_files"].as_array().unwrap();
            let library = directory.path().join("library.so");
            assert!(
                unread.contains(&library.to_str().unwrap().into()),
                "{report}"
            );
            assert!(
                rows(&report, "mappings").len()
                    >= usize::from(number(&report["watch"], "faults") > 0)
            );
        }
    }
}
