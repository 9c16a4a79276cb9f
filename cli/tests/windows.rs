//! Names and commands as only Windows has them: names that are compared without case, arguments
//! that are not UTF-8, and commands that start suspended.

#![cfg(windows)]

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::windows::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use testing::command::{Started, json, program, psapi, run, stderr, text};
use testing::programs;

/// An unpaired surrogate, which no UTF-8 has.
const SURROGATE: u16 = 0xd800;

/// Returns a name that no other process has, with a surrogate.
fn surrogate_name(extension: &str) -> OsString {
    let mut wide: Vec<u16> = format!("psapi-{}-", std::process::id())
        .encode_utf16()
        .collect();
    wide.push(SURROGATE);
    wide.extend(extension.encode_utf16());
    OsString::from_wide(&wide)
}

/// Returns the bytes of a name in hexadecimal, with three bytes for a surrogate.
fn hex(name: &OsStr) -> String {
    let text: String = char::decode_utf16(name.encode_wide())
        .map(|character| match character {
            Ok(character) => {
                let mut buffer = [0; 4];
                let bytes = character.encode_utf8(&mut buffer).bytes();
                bytes.map(|byte| format!("{byte:02x}")).collect::<String>()
            }
            Err(error) => {
                let unit = error.unpaired_surrogate();
                let bytes = [
                    0xe0 | unit >> 12,
                    0x80 | unit >> 6 & 0x3f,
                    0x80 | unit & 0x3f,
                ];
                bytes.map(|byte| format!("{byte:02x}")).concat()
            }
        })
        .collect();
    text
}

fn processes(document: &Value) -> &[Value] {
    document["processes"].as_array().expect("a list")
}

/// A sleeping program with a name of its own.
struct Named {
    child: Started,
    path: PathBuf,
    _directory: tempfile::TempDir,
}

impl Named {
    fn start(name: &OsStr, arguments: &[&OsStr]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        fs::write(&path, programs::SLEEPS.executable).unwrap();
        let child = Started::copy(Command::new(&path).args(arguments));
        Named {
            child,
            path,
            _directory: directory,
        }
    }
}

#[test]
fn names_are_compared_without_case() {
    let stem = format!("Psapi-ÄÖ-{}", std::process::id());
    let named = Named::start(OsStr::new(&format!("{stem}.exe")), &[]);
    let path = named.path.to_str().unwrap();
    for target in [
        format!("{stem}.exe"),
        stem.to_lowercase(),
        format!("{}.EXE", stem.to_uppercase()),
        format!("{}*", &stem.to_uppercase()[..8]),
        stem.replace('Ä', "?"),
        path.to_owned(),
        path.to_lowercase(),
    ] {
        for arguments in [
            &["memory", "--json", &target][..],
            &["ps", "--json", "--name", &target],
            &["ps", "--json", &target],
        ] {
            let document = json(arguments);
            let ids: Vec<_> = processes(&document)
                .iter()
                .map(|row| row["pid"].clone())
                .collect();
            assert_eq!(ids, [named.child.0.id()], "{arguments:?}");
        }
    }
}

#[test]
fn argument_with_surrogate_is_complete() {
    let argument = surrogate_name("-argument");
    let named = Named::start(OsStr::new("sleeps.exe"), &[&argument]);
    let pid = named.child.pid();
    let columns = "pid,command";
    let document = json(["ps", "--json", "-o", columns, "--pid", &pid]);
    let row = &processes(&document)[0];
    let line = row["command_line_hex"].as_str().unwrap();
    assert!(line.ends_with(&hex(&argument)), "{row}");
    let text_of_line = row["command_line"].as_str().unwrap();
    assert!(text_of_line.contains('\u{fffd}'), "{row}");
    let table = text(["ps", "-o", columns, "--pid", &pid]);
    assert!(table.contains(r"-\u{d800}-argument"), "{table}");

    // The argument is also a target, and a part of it in a pattern.
    for arguments in [&["memory", "--json"][..], &["ps", "--json"]] {
        let output = psapi().args(arguments).arg(&argument).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(processes(&document)[0]["pid"], named.child.0.id());
    }
}

#[test]
fn name_with_surrogate_is_complete() {
    let name = surrogate_name(".exe");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(&name);
    if fs::write(&path, programs::SLEEPS.executable).is_err() {
        return testing::skip("the file system of the host has only UTF-8 names");
    }
    let child = Started::copy(&mut Command::new(&path));
    let pid = child.pid();
    let document = json(["ps", "--json", "-o", "name,image", "--pid", &pid]);
    let row = &processes(&document)[0];
    assert_eq!(row["name_hex"], hex(&name), "{row}");
    assert_eq!(row["image_hex"], hex(path.as_os_str()), "{row}");
    let table = text(["ps", "-o", "name", "--pid", &pid]);
    assert!(table.contains(r"\u{d800}.exe"), "{table}");
}

#[test]
fn absent_surrogate_name_is_escaped() {
    let name = surrogate_name("absent");
    let output = psapi().arg("memory").arg(&name).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = stderr(&output);
    assert!(message.contains(r"-\u{d800}absent"), "{message}");
}

/// Wine refuses the watch, so the command must not have run.
#[test]
fn unwatched_command_does_not_run() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("created");
    let file = file.to_str().unwrap();
    let output = run(["watch", "--", "cmd", "/c", "type", "nul", ">", file]);
    if output.status.code() != Some(125) {
        return testing::skip("the system records page faults");
    }
    assert!(stderr(&output).contains("cannot watch"), "{output:?}");
    assert!(!fs::exists(file).unwrap());
}

#[test]
fn absent_option_is_refused() {
    for (arguments, option) in [
        (&["drivers", "--builtin"][..], "--builtin"),
        (&["watch", "--children", "1"], "--children"),
        (&["watch", "--no-symbols", "1"], "--no-symbols"),
        (&["memory", "--exact", "1"], "--exact"),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let message = stderr(&output);
        assert!(message.contains(option), "{message}");
        assert!(message.contains("does not exist"), "{message}");
        assert!(!text([arguments[0], "--help"]).contains(option));
    }
    for option in ["--proc-root", "--sys-root", "--file-root"] {
        for arguments in [
            &["ps", option, "x"][..],
            &[option, "x"],
            &[option, "x", "system"],
        ] {
            let output = run(arguments);
            assert_eq!(output.status.code(), Some(2), "{output:?}");
            let message = stderr(&output);
            let reason = format!("{option} does not exist on this system: ");
            assert!(message.contains(&reason), "{message}");
        }
        assert!(!text(["ps", "--help"]).contains(option));
    }
}

/// Wine lists only the caller's own pages, so the command shows itself, under a name of its own.
#[test]
fn picture_of_own_pages_is_complete() {
    let directory = tempfile::tempdir().unwrap();
    let copy = directory
        .path()
        .join(format!("own-{}.exe", std::process::id()));
    fs::copy(program(), &copy).unwrap();
    let draw = |file: &OsStr| {
        let mut command = Command::new(&copy);
        command.arg("ws").arg(copy.file_stem().unwrap());
        let output = command.arg("--svg").arg(file).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    let file = directory.path().join("picture.svg");
    draw(file.as_os_str());
    assert!(fs::read_to_string(&file).unwrap().ends_with("</svg>\n"));
    // A device is written, not replaced.
    draw(OsStr::new("NUL"));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
}
