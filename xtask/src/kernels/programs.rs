//! The programs that guests run: the tests, built to run anywhere, and what they test.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::run::{self, cargo, root};

const TARGET: &str = "x86_64-unknown-linux-gnu";
const PROFILE: &str = "kernels";

/// Tests of the C side that are about compilers, and so about no kernel.
const ABOUT_COMPILERS: &[&str] = &["declared", "examples", "headers", "layout", "tchar"];

/// How programs get at the C library.
#[derive(Debug, Clone, Copy)]
enum Linked {
    /// Whole, so that they run anywhere.
    Statically,
    /// As is needed to load a library at run time.
    Dynamically,
}

#[derive(Debug)]
pub struct Programs {
    /// All that the tests run and load. It has to be where it is here.
    pub files: BTreeSet<PathBuf>,
    /// The tests, as nextest lists them.
    pub tests: Value,
    /// The packages, as cargo lists them.
    pub packages: Vec<u8>,
    /// Where `libpsapi.so` is.
    pub library: PathBuf,
    /// Finds out which privilege each question needs.
    pub probe: PathBuf,
    /// Stands for programs of the host's.
    pub host_program: PathBuf,
}

impl Programs {
    pub fn build() -> Result<Self> {
        let mut tests = Linked::Statically.tests(&["psapi", "psapi-cli"])?;
        let mut of_c = Linked::Dynamically.tests(&["libpsapi"])?;
        let all = tests["rust-binaries"].as_object_mut().context("tests")?;
        let of_c = of_c["rust-binaries"]
            .as_object_mut()
            .context("tests of the C side")?;
        of_c.retain(|_, test| {
            let name = test["binary-name"].as_str().unwrap_or_default();
            !ABOUT_COMPILERS.contains(&name)
        });
        all.append(of_c);

        Linked::Dynamically.build("libpsapi")?;
        Linked::Statically.build("psapi-probe")?;
        let library = Linked::Dynamically.built();
        let probe = Linked::Statically.built().join("psapi-probe");
        let host_program = Linked::Statically.built().join("host-program");
        let mut files = BTreeSet::from([
            library.join("libpsapi.so"),
            probe.clone(),
            host_program.clone(),
        ]);
        for test in all.values() {
            files.insert(
                test["binary-path"]
                    .as_str()
                    .context("a test's path")?
                    .into(),
            );
        }
        // Where tests look for the command.
        files.insert(Linked::Statically.built().join("psapi"));
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

impl Linked {
    fn target_directory(self) -> PathBuf {
        root().join("target/kernels").join(match self {
            Linked::Statically => "static",
            Linked::Dynamically => "dynamic",
        })
    }

    fn built(self) -> PathBuf {
        self.target_directory().join(TARGET).join(PROFILE)
    }

    /// Cargo, for what runs in guests. A target is always named, so that what runs here while that is
    /// compiled is as everywhere.
    fn cargo(self, command: &[&str]) -> Command {
        let mut cargo = cargo(command);
        cargo
            .args(["--target", TARGET, "--target-dir"])
            .arg(self.target_directory());
        let flags = match self {
            Linked::Statically => "-C target-feature=+crt-static",
            Linked::Dynamically => "",
        };
        cargo.env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS", flags);
        cargo
    }

    /// Builds the tests of packages but their unit tests, which are about no kernel; what nextest tells
    /// of them.
    fn tests(self, packages: &[&str]) -> Result<Value> {
        let mut list = self.cargo(&["nextest", "list", "--all-features", "--test=*"]);
        list.args(["--cargo-profile", PROFILE]);
        list.args(["--list-type=binaries-only", "--message-format=json"]);
        for package in packages {
            list.args(["--package", package]);
        }
        serde_json::from_slice(&run::output(&mut list)?).context("what nextest tells of the tests")
    }

    fn build(self, package: &str) -> Result<()> {
        let mut build = self.cargo(&["build", "--profile", PROFILE, "--package", package]);
        ensure!(run::succeeds(&mut build)?, "{package} does not build");
        Ok(())
    }
}
