//! The static library that is installed. It exports only the functions of the API.
//!
//! The `libpsapi.a` that cargo builds defines thousands of global symbols of Rust's standard
//! library, and strong symbols for the functions of `windows.h`. A program with a second library in
//! Rust, or with its own `Sleep`, cannot be linked with it. This file combines its parts into one
//! object:
//!
//! - the functions of the API stay global, and everything else becomes local;
//! - the functions of `windows.h` become weak, so that a program's own ones take precedence.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::run;

/// Writes the library from the files that cargo built in a directory. Requires the GNU linker.
pub fn write(built: &Path, to: &Path) -> Result<()> {
    let names = exports(&built.join("libpsapi.so"))?;
    let weak = names.iter().filter(|name| !is_of_psapi(name, &names));
    let scratch = tempfile::tempdir().context("cannot create a temporary directory")?;
    let list = |file: &str, names: &mut dyn Iterator<Item = &String>, prefix: &str| {
        let path = scratch.path().join(file);
        let lines: String = names.map(|name| format!("{prefix}{name}\n")).collect();
        fs::write(&path, lines).with_context(|| path.display().to_string())?;
        anyhow::Ok(path)
    };
    let roots = list("roots", &mut names.iter(), "--undefined=")?;
    let global = list("global", &mut names.iter(), "")?;
    let weak = list("weak", &mut weak.into_iter(), "")?;

    let object = scratch.path().join("libpsapi.o");
    let mut link = tool("LD", "ld");
    // Linkers identify the members of section groups by name, even if the names are local. So the
    // groups of two Rust libraries would be taken for the same.
    link.args(["--relocatable", "--force-group-allocation"]);
    // Only code that the API reaches is linked into programs.
    link.arg("--gc-sections").arg(at(&roots));
    link.arg("-o").arg(&object).arg(built.join("libpsapi.a"));
    run::output(&mut link)?;

    let mut hide = tool("OBJCOPY", "objcopy");
    hide.arg(option("--keep-global-symbols=", &global));
    hide.arg(option("--weaken-symbols=", &weak));
    // Removed sections leave undefined symbols behind, of functions that not every libc has.
    hide.arg("--strip-unneeded");
    // Linked bitcode is invalid, and plugins of binutils fail on it.
    hide.args(["--remove-section=.llvmbc", "--remove-section=.llvmcmd"]);
    run::output(hide.arg(&object))?;

    if to.exists() {
        fs::remove_file(to).with_context(|| to.display().to_string())?;
    }
    let mut archive = tool("AR", "ar");
    run::output(archive.arg("rcsD").arg(to).arg(&object))?;
    Ok(())
}

/// Returns the functions that the shared library exports.
fn exports(library: &Path) -> Result<BTreeSet<String>> {
    let mut list = tool("NM", "nm");
    list.args(["--dynamic", "--defined-only", "--format=posix"]);
    let text =
        String::from_utf8(run::output(list.arg(library))?).context("output of nm is not UTF-8")?;
    let names = text.lines().filter_map(|line| line.split(' ').next());
    let names: BTreeSet<String> = names.map(str::to_owned).collect();
    ensure!(!names.is_empty(), "{} exports nothing", library.display());
    Ok(names)
}

/// Returns true for functions of `psapi.h`, which have two names: with and without `K32`.
fn is_of_psapi(name: &str, names: &BTreeSet<String>) -> bool {
    name.starts_with("K32") || names.contains(&format!("K32{name}"))
}

/// Returns a program of binutils, or the one that an environment variable names.
fn tool(variable: &str, program: &str) -> Command {
    Command::new(std::env::var_os(variable).unwrap_or_else(|| program.into()))
}

/// Returns the argument that makes the linker read arguments from a file.
fn at(path: &Path) -> OsString {
    option("@", path)
}

fn option(name: &str, path: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push(path);
    option
}
