//! A machine whose pointers have 32 bits: the library and the C library are built for it, and run here.
//!
//! The compiler at hand has no standard library for i686, and none can be had for just this compiler.
//! Debian has a newer compiler with its own sources, of which cargo builds one. It is unpacked below
//! `target` and not installed: the machine's compiler stays the only one on it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::left_out::{self, LeftOut};
use super::{Outcome, all, c_library, installed, passed_but, skipped, tools};
use crate::run::{self, cargo, find, root};

const TARGET: &str = "i686-unknown-linux-gnu";

/// The compiler and its sources.
const COMPILER: &[&str] = &["rustc-web", "rust-web-src"];

/// What of these needs they need beside what every machine has.
const WITH_IT: &[&str] = &["libstd-rust-web", "libllvm"];

/// What links for i686 and what then runs: these do get installed.
const LINKER: &[&str] = &[
    "gcc-i686-linux-gnu",
    "g++-i686-linux-gnu",
    "libc6-dev-i386-cross",
    "libc6-i386",
    "lib32gcc-s1",
    "lib32stdc++6",
];

/// Live tests of the library. The processes that they look at have 64 bits.
const TESTS: &[&str] = &[
    "access",
    "mappings",
    "memory",
    "modules",
    "page_files",
    "performance",
    "processes",
    "trees",
    "watch",
    "working_set",
    "working_set_meanwhile",
];

/// What takes a call that names another process's memory with the caller's pointers.
const LEFT_OUT: &[LeftOut] = &[
    (
        "a_machine_with_several_nodes_is_asked_for_them",
        "pages beyond 4 GiB can't be asked about with pointers of 32 bits",
    ),
    (
        "who_may_trace_a_process_needs_not_own_its_files",
        "memory beyond 4 GiB can't be read with pointers of 32 bits",
    ),
];

pub fn check() -> Result<Outcome> {
    if !cfg!(target_arch = "x86_64")
        || find("apt-get").is_none()
        || !rustix::process::geteuid().is_root()
    {
        return Ok(Outcome::Skipped(
            "it takes x86-64, Debian's packages, and root to install a linker".into(),
        ));
    }
    let place = root().join("target/i686");
    let toolchain = place.join("toolchain");
    if !tools::install(LINKER)? || !unpacked(&toolchain)? {
        return Ok(Outcome::Skipped("Debian's packages can't be had".into()));
    }
    let rustc = toolchain.join("usr/bin/rustc");
    let libraries = toolchain.join("usr/lib/x86_64-linux-gnu");
    let for_i686 = |subcommand: &str| {
        let mut command = cargo([subcommand, "-Zbuild-std=std,panic_unwind,proc_macro,test"]);
        command
            .args(["--target", TARGET, "--target-dir"])
            .arg(&place)
            .env("RUSTC", &rustc)
            .env("RUSTC_BOOTSTRAP", "1")
            .env("LD_LIBRARY_PATH", &libraries)
            .env(
                "CARGO_TARGET_I686_UNKNOWN_LINUX_GNU_LINKER",
                "i686-linux-gnu-gcc",
            )
            .env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only")
            .env("CARGO_INCREMENTAL", "0");
        command
    };
    let library = c_library::build_by(&mut for_i686("build"))?;
    let log = skipped::Log::of_user(None)?;
    let mut tests = for_i686("test");
    tests.args(["--no-fail-fast", "--package", "psapi", "--lib"]);
    for test in TESTS {
        tests.args(["--test", test]);
    }
    tests.args(left_out::arguments(LEFT_OUT));
    log.hand_to(&mut tests);
    let tested = all([tests])?;
    let failed = examples(&library)?;
    Ok(match failed.is_empty() {
        true => left_out::tell(passed_but(tested, &log)?, LEFT_OUT),
        false => Outcome::Failed(format!("{}; and see above", failed.join(", "))),
    })
}

/// Unpacks the compiler unless that was done before; says whether it could be had.
fn unpacked(toolchain: &Path) -> Result<bool> {
    if toolchain.exists() {
        return Ok(true);
    }
    let downloads = tempfile::tempdir().context("a temporary directory")?;
    let mut download = Command::new("apt-get");
    download.args(["download", "--quiet"]).args(COMPILER);
    download.args(needed()?).current_dir(downloads.path());
    if !run::succeeds(&mut download)? {
        return Ok(false);
    }
    // What is there under its name is there whole.
    let unfinished = toolchain.with_extension("new");
    fs::create_dir_all(&unfinished).with_context(|| unfinished.display().to_string())?;
    for package in fs::read_dir(downloads.path()).context("what was downloaded")? {
        let mut unpack = Command::new("dpkg-deb");
        unpack
            .arg("--extract")
            .arg(package?.path())
            .arg(&unfinished);
        ensure!(run::succeeds(&mut unpack)?, "a package can't be unpacked");
    }
    fs::rename(&unfinished, toolchain).with_context(|| toolchain.display().to_string())?;
    Ok(true)
}

/// The packages that the compiler is made of beside its own.
fn needed() -> Result<Vec<String>> {
    let mut depends = Command::new("apt-cache");
    depends.args(["depends", "--recurse", "--no-recommends", "--no-suggests"]);
    depends.args([
        "--no-conflicts",
        "--no-breaks",
        "--no-replaces",
        "--no-enhances",
    ]);
    let text = String::from_utf8(run::output(depends.args(COMPILER))?).context("packages")?;
    let packages = text.lines().filter(|line| {
        let starts = |start: &&str| line.starts_with(*start);
        WITH_IT.iter().any(starts)
    });
    Ok(packages.map(str::to_owned).collect())
}

/// Builds and runs the examples of the C side; names those that fail.
fn examples(library: &Path) -> Result<Vec<String>> {
    // Programs look for the name that is also the version of the ABI.
    let directory = tempfile::tempdir().context("a temporary directory")?;
    symlink(
        library.join("libpsapi.so"),
        directory.path().join("libpsapi.so.1"),
    )?;
    let mut failed = Vec::new();
    for source in installed::examples()? {
        let name = source.file_name().unwrap_or_default().to_string_lossy();
        let compiler = match name.ends_with(".cpp") {
            true => "i686-linux-gnu-g++",
            false => "i686-linux-gnu-gcc",
        };
        let built = directory.path().join("example");
        let mut build = Command::new(compiler);
        build.arg("-I").arg(root().join("capi/include/psapi"));
        build.arg("-o").arg(&built).arg(&source);
        build.arg("-L").arg(library).arg("-lpsapi");
        let mut program = Command::new(&built);
        program.stdout(std::process::Stdio::null());
        program.env("LD_LIBRARY_PATH", directory.path());
        let works = run::succeeds(&mut build)? && run::succeeds(&mut program)?;
        println!("{} {name}", if works { "ok    " } else { "FAILED" });
        if !works {
            failed.push(name.into_owned());
        }
    }
    Ok(failed)
}
