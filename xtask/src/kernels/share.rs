//! The directory that a guest has in common with this machine. The guest's compiler, and what reads
//! programs, are those of this machine: a guest without a compiler starts sooner, and compiles ten times
//! as fast.
//!
//! A request is a directory in `requests` that has `command` (the program's name, the working directory and
//! the arguments, each ended by a NUL), `input` (for the program to read) and, where these name any, `files.tar`
//! (temporary directories), once it has `ready`. The answer is `output`, `errors` and `changed.tar`, and `status` at the end.

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

/// The programs that are run here for a guest.
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
];

/// What a guest waits for at most a few hundred times.
const PAUSE: Duration = Duration::from_millis(2);

pub struct Share {
    directory: TempDir,
}

impl Share {
    pub fn new() -> Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("psapi-kernels-")
            .tempdir()?;
        let share = Share { directory };
        // The unprivileged user of the guest asks, too, and takes away what was answered.
        for part in ["", "requests", "results"] {
            let part = share.path().join(part);
            fs::create_dir_all(&part)?;
            fs::set_permissions(&part, Permissions::from_mode(0o777))?;
        }
        Ok(share)
    }

    /// The directory; the same path is that of temporary files in the guest, so that programs have the
    /// same names here as there.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn file(&self, name: &str, contents: &str) -> Result<()> {
        fs::write(self.path().join(name), contents).with_context(|| format!("{name} for the guest"))
    }

    /// Answers requests until it is told that there are no more.
    pub fn serve(&self, ended: &AtomicBool) -> Result<()> {
        let requests = self.path().join("requests");
        std::thread::scope(|scope| {
            while !ended.load(Ordering::Relaxed) {
                for request in fs::read_dir(&requests)? {
                    let request = request?.path();
                    // Its answer begins with that, so that it is answered once.
                    let is_new = || File::create_new(request.join("taken")).is_ok();
                    if request.join("ready").exists() && is_new() {
                        scope.spawn(move || answer(&request, self.path()));
                    }
                }
                std::thread::sleep(PAUSE);
            }
            Ok(())
        })
    }
}

/// Answers a request; what prevents that is told to who asked.
fn answer(request: &Path, temporary: &Path) {
    let status = carry_out(request, temporary).unwrap_or_else(|error| {
        let _ = fs::write(request.join("errors"), format!("{error:#}\n"));
        125
    });
    let written = fs::write(request.join("status.new"), status.to_string())
        .and_then(|()| fs::rename(request.join("status.new"), request.join("status")));
    if let Err(error) = written {
        println!("a guest's request gets no answer: {error}");
    }
}

fn carry_out(request: &Path, temporary: &Path) -> Result<i32> {
    let command = fs::read(request.join("command")).context("the request")?;
    let mut words = command
        .split(|&byte| byte == 0)
        .map(|word| OsString::from_vec(word.into()));
    let program = words.next().context("the program")?;
    ensure!(
        PROGRAMS.iter().any(|known| *known == program),
        "{} is no program for guests",
        program.display()
    );
    let directory = PathBuf::from(words.next().context("the working directory")?);
    let mut arguments: Vec<_> = words.collect();
    // What is behind the last NUL.
    arguments.pop();

    let places = take(request, temporary)?;
    let before = request.join("before");
    File::create(&before)?;
    let mut command = Command::new(program);
    command.args(arguments).env("LC_ALL", "C");
    command.stdin(File::open(request.join("input"))?);
    if directory.starts_with(temporary) {
        command.current_dir(&directory);
    }
    let output = command.output().context("the program can't be run")?;
    fs::write(request.join("output"), output.stdout)?;
    fs::write(request.join("errors"), output.stderr)?;
    if !places.is_empty() {
        give(request, temporary, &places, &before)?;
    }
    for place in places {
        fs::remove_dir_all(temporary.join(place))?;
    }
    Ok(output.status.code().unwrap_or(125))
}

/// Puts the directories of a request where they are in the guest; returns their names.
fn take(request: &Path, temporary: &Path) -> Result<BTreeSet<String>> {
    let files = request.join("files.tar");
    if !files.exists() {
        return Ok(BTreeSet::new());
    }
    let names = run::output(Command::new("tar").arg("-tf").arg(&files))?;
    let names = String::from_utf8_lossy(&names);
    let places = names.lines().filter_map(|name| name.split('/').next());
    let mut tar = Command::new("tar");
    tar.arg("-xf").arg(&files).arg("-C").arg(temporary);
    ensure!(run::succeeds(&mut tar)?, "the request's files");
    Ok(places.map(str::to_owned).collect())
}

/// Puts what is newer than a file into the answer.
fn give(request: &Path, temporary: &Path, places: &BTreeSet<String>, before: &Path) -> Result<()> {
    let mut find = Command::new("find");
    find.current_dir(temporary).args(places);
    find.args(["-type", "f", "-newer"]).arg(before);
    let names = request.join("changed");
    fs::write(&names, run::output(find.arg("-print0"))?)?;
    let mut tar = Command::new("tar");
    tar.arg("-cf").arg(request.join("changed.tar"));
    tar.arg("-C").arg(temporary);
    tar.arg("--null").arg("-T").arg(&names);
    ensure!(run::succeeds(&mut tar)?, "the answer's files");
    Ok(())
}
