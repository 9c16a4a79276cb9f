//! Runs other programs.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// Returns the root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the repository")
}

/// Returns the cargo that started this program, to run in the root of the repository.
pub fn cargo<I: IntoIterator<Item: AsRef<OsStr>>>(arguments: I) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(arguments).current_dir(root());
    cargo
}

/// Runs a program that reports its own errors, and returns true if it succeeds.
pub fn succeeds(command: &mut Command) -> Result<bool> {
    let status = command.status();
    Ok(status.with_context(|| name(command))?.success())
}

/// Returns the standard output of a program; fails unless the program succeeds.
pub fn output(command: &mut Command) -> Result<Vec<u8>> {
    command.stderr(Stdio::inherit());
    let output = command.output().with_context(|| name(command))?;
    if !output.status.success() {
        bail!("{}: {}", name(command), output.status);
    }
    Ok(output.stdout)
}

/// Returns true if a program can be run and succeeds. Its output is discarded.
pub fn works(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Returns the compiler that cargo runs.
pub fn rustc() -> Command {
    Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
}

/// Returns the compiler's default target.
pub fn host() -> Result<String> {
    let version = output(rustc().arg("-vV"))?;
    let version = String::from_utf8_lossy(&version);
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("`rustc -vV` prints no host")?;
    Ok(host.to_owned())
}

/// Returns a directory of downloads, outside of the repository.
pub fn cache(name: &str) -> Result<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.filter(|path| path.is_absolute());
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    Ok(cache.context("HOME is not set")?.join(name))
}

/// Finds a program in `PATH`.
pub fn find(program: impl AsRef<Path>) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|directory| directory.join(program.as_ref()))
        .find(|place| place.is_file())
}

/// Lists the files of the repository, including files that are not committed yet. Deleted files are
/// listed until the deletion is committed.
pub fn tracked_files() -> Result<Vec<PathBuf>> {
    let mut list = Command::new("git");
    list.args([
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
        "-z",
    ]);
    let names = output(list.current_dir(root()))?;
    let names = String::from_utf8(names).context("output of git is not UTF-8")?;
    let names = names.split_terminator('\0').map(PathBuf::from);
    Ok(names.collect())
}

fn name(command: &Command) -> String {
    let arguments = command.get_args().map(OsStr::to_string_lossy);
    let words: Vec<_> = [command.get_program().to_string_lossy()]
        .into_iter()
        .chain(arguments)
        .collect();
    words.join(" ")
}
