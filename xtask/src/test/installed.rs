//! Tests the C library as its users see it: installed below a prefix, with programs outside of the
//! repository that find it through `pkg-config` alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::outcome::Outcome;
use super::suite::public_directory;
use crate::install;
use crate::run::{self, find, root};

/// A way to build a program with the library.
struct Linkage {
    name: &'static str,
    pkg_config: &'static [&'static str],
    flags: &'static [&'static str],
    /// Whether the program needs `LD_LIBRARY_PATH` to run.
    is_shared: bool,
}

const LINKAGES: &[Linkage] = &[
    Linkage {
        name: "shared",
        pkg_config: &["--cflags", "--libs"],
        flags: &[],
        is_shared: true,
    },
    Linkage {
        name: "shared, UTF-16",
        pkg_config: &["--cflags", "--libs"],
        flags: &["-DUNICODE", "-D_UNICODE"],
        is_shared: true,
    },
    Linkage {
        name: "static",
        pkg_config: &["--static", "--cflags", "--libs"],
        flags: &["-static"],
        is_shared: false,
    },
];

/// Installs the library, then builds and runs the examples with it.
pub fn check() -> Result<Outcome> {
    if find("pkg-config").is_none() {
        return Ok(Outcome::Skipped("pkg-config is missing".into()));
    }
    let scratch = public_directory()?;
    let prefix = scratch.path().join("prefix");
    if !install::run(&[format!("--prefix={}", prefix.display())])? {
        return Ok(Outcome::Failed("the installation failed; see above".into()));
    }
    let mut failed = Vec::new();
    let directory = root().join("capi/examples");
    for entry in fs::read_dir(&directory).with_context(|| directory.display().to_string())? {
        let path = entry?.path();
        let copy = scratch.path().join(path.file_name().unwrap_or_default());
        fs::copy(&path, &copy).with_context(|| copy.display().to_string())?;
    }
    for source in c_sources("capi/examples")? {
        let name = source.file_name().unwrap_or_default().to_string_lossy();
        let outside = scratch.path().join(&*name);
        for linkage in LINKAGES {
            let built = outside.with_extension("built");
            let mut build = Command::new(if name.ends_with(".cpp") { "c++" } else { "cc" });
            // The linker resolves symbols from left to right: libraries follow their users.
            build
                .args(linkage.flags)
                .arg(&outside)
                .args(pkg_config(&prefix, linkage.pkg_config)?);
            let mut program = Command::new(&built);
            program.stdout(std::process::Stdio::null());
            if linkage.is_shared {
                program.env("LD_LIBRARY_PATH", prefix.join("lib"));
            }
            let works = run::succeeds(build.arg("-o").arg(&built))? && run::succeeds(&mut program)?;
            let name = format!("{name}, {}", linkage.name);
            println!("{} {name}", if works { "ok    " } else { "FAILED" });
            if !works {
                failed.push(name);
            }
        }
    }
    let headers = prefix.join("include/psapi");
    failed.extend(static_failures(&prefix.join("lib/libpsapi.a"), &headers)?);
    Ok(if failed.is_empty() {
        Outcome::Passed
    } else {
        Outcome::Failed(failed.join("; "))
    })
}

/// Links the static library with a program that has functions of the same names, and with a second
/// library in Rust. Returns the names of failed linkages.
fn static_failures(library: &Path, headers: &Path) -> Result<Vec<String>> {
    let scratch = tempfile::tempdir().context("cannot create a temporary directory")?;
    let sources = root().join("xtask/src/test/static_programs");
    let second = scratch.path().join("libsecond.a");
    let mut compile = run::rustc();
    compile.args(["--edition", "2024", "--crate-type", "staticlib", "-o"]);
    run::output(compile.arg(&second).arg(sources.join("second_library.rs")))?;
    let program = scratch.path().join("program");
    let mut failed = Vec::new();
    for (order, libraries) in [("first", [library, &second]), ("last", [&*second, library])] {
        for linkage in ["-pie", "-static", "-static-pie"] {
            let mut build = Command::new("cc");
            build
                .arg(linkage)
                .arg("-I")
                .arg(headers)
                .arg("-o")
                .arg(&program);
            build.arg(sources.join("own_functions.c")).args(libraries);
            build.args(["-lpthread", "-ldl"]);
            let mut run = Command::new(&program);
            let works = run::succeeds(&mut build)? && run::works(&mut run);
            let name = format!("own functions and a second library, {linkage}, psapi {order}");
            println!("{} {name}", if works { "ok    " } else { "FAILED" });
            if !works {
                failed.push(name);
            }
        }
    }
    Ok(failed)
}

fn pkg_config(prefix: &Path, options: &[&str]) -> Result<Vec<String>> {
    let mut command = Command::new("pkg-config");
    command
        .args(options)
        .arg("psapi")
        .env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"));
    let flags = String::from_utf8(run::output(&mut command)?)
        .context("output of pkg-config is not UTF-8")?;
    Ok(flags.split_whitespace().map(str::to_owned).collect())
}

/// Returns the C and C++ programs in a directory, in order of their names.
pub fn c_sources(directory: &str) -> Result<Vec<PathBuf>> {
    let directory = root().join(directory);
    let entries = fs::read_dir(&directory).with_context(|| directory.display().to_string())?;
    let mut sources: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    sources.retain(|path| {
        let extension = path.extension().unwrap_or_default();
        extension == "c" || extension == "cpp"
    });
    sources.sort();
    Ok(sources)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{self, cargo};
    use crate::static_library;
    use crate::test::c_library;

    #[test]
    fn static_library_leaves_names_to_program() {
        // In the step `unprivileged`, the user cannot run cargo.
        if !run::works(&mut cargo(["--version"])) {
            return;
        }
        let scratch = tempfile::tempdir().unwrap();
        let library = scratch.path().join("libpsapi.a");
        static_library::write(&c_library::build().unwrap(), &library).unwrap();
        let headers = root().join("capi/include/psapi");
        let failed = static_failures(&library, &headers).unwrap();
        assert_eq!(failed, <[String; 0]>::default());
    }
}
