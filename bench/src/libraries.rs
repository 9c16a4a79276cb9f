//! One process that loads every shared library of the machine that can be loaded.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context, ensure};

use crate::helper;

/// The smallest number of libraries for which the target holds. A machine with fewer gets copies of
/// one library.
const MIN_LIBRARIES: usize = 400;

/// The number of libraries at which loading stops.
const MAX_LIBRARIES: usize = 1_000;

/// The process. It ends when this value is dropped.
pub struct Libraries {
    process: Child,
    _open: ChildStdin,
    pub loaded: usize,
    /// The number of copies among the loaded libraries.
    pub copies: usize,
    _copied: tempfile::TempDir,
}

impl Libraries {
    pub fn load() -> anyhow::Result<Self> {
        let mut paths = find()?;
        let copied = tempfile::tempdir()?;
        let mut copies = 0;
        loop {
            match try_to_load(&paths)? {
                Attempt::Crashed(path) => paths.retain(|other| *other != path),
                Attempt::Ready(loaded, ..) if loaded < MIN_LIBRARIES && copies == 0 => {
                    copies = MIN_LIBRARIES - loaded;
                    let model = compile(copied.path())?;
                    for number in 0..copies {
                        let copy = copied.path().join(format!("libcopy{number}.so"));
                        fs::copy(&model, &copy)?;
                        paths.push(copy);
                    }
                }
                Attempt::Ready(loaded, process, open) => {
                    return Ok(Libraries {
                        process,
                        _open: open,
                        loaded,
                        copies,
                        _copied: copied,
                    });
                }
            }
        }
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Libraries {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The result of loading a list of libraries.
enum Attempt {
    Ready(usize, Child, ChildStdin),
    /// Loading this library ended the process.
    Crashed(PathBuf),
}

/// Loads libraries in a new process.
fn try_to_load(paths: &[PathBuf]) -> anyhow::Result<Attempt> {
    let mut process = Command::new(helper::path("bench-loader")?)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let (Some(mut requests), Some(replies)) = (process.stdin.take(), process.stdout.take()) else {
        unreachable!("both are pipes");
    };
    let mut replies = BufReader::new(replies).lines();
    let mut loaded = 0;
    for path in paths {
        // Libraries can print lines of their own, which are ignored.
        let request = writeln!(requests, "{}", path.display());
        let reply = replies.by_ref().map_while(Result::ok);
        match reply
            .into_iter()
            .find(|line| line == "ok" || line == "failed")
        {
            Some(reply) => loaded += usize::from(reply == "ok"),
            None => {
                drop(request);
                process.wait()?;
                return Ok(Attempt::Crashed(path.clone()));
            }
        }
        if loaded == MAX_LIBRARIES {
            break;
        }
    }
    writeln!(requests)?;
    replies
        .map_while(Result::ok)
        .find(|line| line == "ready")
        .context("bench-loader ended early")?;
    Ok(Attempt::Ready(loaded, process, requests))
}

/// Compiles a library with one function.
fn compile(directory: &Path) -> anyhow::Result<PathBuf> {
    let (source, library) = (directory.join("model.c"), directory.join("model.so"));
    fs::write(&source, "int one(void) { return 1; }\n")?;
    let status = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .status()
        .context("cannot run cc")?;
    ensure!(status.success(), "cc cannot compile a library of one line");
    Ok(library)
}

/// Finds all shared libraries in the dynamic linker's directories, then those in subdirectories:
/// plug-ins, codecs, character sets.
fn find() -> anyhow::Result<Vec<PathBuf>> {
    let mut level = linker_directories()?;
    let mut seen = BTreeSet::new();
    let mut libraries = Vec::new();
    while !level.is_empty() {
        let mut below = BTreeSet::new();
        for directory in level {
            let Ok(entries) = fs::read_dir(&directory) else {
                continue;
            };
            for path in entries.flatten().map(|entry| entry.path()) {
                // A link would load the same module as the file that it points to.
                let Ok(kind) = path.symlink_metadata() else {
                    continue;
                };
                if kind.is_dir() {
                    below.insert(path);
                } else if kind.is_file() && is_library(&path) && seen.insert(path.clone()) {
                    libraries.push(path);
                }
            }
        }
        level = below;
    }
    Ok(libraries)
}

fn is_library(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".so") || name.contains(".so.")
}

/// Returns the directories in the dynamic linker's cache.
fn linker_directories() -> anyhow::Result<BTreeSet<PathBuf>> {
    let cache = ["ldconfig", "/sbin/ldconfig"]
        .iter()
        .find_map(|ldconfig| Command::new(ldconfig).arg("-p").output().ok())
        .context("cannot run ldconfig")?;
    let cache = String::from_utf8_lossy(&cache.stdout);
    Ok(cache
        .lines()
        .filter_map(|line| Path::new(line.split_once(" => ")?.1).parent())
        .filter_map(|directory| directory.canonicalize().ok())
        .collect())
}
