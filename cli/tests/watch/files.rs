//! Files that a watch writes: they are checked before the command runs, and `-` is standard output.

#[cfg(target_os = "linux")]
use std::process::Command;

#[cfg(target_os = "linux")]
use testing::command::program;
use testing::command::{output_of_copy, psapi, records_faults, stderr};

#[cfg(target_os = "linux")]
use crate::support::Running;
use crate::support::Watched;

const PICTURES: [&str; 4] = ["--svg", "--png", "--html", "--flame"];

#[test]
fn unwritable_picture_prevents_start() {
    let watched = Watched::compile();
    let directory = tempfile::tempdir().unwrap();
    let created = directory.path().join("created");
    for picture in PICTURES {
        let mut command = watched.command(&[picture, "/no/such/place"], &["create"]);
        let output = output_of_copy(command.arg(&created));
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
    if !records_faults() {
        return;
    }
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
        let is_report_elsewhere = stderr(&output).contains("\nwatched ");
        assert_eq!(is_report_elsewhere, option != "--output", "{option}");
    }
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 0);
}

#[cfg(target_os = "linux")]
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

#[cfg(target_os = "linux")]
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
