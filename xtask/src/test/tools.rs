//! What the tests need beside Rust, and how to get it.

use std::process::Command;

use anyhow::Result;

use super::Outcome;
use crate::run::{self, cargo, find};

/// A program that the tests run, the Debian package that has it, and what it is for.
struct Tool {
    program: &'static str,
    package: &'static str,
    purpose: &'static str,
}

const TOOLS: &[Tool] = &[
    Tool {
        program: "cc",
        package: "gcc libc6-dev",
        purpose: "compiles the processes that the live tests look at",
    },
    Tool {
        program: "c++",
        package: "g++",
        purpose: "compiles libFuzzer, and processes with names of C++",
    },
    Tool {
        program: "clang",
        package: "clang libclang-rt-dev",
        purpose: "compiles the C side once more, as does clang++",
    },
    Tool {
        program: "valgrind",
        package: "valgrind",
        purpose: "runs the examples of the C side",
    },
    Tool {
        program: "nm",
        package: "binutils",
        purpose: "tells what the C library of the API exports",
    },
    Tool {
        program: "pkg-config",
        package: "pkg-config",
        purpose: "tells how to build with the C library of the API",
    },
    Tool {
        program: "python3",
        package: "python3",
        purpose: "runs an example of the C side",
    },
    Tool {
        program: "ps",
        package: "procps",
        purpose: "is what the tests compare with, as is free",
    },
    Tool {
        program: "getconf",
        package: "libc-bin",
        purpose: "tells the size of a page",
    },
    Tool {
        program: "mount",
        package: "mount",
        purpose: "mounts the proc file systems that hide processes",
    },
];

/// Installs what is missing where that is possible, and names it elsewhere.
pub fn provide() -> Result<Outcome> {
    let components = missing_components();
    if !components.is_empty() {
        let mut rustup = Command::new("rustup");
        rustup.args(["component", "add"]).args(&components);
        if !run::succeeds(&mut rustup).unwrap_or(false) {
            let names = components.join(" ");
            return Ok(Outcome::Failed(format!(
                "install {names}: rustup component add {names}"
            )));
        }
    }
    let missing = || {
        TOOLS
            .iter()
            .filter(|tool| !is_there(tool))
            .collect::<Vec<_>>()
    };
    if !missing().is_empty() && rustix::process::geteuid().is_root() && find("apt-get").is_some() {
        install(&packages(&missing()))?;
    }
    let missing = missing();
    for tool in &missing {
        println!(
            "SKIPPED: {}, which {}, is missing",
            tool.program, tool.purpose
        );
    }
    Ok(if missing.is_empty() {
        Outcome::Passed
    } else {
        Outcome::Skipped(format!("install {}", packages(&missing).join(" ")))
    })
}

/// Whether C++ can be compiled.
pub fn has_cpp_compiler() -> bool {
    std::env::var_os("CXX").is_some() || find("c++").is_some()
}

fn is_there(tool: &Tool) -> bool {
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

/// Installs Debian's packages; says whether it could. Where not, what is still missing is named
/// afterwards.
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
        println!("apt-get could not install all that is missing");
    }
    Ok(installed)
}
