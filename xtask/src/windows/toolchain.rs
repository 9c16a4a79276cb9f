//! Debian's Rust compiler with mingw's linkers.

use std::ffi::OsString;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context as _, Result, ensure};

use super::places::Places;
use super::target::{I686, Target, X86_64};
use super::wine;
use crate::run::{self, root};

/// Seconds after which a program under Wine has hung.
const PROGRAM_SECONDS: u32 = 300;

/// The toolchain and Wine.
pub struct Toolchain {
    pub places: Places,
}

impl Toolchain {
    pub fn new(places: &Places) -> Self {
        Toolchain {
            places: places.clone(),
        }
    }

    /// Returns cargo, which builds the standard library from its sources.
    pub fn cargo(&self, arguments: &[&str]) -> Command {
        let mut cargo = run::cargo(arguments);
        self.prepare(&mut cargo);
        cargo
    }

    /// Returns `cargo clippy` of the same version as the compiler.
    pub fn clippy(&self) -> Command {
        let mut clippy = Command::new(self.places.toolchain.join("usr/bin/cargo-clippy"));
        clippy.arg("clippy").current_dir(root());
        self.prepare(&mut clippy);
        clippy
    }

    /// Returns a command that runs a program for Windows.
    pub fn wine(&self, program: &Path) -> Command {
        let mut wine = Command::new("timeout");
        wine.arg(PROGRAM_SECONDS.to_string());
        wine.arg(wine::programs(&self.places).join("wine64"));
        wine::prepare(&self.places, &mut wine);
        wine.arg(program).env_remove("LD_LIBRARY_PATH");
        wine
    }

    /// Returns the path of psapi.dll after a build.
    pub fn library(&self, target: Target) -> PathBuf {
        let directory = target_directory().join(target.name);
        directory.join("debug/psapi.dll")
    }

    /// Returns the path of psapi.dll after an optimized build.
    pub fn optimized_library(&self, target: Target) -> PathBuf {
        let directory = target_directory().join(target.name);
        directory.join("release/psapi.dll")
    }

    /// Sets the time limit of programs under Wine that a command of [`cargo`](Self::cargo) runs.
    pub fn limit_programs(&self, command: &mut Command, seconds: u32) {
        for target in [X86_64, I686] {
            command.env(target.variable("RUNNER"), runner(seconds));
        }
    }

    /// Sets the variables with which cargo builds for Windows and runs tests under Wine.
    pub fn prepare(&self, command: &mut Command) {
        let programs = self.places.toolchain.join("usr/bin");
        wine::prepare(&self.places, command);
        command
            .env("PATH", path(&[&programs, &wine::programs(&self.places)]))
            .env("RUSTC", programs.join("rustc"))
            .env("RUSTDOC", programs.join("rustdoc"))
            .env("RUSTC_BOOTSTRAP", "1")
            .env("LD_LIBRARY_PATH", libraries(&self.places.toolchain))
            .env(
                "CARGO_UNSTABLE_BUILD_STD",
                "std,panic_unwind,test,proc_macro",
            )
            .env("CARGO_TARGET_DIR", target_directory())
            // Neither debug information nor incremental state is used.
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_INCREMENTAL", "0");
        // No program for this target is linked. The compiler makes C programs that its tests contain.
        command.env(
            "CARGO_TARGET_X86_64_PC_WINDOWS_MSVC_LINKER",
            X86_64.compiler("gcc"),
        );
        for target in [X86_64, I686] {
            command.env(target.variable("LINKER"), target.compiler("gcc"));
        }
        self.limit_programs(command, PROGRAM_SECONDS);
    }
}

/// Returns the command that runs a program for Windows. The compiler's libraries are not Wine's.
fn runner(seconds: u32) -> String {
    format!("env -u LD_LIBRARY_PATH timeout {seconds} wine64")
}

/// Returns `PATH` with directories at its end.
fn path(directories: &[&Path]) -> OsString {
    let before = env::var_os("PATH").unwrap_or_default();
    let before: Vec<_> = env::split_paths(&before).collect();
    let after = directories.iter().map(|path| path.to_path_buf());
    env::join_paths(before.into_iter().chain(after)).expect("no directory contains a colon")
}

fn target_directory() -> PathBuf {
    root().join("target/windows")
}

fn libraries(toolchain: &Path) -> PathBuf {
    toolchain.join("usr/lib/x86_64-linux-gnu")
}

/// Adds what Debian's packages lack.
pub fn complete(toolchain: &Path) -> Result<()> {
    let programs = toolchain.join("usr/bin");
    for target in [X86_64, I686] {
        // Build scripts look for this name.
        let link = programs.join(format!("{}-gcc", target.mingw));
        symlink(target.compiler("gcc"), &link).with_context(|| link.display().to_string())?;
    }
    // The objects that 32-bit programs begin and end with. Cargo does not build them.
    let rustlib = toolchain.join("usr/lib/rustlib");
    let objects = rustlib.join(I686.name).join("lib");
    fs::create_dir_all(&objects).with_context(|| objects.display().to_string())?;
    for name in ["rsbegin", "rsend"] {
        let source = rustlib.join(format!("src/rust/library/rtstartup/{name}.rs"));
        let mut compile = Command::new(programs.join("rustc"));
        compile
            .args(["--target", I686.name, "--emit=obj", "-o"])
            .arg(objects.join(format!("{name}.o")))
            .arg(source)
            .env("RUSTC_BOOTSTRAP", "1")
            .env("LD_LIBRARY_PATH", libraries(toolchain));
        ensure!(run::succeeds(&mut compile)?, "cannot compile {name}.o");
    }
    Ok(())
}
