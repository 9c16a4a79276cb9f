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
mod random_calls;
mod release;
mod session;
mod setup;
mod steps;
mod summary;
mod target;
mod toolchain;
mod wine;

use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::run;
use crate::test::outcome::Outcome;
use session::Session;
use toolchain::Toolchain;

/// Runs all steps, a check that is not among them, or a command with the toolchain and Wine.
/// Returns true on success.
pub fn run(arguments: &[String]) -> Result<bool> {
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => Ok(match check()? {
            Outcome::Report { passed, lines } => {
                println!("\n=== windows\n{}", lines.join("\n"));
                passed
            }
            Outcome::Skipped(reason) => bail!(reason),
            _ => false,
        }),
        ["--release"] => release::check(&Toolchain::new(&setup::provide()?)),
        ["--random-calls", number] => {
            let calls = number.parse();
            let calls = calls.with_context(|| format!("invalid number of calls: {number}"))?;
            random_calls::make(&Toolchain::new(&setup::provide()?), calls)
        }
        [option, ..] if option.starts_with('-') => bail!("unknown option {option}"),
        [program, ref arguments @ ..] => {
            let toolchain = Toolchain::new(&setup::provide()?);
            let _session = Session::start(&toolchain)?;
            let mut command = Command::new(program);
            toolchain.prepare(command.args(arguments));
            run::succeeds(&mut command)
        }
    }
}

/// Runs all steps.
pub fn check() -> Result<Outcome> {
    if let Some(reason) = setup::obstacle() {
        return Ok(Outcome::Skipped(reason));
    }
    steps::run(&Toolchain::new(&setup::provide()?))
}
