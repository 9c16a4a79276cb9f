//! Builds the programs that guests run: the tests, the command, the C library and the probe.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::run::{self, cargo, root};

const TARGET: &str = "x86_64-unknown-linux-gnu";
const PROFILE: &str = "kernels";

/// Test files of the C library that use every compiler. Guests use only one.
pub const COMPILER_TESTS: &[&str] = &[
    "asks_once",
    "declared",
    "examples",
    "headers",
    "layout",
    "programs",
    "tchar",
];

/// How a program is linked with libc.
#[derive(Debug, Clone, Copy)]
enum Linkage {
    /// Runs in a guest without libc's files.
    Static,
    /// Can load a library at run time.
    Dynamic,
}

#[derive(Debug)]
pub struct Programs {
    /// Everything that tests run and load, by its path on this machine, which guests keep.
    pub files: BTreeSet<PathBuf>,
    /// The list of tests, in nextest's format.
    pub tests: Value,
    /// The list of packages, in cargo's format.
    pub packages: Vec<u8>,
    /// The directory of `libpsapi.so`.
    pub library: PathBuf,
    /// Measures the privileges that each kind of information requires.
    pub probe: PathBuf,
    /// Replaces, in a guest, the programs that only this machine has.
    pub host_program: PathBuf,
}

impl Programs {
    /// Builds everything.
    pub fn build() -> Result<Self> {
        let mut tests = Linkage::Static.tests(&["psapi", "psapi-cli"])?;
        let mut c_tests = Linkage::Dynamic.tests(&["libpsapi"])?;
        let all = tests["rust-binaries"]
            .as_object_mut()
            .context("nextest lists no tests")?;
        let c_tests = c_tests["rust-binaries"]
            .as_object_mut()
            .context("nextest lists no tests of libpsapi")?;
        c_tests.retain(|_, test| {
            let name = test["binary-name"].as_str().unwrap_or_default();
            !COMPILER_TESTS.contains(&name)
        });
        all.append(c_tests);

        Linkage::Dynamic.build("libpsapi")?;
        Linkage::Static.build("psapi-guest")?;
        let library = Linkage::Dynamic.output();
        let probe = Linkage::Static.output().join("psapi-probe");
        let host_program = Linkage::Static.output().join("host-program");
        let mut files = BTreeSet::from([
            library.join("libpsapi.so"),
            probe.clone(),
            host_program.clone(),
        ]);
        for test in all.values() {
            files.insert(
                test["binary-path"]
                    .as_str()
                    .context("nextest lists a test without a path")?
                    .into(),
            );
        }
        // Tests of the command run it from here.
        files.insert(Linkage::Static.output().join("psapi"));
        let mut metadata = cargo(["metadata", "--format-version=1", "--all-features"]);
        Ok(Programs {
            files,
            tests,
            packages: run::output(&mut metadata)?,
            library,
            probe,
            host_program,
        })
    }
}

impl Linkage {
    fn target_directory(self) -> PathBuf {
        root().join("target/kernels").join(match self {
            Linkage::Static => "static",
            Linkage::Dynamic => "dynamic",
        })
    }

    fn output(self) -> PathBuf {
        self.target_directory().join(TARGET).join(PROFILE)
    }

    /// Prepares cargo to build for guests. With an explicit target, the flags do not affect build
    /// scripts and macros, which run on this machine.
    fn cargo(self, command: &[&str]) -> Command {
        let mut cargo = cargo(command);
        cargo
            .args(["--target", TARGET, "--target-dir"])
            .arg(self.target_directory());
        let flags = match self {
            Linkage::Static => "-C target-feature=+crt-static",
            Linkage::Dynamic => "",
        };
        cargo.env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS", flags);
        cargo
    }

    /// Builds the integration tests of packages and returns nextest's list of them. Unit tests are
    /// left out, since no kernel affects them.
    fn tests(self, packages: &[&str]) -> Result<Value> {
        let mut list = self.cargo(&["nextest", "list", "--all-features", "--test=*"]);
        list.args(["--cargo-profile", PROFILE]);
        list.args(["--list-type=binaries-only", "--message-format=json"]);
        for package in packages {
            list.args(["--package", package]);
        }
        serde_json::from_slice(&run::output(&mut list)?).context("output of cargo nextest list")
    }

    fn build(self, package: &str) -> Result<()> {
        let mut build = self.cargo(&["build", "--profile", PROFILE, "--package", package]);
        ensure!(run::succeeds(&mut build)?, "cannot build {package}");
        Ok(())
    }
}
