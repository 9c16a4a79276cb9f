//! One process with all the shared libraries in it that the machine has and that can be loaded.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context, ensure};

use crate::helper;

/// How many the bar is about, at least. A machine that has fewer gets copies of one.
const LIBRARIES: usize = 400;

/// How many are plenty.
const PLENTY: usize = 1_000;

pub struct Libraries {
    process: Child,
    _open: ChildStdin,
    pub loaded: usize,
    /// How many of them are copies.
    pub copies: usize,
    _copied: tempfile::TempDir,
}

impl Libraries {
    pub fn load() -> anyhow::Result<Self> {
        let mut paths = found()?;
        let copied = tempfile::tempdir()?;
        let mut copies = 0;
        loop {
            match try_to_load(&paths)? {
                Attempt::Crashed(path) => paths.retain(|other| *other != path),
                Attempt::Ready(loaded, ..) if loaded < LIBRARIES && copies == 0 => {
                    copies = LIBRARIES - loaded;
                    let model = compiled(copied.path())?;
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

enum Attempt {
    Ready(usize, Child, ChildStdin),
    /// The library that ended the process.
    Crashed(PathBuf),
}

fn try_to_load(paths: &[PathBuf]) -> anyhow::Result<Attempt> {
    let mut process = Command::new(helper::path("bench-loader")?)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let (Some(mut ask), Some(answers)) = (process.stdin.take(), process.stdout.take()) else {
        unreachable!("both were asked to be pipes");
    };
    let mut answers = BufReader::new(answers).lines();
    let mut loaded = 0;
    for path in paths {
        // What a library writes itself is neither of the answers.
        let asked = writeln!(ask, "{}", path.display());
        let answer = answers.by_ref().map_while(Result::ok);
        match answer
            .into_iter()
            .find(|line| line == "ok" || line == "failed")
        {
            Some(answer) => loaded += usize::from(answer == "ok"),
            None => {
                drop(asked);
                process.wait()?;
                return Ok(Attempt::Crashed(path.clone()));
            }
        }
        if loaded == PLENTY {
            break;
        }
    }
    writeln!(ask)?;
    answers
        .map_while(Result::ok)
        .find(|line| line == "ready")
        .context("the loader ended")?;
    Ok(Attempt::Ready(loaded, process, ask))
}

/// A library of one function.
fn compiled(directory: &Path) -> anyhow::Result<PathBuf> {
    let (source, library) = (directory.join("model.c"), directory.join("model.so"));
    fs::write(&source, "int one(void) { return 1; }\n")?;
    let status = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .status()
        .context("can't run cc")?;
    ensure!(status.success(), "a one-line library does not compile");
    Ok(library)
}

/// All files named as shared libraries in the directories that the dynamic linker looks into, and,
/// behind those, in the directories below: plug-ins, codecs, character sets.
fn found() -> anyhow::Result<Vec<PathBuf>> {
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
                // Links lead to what is found by itself; a second name would be the same module.
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

/// The directories in the dynamic linker's cache.
fn linker_directories() -> anyhow::Result<BTreeSet<PathBuf>> {
    let cache = ["ldconfig", "/sbin/ldconfig"]
        .iter()
        .find_map(|ldconfig| Command::new(ldconfig).arg("-p").output().ok())
        .context("can't run ldconfig")?;
    let cache = String::from_utf8_lossy(&cache.stdout);
    Ok(cache
        .lines()
        .filter_map(|line| Path::new(line.split_once(" => ")?.1).parent())
        .filter_map(|directory| directory.canonicalize().ok())
        .collect())
}
