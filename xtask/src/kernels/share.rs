//! The directory that a guest shares with this machine, and the programs that this machine runs for
//! the guest: compilers, and tools that read executables. Without a compiler a guest starts sooner,
//! and compilations are ten times as fast.
//!
//! A request is a directory below `requests`. Its files are:
//!
//! - `command`: the program's name, the working directory and the arguments, each followed by a
//!   NUL;
//! - `input`: the program's standard input;
//! - `files.tar`: the temporary directories that the arguments name, if any;
//! - `ready`: marks the request as complete.
//!
//! The reply consists of `output`, `errors` and `changed.tar`. The exit code in `status` comes
//! last.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use crate::run;

/// The programs that run on this machine for a guest.
pub const PROGRAMS: &[&str] = &[
    "addr2line",
    "as",
    "c++",
    "cc",
    "g++",
    "gcc",
    "ld",
    "nm",
    "objcopy",
    "objdump",
    "readelf",
    "strip",
    "xz",
];

/// The interval between checks for requests. A guest makes a few hundred requests.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// The shared directory.
pub struct Share {
    directory: TempDir,
}

impl Share {
    pub fn new() -> Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("psapi-kernels-")
            .tempdir()?;
        let share = Share { directory };
        // The guest's unprivileged user also creates requests and removes replies.
        for part in ["", "requests", "results"] {
            let part = share.path().join(part);
            fs::create_dir_all(&part)?;
            fs::set_permissions(&part, Permissions::from_mode(0o777))?;
        }
        Ok(share)
    }

    /// Returns the directory. The guest keeps its temporary files under the same path, so that a
    /// compiled program has one path on both machines.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Writes a file for the guest.
    pub fn write(&self, name: &str, contents: &str) -> Result<()> {
        fs::write(self.path().join(name), contents)
            .with_context(|| format!("cannot write {name} for the guest"))
    }

    /// Serves requests until `ended` is set.
    pub fn serve(&self, ended: &AtomicBool) -> Result<()> {
        let requests = self.path().join("requests");
        std::thread::scope(|scope| {
            while !ended.load(Ordering::Relaxed) {
                for request in fs::read_dir(&requests)? {
                    let request = request?.path();
                    // The file marks the request as taken, so that it is served once.
                    let is_new = || File::create_new(request.join("taken")).is_ok();
                    if request.join("ready").exists() && is_new() {
                        scope.spawn(move || serve_request(&request, self.path()));
                    }
                }
                std::thread::sleep(POLL_INTERVAL);
            }
            Ok(())
        })
    }
}

/// Serves one request. An error is written to the reply.
fn serve_request(request: &Path, temporary: &Path) {
    let status = run_program(request, temporary).unwrap_or_else(|error| {
        let _ = fs::write(request.join("errors"), format!("{error:#}\n"));
        125
    });
    let written = fs::write(request.join("status.new"), status.to_string())
        .and_then(|()| fs::rename(request.join("status.new"), request.join("status")));
    if let Err(error) = written {
        println!("cannot reply to the guest: {error}");
    }
}

/// Runs the program of a request and returns its exit code.
fn run_program(request: &Path, temporary: &Path) -> Result<i32> {
    let command = fs::read(request.join("command")).context("cannot read the command")?;
    let mut parts = command
        .split(|&byte| byte == 0)
        .map(|part| OsString::from_vec(part.into()));
    let program = parts.next().context("the command names no program")?;
    ensure!(
        PROGRAMS.iter().any(|known| *known == program),
        "{} is not a program for guests",
        program.display()
    );
    let directory = PathBuf::from(
        parts
            .next()
            .context("the command names no working directory")?,
    );
    let mut arguments: Vec<_> = parts.collect();
    // Nothing follows the last NUL.
    arguments.pop();

    let directories = unpack_files(request, temporary)?;
    let before = request.join("before");
    File::create(&before)?;
    let mut command = Command::new(program);
    command.args(arguments).env("LC_ALL", "C");
    command.stdin(File::open(request.join("input"))?);
    if directory.starts_with(temporary) {
        command.current_dir(&directory);
    }
    let output = command.output().context("cannot run the program")?;
    fs::write(request.join("output"), output.stdout)?;
    fs::write(request.join("errors"), output.stderr)?;
    if !directories.is_empty() {
        pack_changes(request, temporary, &directories, &before)?;
    }
    for directory in directories {
        fs::remove_dir_all(temporary.join(directory))?;
    }
    Ok(output.status.code().unwrap_or(125))
}

/// Unpacks the directories of a request under their paths in the guest, and returns their names.
fn unpack_files(request: &Path, temporary: &Path) -> Result<BTreeSet<String>> {
    let files = request.join("files.tar");
    if !files.exists() {
        return Ok(BTreeSet::new());
    }
    let names = run::output(Command::new("tar").arg("-tf").arg(&files))?;
    let names = String::from_utf8_lossy(&names);
    let directories = names.lines().filter_map(|name| name.split('/').next());
    let mut tar = Command::new("tar");
    tar.arg("-xf").arg(&files).arg("-C").arg(temporary);
    ensure!(
        run::succeeds(&mut tar)?,
        "cannot unpack the files of a request"
    );
    Ok(directories.map(str::to_owned).collect())
}

/// Adds the files that are newer than `before` to the reply.
fn pack_changes(
    request: &Path,
    temporary: &Path,
    directories: &BTreeSet<String>,
    before: &Path,
) -> Result<()> {
    let mut find = Command::new("find");
    find.current_dir(temporary).args(directories);
    find.args(["-type", "f", "-newer"]).arg(before);
    let names = request.join("changed");
    fs::write(&names, run::output(find.arg("-print0"))?)?;
    let mut tar = Command::new("tar");
    tar.arg("-cf").arg(request.join("changed.tar"));
    tar.arg("-C").arg(temporary);
    tar.arg("--null").arg("-T").arg(&names);
    ensure!(run::succeeds(&mut tar)?, "cannot pack the files of a reply");
    Ok(())
}
