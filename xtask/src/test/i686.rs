//! Builds the library and the C library with 32-bit pointers, and runs their tests and examples.
//!
//! The installed compiler ships no standard library for i686, and Debian packages none for it.
//! Debian packages a newer compiler with its sources, from which cargo builds the standard library.
//! That compiler is unpacked below `target` rather than installed, so that the machine keeps one
//! compiler.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::excluded::{self, Exclusion};
use super::outcome::{Outcome, all};
use super::{c_library, installed, skipped, tools};
use crate::run::{self, cargo, find, root};

const TARGET: &str = "i686-unknown-linux-gnu";

/// The compiler and its sources.
const COMPILER: &[&str] = &["rustc-web", "rust-web-src"];

/// Prefixes of the compiler's dependencies that a machine might lack.
const COMPILER_DEPENDENCIES: &[&str] = &["libstd-rust-web", "libllvm"];

/// The linker and the libraries of i686 programs, which are installed.
const LINKER: &[&str] = &[
    "gcc-i686-linux-gnu",
    "g++-i686-linux-gnu",
    "libc6-dev-i386-cross",
    "libc6-i386",
    "lib32gcc-s1",
    "lib32stdc++6",
];

/// Live tests of the library. The processes that they inspect have 64-bit pointers.
pub const TESTS: &[&str] = &[
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

/// Tests that need a system call in which the caller's pointers name memory of another process.
pub const EXCLUDED: &[Exclusion] = &[
    (
        "pages_have_numa_nodes",
        "move_pages cannot address pages beyond 4 GiB with 32-bit pointers",
    ),
    (
        "tracer_needs_no_file_access",
        "process_vm_readv cannot address memory beyond 4 GiB with 32-bit pointers",
    ),
];

/// Installs the compiler and the linker, then builds and runs tests and examples.
pub fn check() -> Result<Outcome> {
    if !cfg!(target_arch = "x86_64")
        || find("apt-get").is_none()
        || !rustix::process::geteuid().is_root()
    {
        return Ok(Outcome::Skipped(
            "needs x86-64, Debian's packages, and root to install a linker".into(),
        ));
    }
    let target = root().join("target/i686");
    let toolchain = target.join("toolchain");
    if !tools::install(LINKER)? || !unpack(&toolchain)? {
        return Ok(Outcome::Skipped(
            "Debian's packages are not available".into(),
        ));
    }
    let rustc = toolchain.join("usr/bin/rustc");
    let libraries = toolchain.join("usr/lib/x86_64-linux-gnu");
    let for_i686 = |subcommand: &str| {
        let mut command = cargo([subcommand, "-Zbuild-std=std,panic_unwind,proc_macro,test"]);
        command
            .args(["--target", TARGET, "--target-dir"])
            .arg(&target)
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
    let library = c_library::build_with(&mut for_i686("build"))?;
    let log = skipped::Log::of_user(None)?;
    let mut tests = for_i686("test");
    tests.args(["--no-fail-fast", "--package", "psapi", "--lib"]);
    for test in TESTS {
        tests.args(["--test", test]);
    }
    tests.args(excluded::arguments(EXCLUDED));
    log.attach_to(&mut tests);
    let tested = all([tests])?;
    let failed = examples(&library)?;
    Ok(if failed.is_empty() {
        excluded::append_to(log.append_to(tested)?, EXCLUDED)
    } else {
        Outcome::Failed(format!("{}; see also above", failed.join(", ")))
    })
}

/// Unpacks the compiler unless an earlier run did. Returns false if it cannot be downloaded.
fn unpack(toolchain: &Path) -> Result<bool> {
    if toolchain.exists() {
        return Ok(true);
    }
    let downloads = tempfile::tempdir().context("cannot create a temporary directory")?;
    let mut download = Command::new("apt-get");
    download.args(["download", "--quiet"]).args(COMPILER);
    download.args(dependencies()?).current_dir(downloads.path());
    if !run::succeeds(&mut download)? {
        return Ok(false);
    }
    // The final name appears only once everything is unpacked.
    let unfinished = toolchain.with_extension("new");
    fs::create_dir_all(&unfinished).with_context(|| unfinished.display().to_string())?;
    for package in fs::read_dir(downloads.path()).context("cannot list the downloaded packages")? {
        let mut unpack = Command::new("dpkg-deb");
        unpack
            .arg("--extract")
            .arg(package?.path())
            .arg(&unfinished);
        ensure!(
            run::succeeds(&mut unpack)?,
            "dpkg-deb cannot unpack a package"
        );
    }
    fs::rename(&unfinished, toolchain).with_context(|| toolchain.display().to_string())?;
    Ok(true)
}

/// Returns the packages that contain the compiler's libraries.
fn dependencies() -> Result<Vec<String>> {
    let mut depends = Command::new("apt-cache");
    depends.args(["depends", "--recurse", "--no-recommends", "--no-suggests"]);
    depends.args([
        "--no-conflicts",
        "--no-breaks",
        "--no-replaces",
        "--no-enhances",
    ]);
    let text = String::from_utf8(run::output(depends.args(COMPILER))?)
        .context("output of apt-cache is not UTF-8")?;
    let packages = text.lines().filter(|line| {
        let starts = |start: &&str| line.starts_with(*start);
        COMPILER_DEPENDENCIES.iter().any(starts)
    });
    Ok(packages.map(str::to_owned).collect())
}

/// Builds and runs the C examples, and returns the names of failed ones.
fn examples(library: &Path) -> Result<Vec<String>> {
    // The loader searches for the library's soname, which ends in the version of the ABI.
    let directory = tempfile::tempdir().context("cannot create a temporary directory")?;
    symlink(
        library.join("libpsapi.so"),
        directory.path().join("libpsapi.so.1"),
    )?;
    let mut failed = Vec::new();
    for source in installed::c_sources("capi/examples")? {
        let name = source.file_name().unwrap_or_default().to_string_lossy();
        let compiler = if name.ends_with(".cpp") {
            "i686-linux-gnu-g++"
        } else {
            "i686-linux-gnu-gcc"
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
