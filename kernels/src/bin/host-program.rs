//! Stands in a guest for a compiler or another program that the guest has not, under that one's name: has it
//! run on the host, on copies of the temporary directories that the arguments name, and puts what changed of
//! these back. See `share.rs` of xtask.

use std::collections::BTreeSet;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::fs::Mode;
use rustix::process::umask;

/// Where the host looks for requests.
const REQUESTS: &str = "/host/requests";

/// How long is waited between looks for an answer.
const PAUSE: Duration = Duration::from_millis(5);

/// The exit code of what could not be had run.
const FAILED: u8 = 125;

fn main() -> ExitCode {
    match run() {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("the host runs nothing: {error:#}");
            ExitCode::from(FAILED)
        }
    }
}

fn run() -> Result<u8> {
    let mut words = env::args_os();
    let name = words.next().context("no name")?;
    let name = Path::new(&name).file_name().context("no name")?.to_owned();
    let directory = env::current_dir().context("the working directory")?;
    let words: Vec<OsString> = [directory.into()].into_iter().chain(words).collect();
    let temporary = PathBuf::from(env::var_os("TMPDIR").context("TMPDIR is not set")?);

    // What any user puts there belongs to who runs the guest: all may write to it.
    let before = umask(Mode::empty());
    let request = new_request()?;
    let command = [&name].into_iter().chain(&words);
    let command: Vec<u8> = command
        .flat_map(|word| [word.as_bytes(), b"\0"].concat())
        .collect();
    fs::write(request.join("command"), command)?;
    io::copy(&mut io::stdin(), &mut File::create(request.join("input"))?)?;
    send(&places(&words, &temporary), &temporary, &request).context("what the host needs")?;
    File::create(request.join("ready"))?;
    umask(before);

    let status = loop {
        match fs::read_to_string(request.join("status")) {
            Ok(status) => break status,
            Err(error) if error.kind() == io::ErrorKind::NotFound => sleep(PAUSE),
            Err(error) => return Err(error).context("the answer"),
        }
    };
    copy(&request.join("output"), io::stdout())?;
    copy(&request.join("errors"), io::stderr())?;
    if let Some(changed) = existing(&request.join("changed.tar"))? {
        let unpacked = tar::Archive::new(changed).unpack(&temporary);
        unpacked.context("what the host changed")?;
    }
    fs::remove_dir_all(&request)?;
    status.parse().context("the exit code")
}

/// A new directory. A process of another namespace may have the same id.
fn new_request() -> Result<PathBuf> {
    let id = std::process::id();
    for number in 0.. {
        let request = Path::new(REQUESTS).join(format!("{id}-{number}"));
        match fs::create_dir(&request) {
            Ok(()) => return Ok(request),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).context(REQUESTS),
        }
    }
    unreachable!("there are more numbers than directories")
}

/// What lies directly in the directory of temporary files, of all that is named somewhere in a word.
fn places(words: &[OsString], temporary: &Path) -> BTreeSet<OsString> {
    let before = [temporary.as_os_str().as_bytes(), b"/"].concat();
    let mut places = BTreeSet::new();
    for word in words {
        let mut rest = word.as_bytes();
        while let Some(at) = rest.windows(before.len()).position(|part| part == before) {
            rest = &rest[at + before.len()..];
            let place: Vec<u8> = rest
                .split(|&byte| byte == b'/')
                .next()
                .unwrap_or(rest)
                .into();
            places.insert(OsString::from_vec(place));
        }
    }
    // The directory itself is none.
    places.remove(OsStr::new(""));
    places
}

/// Copies those that are there yet.
fn send(places: &BTreeSet<OsString>, temporary: &Path, request: &Path) -> Result<()> {
    let there = |place: &&OsString| temporary.join(place).exists();
    let there: Vec<&OsStr> = places
        .iter()
        .filter(there)
        .map(OsString::as_os_str)
        .collect();
    if there.is_empty() {
        return Ok(());
    }
    let mut archive = tar::Builder::new(File::create(request.join("files.tar"))?);
    archive.follow_symlinks(false);
    for place in there {
        let path = temporary.join(place);
        match path.is_dir() {
            true => archive.append_dir_all(place, path)?,
            false => archive.append_path_with_name(path, place)?,
        }
    }
    archive.into_inner()?;
    Ok(())
}

fn existing(path: &Path) -> Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
}

fn copy(path: &Path, mut to: impl io::Write) -> Result<()> {
    if let Some(mut file) = existing(path)? {
        io::copy(&mut file, &mut to)?;
    }
    Ok(())
}
