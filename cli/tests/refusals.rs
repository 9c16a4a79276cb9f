//! Messages about processes that the caller is not permitted to inspect.

#![cfg(target_os = "linux")]

use testing::command::{Started, run, run_unprivileged, stderr};
use testing::privilege::is_root;
use testing::skip;

/// The longest message that is read at a glance.
const MAX_WORDS: usize = 20;

/// Returns the only line of a message, without the name of the command.
fn line(message: &str) -> &str {
    let line = message.strip_prefix("psapi: ").expect(message);
    let line = line.strip_suffix('\n').expect(message);
    assert!(!line.contains('\n'), "{message}");
    assert!(line.split_whitespace().count() <= MAX_WORDS, "{message}");
    line
}

#[test]
fn refusal_names_owner_and_capability() {
    if !is_root() {
        return skip("needs root for another user's process");
    }
    let child = Started::sleeping();
    let pid = child.pid();
    for (arguments, operation, capabilities) in [
        (&["modules"][..], "read modules", "CAP_SYS_PTRACE"),
        (&["maps"], "read mappings", "CAP_SYS_PTRACE"),
        (
            &["ws"],
            "read working set",
            "CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH",
        ),
        (
            &["empty"],
            "empty working set",
            "CAP_SYS_NICE and CAP_SYS_PTRACE",
        ),
    ] {
        let output = run_unprivileged([arguments, &[&pid]].concat());
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let message = stderr(&output);
        assert_eq!(
            line(&message),
            format!(
                "cannot {operation} of process {pid}: owned by root; run as root or with \
                 {capabilities}"
            )
        );
    }
    let message = stderr(&run_unprivileged(["watch", "-d", "0.1", &pid]));
    let refused = line(&message);
    let expected = format!("cannot watch working set of process {pid}: owned by root; run as root");
    assert!(refused.starts_with(&expected), "{message}");
}

#[test]
fn equal_refusals_are_folded() {
    if !is_root() {
        return skip("needs root for another user's process");
    }
    let children: Vec<Started> = (0..40).map(|_| Started::sleeping()).collect();
    let pids: Vec<String> = children.iter().map(Started::pid).collect();
    let arguments = ["modules".to_owned()].into_iter().chain(pids);
    let output = run_unprivileged(arguments.clone());
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        line(&stderr(&output)),
        "cannot read modules of 40 processes: owned by root; run as root or with CAP_SYS_PTRACE"
    );
    // Another reason is another line.
    let output = run_unprivileged(arguments.chain(["no-such-name".to_owned()]));
    assert_eq!(stderr(&output).lines().count(), 2, "{output:?}");
}

#[test]
fn kernel_threads_are_folded() {
    let is_kernel_thread = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
        // The parent of all kernel threads is process 2.
        stat.is_ok_and(|stat| {
            stat.rsplit(") ")
                .next()
                .and_then(|rest| rest.split(' ').nth(1))
                == Some("2")
        })
    };
    let pids: Vec<String> = (3..200)
        .filter(is_kernel_thread)
        .map(|pid| pid.to_string())
        .collect();
    if pids.len() < 2 || !is_root() {
        return skip("needs root to open a kernel thread");
    }
    let output = run(["modules"]
        .into_iter()
        .chain(pids.iter().map(String::as_str)));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(
        line(&stderr(&output)),
        format!(
            "cannot read modules of {} processes: kernel threads have no address space",
            pids.len()
        )
    );
}
