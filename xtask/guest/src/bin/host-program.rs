//! Replaces a compiler, or another program that the guest lacks, under that program's name. The
//! host runs the real program on copies of the temporary directories that the arguments name. This
//! program then copies changed files back. xtask's `kernels/share.rs` describes the protocol.

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

/// The directory that the host polls for requests.
const REQUESTS: &str = "/host/requests";

/// The interval between checks for the reply.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// The exit code if the host cannot run the program.
const FAILED: u8 = 125;

fn main() -> ExitCode {
    match run() {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("cannot run the program on the host: {error:#}");
            ExitCode::from(FAILED)
        }
    }
}

fn run() -> Result<u8> {
    let mut arguments = env::args_os();
    let name = arguments.next().context("there is no argument 0")?;
    let name = Path::new(&name)
        .file_name()
        .context("argument 0 is not a path")?
        .to_owned();
    let directory = env::current_dir().context("cannot read the working directory")?;
    let arguments: Vec<OsString> = [directory.into()].into_iter().chain(arguments).collect();
    let temporary = PathBuf::from(env::var_os("TMPDIR").context("TMPDIR is not set")?);

    // On the host, files of every guest user belong to one user. Each user must be able to write to
    // them.
    let before = umask(Mode::empty());
    let request = new_request()?;
    let command = [&name].into_iter().chain(&arguments);
    let command: Vec<u8> = command
        .flat_map(|part| [part.as_bytes(), b"\0"].concat())
        .collect();
    fs::write(request.join("command"), command)?;
    io::copy(&mut io::stdin(), &mut File::create(request.join("input"))?)?;
    let directories = named_entries(&arguments, &temporary);
    pack(&directories, &temporary, &request).context("cannot pack the files for the host")?;
    File::create(request.join("ready"))?;
    umask(before);

    let status = loop {
        match fs::read_to_string(request.join("status")) {
            Ok(status) => break status,
            Err(error) if error.kind() == io::ErrorKind::NotFound => sleep(POLL_INTERVAL),
            Err(error) => return Err(error).context("cannot read the reply"),
        }
    };
    copy(&request.join("output"), io::stdout())?;
    copy(&request.join("errors"), io::stderr())?;
    if let Some(changed) = open_if_exists(&request.join("changed.tar"))? {
        let unpacked = tar::Archive::new(changed).unpack(&temporary);
        unpacked.context("cannot unpack the changed files")?;
    }
    fs::remove_dir_all(&request)?;
    status.parse().context("the reply has no exit code")
}

/// Creates the directory of a request. A process in another pid namespace can have the same id, so
/// the name also has a number.
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
    unreachable!("a free number is found first")
}

/// Finds the entries of the temporary directory that arguments name, in whole or in part.
fn named_entries(arguments: &[OsString], temporary: &Path) -> BTreeSet<OsString> {
    let before = [temporary.as_os_str().as_bytes(), b"/"].concat();
    let mut entries = BTreeSet::new();
    for argument in arguments {
        let mut rest = argument.as_bytes();
        while let Some(at) = rest.windows(before.len()).position(|part| part == before) {
            rest = &rest[at + before.len()..];
            let entry: Vec<u8> = rest
                .split(|&byte| byte == b'/')
                .next()
                .unwrap_or(rest)
                .into();
            entries.insert(OsString::from_vec(entry));
        }
    }
    // An empty name comes from the temporary directory itself.
    entries.remove(OsStr::new(""));
    entries
}

/// Packs the entries that exist.
fn pack(entries: &BTreeSet<OsString>, temporary: &Path, request: &Path) -> Result<()> {
    let exists = |entry: &&OsString| temporary.join(entry).exists();
    let existing: Vec<&OsStr> = entries
        .iter()
        .filter(exists)
        .map(OsString::as_os_str)
        .collect();
    if existing.is_empty() {
        return Ok(());
    }
    let mut archive = tar::Builder::new(File::create(request.join("files.tar"))?);
    archive.follow_symlinks(false);
    for entry in existing {
        let path = temporary.join(entry);
        if path.is_dir() {
            archive.append_dir_all(entry, path)?;
        } else {
            archive.append_path_with_name(path, entry)?;
        }
    }
    archive.into_inner()?;
    Ok(())
}

/// Opens a file; `None` if it does not exist.
fn open_if_exists(path: &Path) -> Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
}

/// Copies a file to a stream, if it exists.
fn copy(path: &Path, mut to: impl io::Write) -> Result<()> {
    if let Some(mut file) = open_if_exists(path)? {
        io::copy(&mut file, &mut to)?;
    }
    Ok(())
}
