//! Files that a watch writes: they are checked before the command runs, and `-` is standard output.

use std::process::Command;

use testing::command::{output_of_copy, program, psapi, stderr};

use crate::support::{Running, Watched};

const PICTURES: [&str; 4] = ["--svg", "--png", "--html", "--flame"];

#[test]
fn unwritable_picture_prevents_start() {
    let directory = tempfile::tempdir().unwrap();
    let created = directory.path().join("created");
    for picture in PICTURES {
        let output = psapi()
            .args(["watch", picture, "/no/such/place", "--", "touch"])
            .arg(&created)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(125), "{picture}");
        assert!(stderr(&output).contains("cannot write /no/such/place"));
        assert!(!created.exists(), "{picture}");
    }
    let own = std::process::id().to_string();
    let output = psapi()
        .args(["watch", "--svg", "/no/such/place", &own])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(!stderr(&output).contains("watching"), "{output:?}");
}

#[test]
fn dash_writes_to_stdout() {
    let watched = Watched::compile();
    let directory = tempfile::tempdir().unwrap();
    for (option, start) in [
        ("--svg", &b"<svg"[..]),
        ("--png", b"\x89PNG"),
        ("--html", b"<!DOCTYPE html>"),
        ("--flame", b"<?xml"),
        ("--output", b"process "),
    ] {
        let mut command = watched.command(&[option, "-"], &["touch"]);
        let output = output_of_copy(command.current_dir(&directory));
        assert!(output.status.success(), "{option}: {output:?}");
        assert!(output.stdout.starts_with(start), "{option}: {output:?}");
        let is_report_elsewhere = stderr(&output).contains("FUNCTION");
        assert_eq!(is_report_elsewhere, option != "--output", "{option}");
    }
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 0);
}

#[test]
fn picture_moves_table_to_stderr() {
    let watched = Watched::compile();
    let running = Running::start(&watched, "churn");
    let pid = running.child.id().to_string();
    let watch = |options: &[&str]| {
        let mut command = psapi();
        command.args(["watch", "-d", "0.05", &pid]).args(options);
        command.output().unwrap()
    };
    let output = watch(&["--svg", "-"]);
    assert!(output.stdout.starts_with(b"<svg"), "{output:?}");
    assert!(stderr(&output).contains("FUNCTION"), "{output:?}");
    for both in [
        &["--svg", "-", "--json"][..],
        &["--svg", "-", "--output", "-"],
        &["--svg", "-", "--flame", "-"],
        &["--html", "-", "--svg", "-"],
    ] {
        let output = watch(both);
        assert_eq!(output.status.code(), Some(2), "{both:?}: {output:?}");
    }
}

#[test]
fn terminal_gets_no_binary_output() {
    if !testing::has_program("script") {
        return;
    }
    let own = std::process::id().to_string();
    for arguments in [
        "watch --png - -- true".to_owned(),
        format!("ws --png - {own}"),
        format!("ws -o - {own}"),
    ] {
        let line = format!("{} {arguments}", program().display());
        let output = Command::new("script")
            .args(["-qec", &line, "/dev/null"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments}: {output:?}");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("terminal"), "{text}");
    }
}

#[test]
fn terminal_shows_running_count() {
    if !testing::has_program("script") {
        return;
    }
    let watched = Watched::compile();
    let running = Running::start(&watched, "churn");
    let line = format!(
        "{} watch -d 0.5 {}",
        program().display(),
        running.child.id()
    );
    let output = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("Press Ctrl-C to stop"), "{text}");
    assert!(text.contains(" faults in "), "{text}");
}

#[test]
fn watch_without_faults_says_so() {
    let watched = Watched::compile();
    let running = Running::start(&watched, "running");
    let pid = running.child.id().to_string();
    let output = psapi()
        .args(["watch", "-d", "0.05", &pid])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("no page faults were recorded"), "{text}");
    for heading in ["FUNCTION", "MODULE", "THREAD"] {
        assert!(!text.contains(heading), "{text}");
    }
}
