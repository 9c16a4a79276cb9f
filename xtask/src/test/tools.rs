//! Programs other than Rust that the tests need, and the Debian packages that contain them.

use std::process::Command;

use anyhow::Result;

use super::outcome::Outcome;
use crate::run::{self, cargo, find};

/// A program that the tests run, its Debian packages, and its purpose.
struct Tool {
    program: &'static str,
    package: &'static str,
    purpose: &'static str,
}

const TOOLS: &[Tool] = &[
    Tool {
        program: "cc",
        package: "gcc libc6-dev",
        purpose: "compiles the processes that the live tests inspect",
    },
    Tool {
        program: "c++",
        package: "g++",
        purpose: "compiles libFuzzer and processes with C++ symbols",
    },
    Tool {
        program: "clang",
        package: "clang libclang-rt-dev",
        purpose: "compiles the C headers and examples a second time, with clang++",
    },
    Tool {
        program: "valgrind",
        package: "valgrind",
        purpose: "runs the C examples and the library's tests",
    },
    Tool {
        program: "nm",
        package: "binutils",
        purpose: "lists the exports of the C library; ld, objcopy and ar make the static one",
    },
    Tool {
        program: "pkg-config",
        package: "pkg-config",
        purpose: "prints the flags to build with the C library",
    },
    Tool {
        program: "python3",
        package: "python3",
        purpose: "runs the Python example",
    },
    Tool {
        program: "ps",
        package: "procps",
        purpose: "provides figures to compare with, as does free",
    },
    Tool {
        program: "getconf",
        package: "libc-bin",
        purpose: "prints the page size",
    },
    Tool {
        program: "chromium",
        package: "chromium",
        purpose: "shows the HTML pages with pictures",
    },
    Tool {
        program: "mount",
        package: "mount",
        purpose: "mounts proc file systems with hidepid",
    },
    Tool {
        program: "mkfs.btrfs",
        package: "btrfs-progs",
        purpose: "creates a file system for files with two device numbers",
    },
];

/// Installs missing programs if the user is root and apt is present. Then names
/// programs that are still missing.
pub fn provide() -> Result<Outcome> {
    let components = missing_components();
    if !components.is_empty() {
        let mut rustup = Command::new("rustup");
        rustup.args(["component", "add"]).args(&components);
        if !run::succeeds(&mut rustup).unwrap_or(false) {
            let names = components.join(" ");
            return Ok(Outcome::Failed(format!(
                "{names} missing: rustup component add {names}"
            )));
        }
    }
    let missing = || {
        TOOLS
            .iter()
            .filter(|tool| !is_present(tool))
            .collect::<Vec<_>>()
    };
    if !missing().is_empty() && rustix::process::geteuid().is_root() && find("apt-get").is_some() {
        install(&packages(&missing()))?;
    }
    let missing = missing();
    for tool in &missing {
        println!("SKIPPED: {} is missing; it {}", tool.program, tool.purpose);
    }
    Ok(if missing.is_empty() {
        Outcome::Passed
    } else {
        Outcome::Skipped(format!("install {}", packages(&missing).join(" ")))
    })
}

/// Returns true if a C++ compiler is present.
pub fn has_cpp_compiler() -> bool {
    std::env::var_os("CXX").is_some() || find("c++").is_some()
}

fn is_present(tool: &Tool) -> bool {
    let variable = match tool.program {
        "cc" => std::env::var_os("CC"),
        "c++" => std::env::var_os("CXX"),
        _ => None,
    };
    variable.is_some() || find(tool.program).is_some()
}

fn missing_components() -> Vec<&'static str> {
    [("fmt", "rustfmt"), ("clippy", "clippy")]
        .into_iter()
        .filter(|(command, _)| !run::works(&mut cargo([command, "--version"])))
        .map(|(_, component)| component)
        .collect()
}

fn packages(tools: &[&Tool]) -> Vec<&'static str> {
    let packages = tools.iter().flat_map(|tool| tool.package.split(' '));
    packages.collect()
}

/// Installs Debian packages and returns true on success. After a failure the caller names the
/// programs that are still missing.
pub fn install(packages: &[&str]) -> Result<bool> {
    let apt_get = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    let installed = run::succeeds(&mut apt_get(&["update", "--quiet"]))?
        && run::succeeds(
            apt_get(&["install", "--yes", "--quiet", "--no-install-recommends"]).args(packages),
        )?;
    if !installed {
        println!("apt-get could not install every missing package");
    }
    Ok(installed)
}
