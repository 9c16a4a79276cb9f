//! The command with little memory.

#![cfg(target_os = "linux")]

use std::process::{Command, Output};

use testing::command::{Started, program, stderr};

/// Runs psapi with a limit for its address space, in KiB.
fn run_with_limit(limit: u64, arguments: &[&str]) -> Output {
    let script = "ulimit -v \"$1\" && shift && exec \"$0\" \"$@\"";
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).arg(program());
    shell.arg(limit.to_string()).args(arguments);
    shell.output().expect("start the shell")
}

#[test]
fn picture_beyond_memory_limit_is_refused() {
    let child = Started::sleeping();
    let pid = child.pid();
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (svg, png) = (path("picture.svg"), path("picture.png"));
    // The least memory in which psapi draws an SVG, which needs no pixels.
    let enough = (4..200)
        .map(|mib| mib * 2048)
        .find(|&limit| {
            let output = run_with_limit(limit, &["ws", &pid, "--svg", &svg]);
            output.status.success()
        })
        .expect("200 MiB are enough");
    for more in [0, 1024, 2048] {
        let output = run_with_limit(enough + more, &["ws", &pid, "--png", &png]);
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(
            message.starts_with("psapi: cannot draw the PNG: "),
            "{message}"
        );
        assert!(message.contains("ulimit -v"), "{message}");
        assert!(!std::fs::exists(&png).unwrap());
    }
    let output = run_with_limit(enough + (64 << 10), &["ws", &pid, "--png", &png]);
    assert!(output.status.success(), "{output:?}");
}
