//! User names of the inspected system, which can have other users than the caller's own.

#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use rustix::process::geteuid;
use serde_json::Value;

use testing::command::{Started, json, program, run, stderr};
use testing::privilege::is_root;

fn user_of(pid: &str, arguments: &[&str]) -> Value {
    let all = [&["ps", "--json", "-o", "user", "-p", pid], arguments].concat();
    json(all)["processes"][0]["user"].clone()
}

/// A root with the users in `passwd`.
fn root(passwd: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("etc")).unwrap();
    fs::write(root.path().join("etc/passwd"), passwd).unwrap();
    root
}

#[test]
fn other_root_has_own_users() {
    let child = Started::sleeping();
    let (pid, id) = (child.pid(), geteuid().as_raw());
    let other = root(&format!(
        "#comment\nalien:x:{id}:0::/:/bin/sh\nsecond:x:{id}:0::/:\n"
    ));
    let option = ["--file-root", other.path().to_str().unwrap()];
    assert_eq!(user_of(&pid, &option), "alien");
    for (name, count) in [("alien", 1), (&id.to_string(), 1), ("second", 1)] {
        let all = [&["ps", "--json", "-u", name, "-p", &pid], &option[..]].concat();
        let found = json(all);
        assert_eq!(
            found["processes"].as_array().unwrap().len(),
            count,
            "{name}"
        );
    }
    // The caller's own users are not those of the other root.
    let refused = run(["ps", "-u", "daemon", option[0], option[1]]);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    assert!(
        stderr(&refused).contains("unknown user 'daemon'"),
        "{refused:?}"
    );
}

#[test]
fn root_without_users_shows_ids() {
    let child = Started::sleeping();
    let (pid, id) = (child.pid(), geteuid().as_raw().to_string());
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(
        user_of(&pid, &["--file-root", empty.path().to_str().unwrap()]),
        id
    );
    let others = root("somebody:x:4000000:0::/:\n");
    assert_eq!(
        user_of(&pid, &["--file-root", others.path().to_str().unwrap()]),
        id
    );
}

/// An absolute link leads to a file below the other root.
#[test]
fn link_stays_below_other_root() {
    let child = Started::sleeping();
    let id = geteuid().as_raw();
    let other = root("");
    let passwd = other.path().join("etc/passwd");
    fs::remove_file(&passwd).unwrap();
    symlink("/usr/users", &passwd).unwrap();
    fs::create_dir(other.path().join("usr")).unwrap();
    fs::write(
        other.path().join("usr/users"),
        format!("linked:x:{id}:0::/:\n"),
    )
    .unwrap();
    let option = ["--file-root", other.path().to_str().unwrap()];
    assert_eq!(user_of(&child.pid(), &option), "linked");
}

#[test]
fn own_root_is_found_by_identity() {
    let child = Started::sleeping();
    let own = user_of(&child.pid(), &[]);
    assert_eq!(user_of(&child.pid(), &["--file-root", "/./"]), own);
}

/// Inside a container, the host's processes have users that the container does not know.
#[test]
fn host_users_come_from_host_root() {
    if !is_root() {
        return testing::skip("cannot create a container: needs root");
    }
    let child = Started::sleeping();
    let host = tempfile::tempdir().unwrap();
    let host = host.path().to_str().unwrap();
    // The container's `/etc/passwd` gives the host's root another name.
    let script = r#"
        mount --rbind / "$1" && mount -t proc proc /proc &&
        echo "container:x:0:0::/:/bin/sh" > "$1.passwd" &&
        mount --bind "$1.passwd" /etc/passwd || exit 99
        "$2" ps --json -o user -p "$3" --proc-root "$1/proc"
        "$2" ps --json -o user -p "$3" --proc-root "$1/proc" --file-root "$1"
        "$2" ps --json -o user -p 1
        rm "$1.passwd"
    "#;
    let output = Command::new("unshare")
        .args([
            "-m",
            "-p",
            "-f",
            "--kill-child",
            "sh",
            "-c",
            script,
            "sh",
            host,
        ])
        .arg(program())
        .arg(child.pid())
        .output()
        .expect("start unshare, which is part of util-linux");
    if output.status.code() == Some(99) {
        return testing::skip("cannot create a container: needs root");
    }
    let documents = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>();
    let users: Vec<Value> = documents
        .map(|document| document.unwrap()["processes"][0]["user"].clone())
        .collect();
    let passwd = fs::read_to_string(Path::new("/etc/passwd")).unwrap();
    let host_root = passwd.lines().find_map(|line| line.split_once(":x:0:"));
    let host_root = host_root.map_or("0", |(name, _)| name);
    assert_eq!(users, ["0", host_root, "container"], "{output:?}");
}
