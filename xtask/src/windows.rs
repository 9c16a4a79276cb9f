//! `cargo xtask windows`: builds for Windows, and runs the tests of the library, the DLL and the
//! command under Wine.
//!
//! Everything comes from Debian's packages, which are unpacked into a cache directory. Nothing is
//! installed. All targets share one target directory, so they also share build scripts and macros.

#[cfg(test)]
mod documented;
mod examples;
mod packages;
mod places;
mod session;
mod setup;
mod steps;
mod summary;
mod target;
mod toolchain;
mod wine;

use std::process::Command;

use anyhow::Result;

use crate::run;
use crate::test::outcome::Outcome;
use session::Session;
use toolchain::Toolchain;

/// Runs all steps, or a command with the toolchain and Wine. Returns true on success.
pub fn run(command: &[String]) -> Result<bool> {
    let Some((program, arguments)) = command.split_first() else {
        return Ok(match check()? {
            Outcome::Report { passed, lines } => {
                println!("\n=== windows\n{}", lines.join("\n"));
                passed
            }
            Outcome::Skipped(reason) => anyhow::bail!(reason),
            _ => false,
        });
    };
    let toolchain = Toolchain::new(&setup::provide()?);
    let _session = Session::start(&toolchain)?;
    let mut command = Command::new(program);
    toolchain.prepare(command.args(arguments));
    run::succeeds(&mut command)
}

/// Runs all steps.
pub fn check() -> Result<Outcome> {
    if let Some(reason) = setup::obstacle() {
        return Ok(Outcome::Skipped(reason));
    }
    steps::run(&Toolchain::new(&setup::provide()?))
}
