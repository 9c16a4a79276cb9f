//! Watches with fewer privileges, and processes that cannot be watched.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use serde_json::Value;

use testing::command::{output_of_copy, program, psapi, run_with_capabilities, stderr};

use crate::support::{Running, Watched, assert_balances, faults, number};

#[test]
fn unprivileged_watch_is_user_only() {
    if rustix::process::geteuid().as_raw() != 0 {
        testing::skip("needs root to change the user");
        return;
    }
    let setting = std::fs::read_to_string("/proc/sys/kernel/perf_event_paranoid").unwrap();
    let paranoid: i32 = setting.trim().parse().unwrap();
    let watched = Watched::compile();
    let copy = watched.directory.path().join("psapi");
    std::fs::copy(program(), &copy).unwrap();
    let mut command = Command::new(&copy);
    command
        .args(["watch", "--json", "--"])
        .arg(&watched.path)
        .args(["touch", "4"]);
    let output = output_of_copy(command.uid(65534).gid(65534));
    // Some distributions patch their kernels so that levels above 2 deny all events.
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
    assert_balances(&report["watch"]);
    let watch = &report["watch"];
    assert!(number(watch, "counted_faults") >= number(watch, "faults"));
}

#[test]
fn missing_account_names_capability() {
    let watched = Watched::compile();
    let running = Running::start(&watched, "running");
    let pid = running.child.id().to_string();
    let watch = ["watch", &pid, "--duration", "0.05"];
    let without_pagemap = ["sys_ptrace", "perfmon"];
    let Some(output) = run_with_capabilities(&without_pagemap, watch) else {
        return;
    };
    let table = String::from_utf8_lossy(&output.stdout);
    assert!(
        table.contains("no account of the working set"),
        "{output:?}"
    );
    assert!(table.contains("CAP_DAC_READ_SEARCH"), "{output:?}");
    let report = |capabilities: &[&str]| -> Value {
        let arguments = watch.iter().chain(&["--json"]);
        let output =
            run_with_capabilities(capabilities, arguments).expect("root and setpriv are available");
        serde_json::from_slice(&output.stdout).expect("the output is JSON")
    };
    let reason = report(&without_pagemap)["watch"]["unaccounted"].clone();
    assert!(
        reason.as_str().unwrap().contains("CAP_DAC_READ_SEARCH"),
        "{reason}"
    );
    let all = report(&["sys_ptrace", "perfmon", "dac_read_search"]);
    assert!(all["watch"]["unaccounted"].is_null());
    assert_balances(&all["watch"]);
}

#[test]
fn small_buffers_are_reported() {
    if rustix::process::geteuid().as_raw() != 0 {
        testing::skip("needs root to be a user without locked memory");
        return;
    }
    let watched = Watched::compile();
    let copy = watched.directory.path().join("psapi");
    std::fs::copy(program(), &copy).unwrap();
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -l 0; exec \"$@\"", "sh"])
        .arg(&copy)
        .args(["watch", "--json", "--"])
        .arg(&watched.path)
        .args(["touch", "4"])
        .uid(54_322)
        .gid(54_322);
    let output = output_of_copy(&mut command);
    if output.status.code() == Some(125) {
        testing::skip(&format!(
            "cannot watch without privileges: {}",
            stderr(&output)
        ));
        return;
    }
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let text = stderr(&output);
    let (messages, report) = text.split_at(text.find('{').expect(&text));
    let report: Value = serde_json::from_str(report).unwrap();
    let watch = &report["watch"];
    if number(watch, "buffer_bytes") >= 2 << 20 {
        testing::skip("kernel.perf_event_mlock_kb is too large to exhaust");
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
    // With enough lockable memory, psapi prints no warning.
    let (output, report) = watched.watch(&[], &["touch"]);
    assert_eq!(number(&report["watch"], "buffer_bytes"), 2 << 20);
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[test]
fn invalid_targets_are_rejected() {
    let output = psapi().args(["watch", "2"]).output().unwrap();
    let is_kernel_thread =
        std::fs::read_to_string("/proc/2/stat").is_ok_and(|stat| stat.contains("(kthreadd)"));
    if is_kernel_thread {
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains("2"), "{output:?}");
    } else {
        testing::skip("no kernel threads in this pid namespace");
    }
    for arguments in [
        &["watch"][..],
        &["watch", "1", "--", "true"],
        &["watch", "--"],
    ] {
        assert_eq!(
            psapi().args(arguments).output().unwrap().status.code(),
            Some(2),
            "{arguments:?}"
        );
    }
}
