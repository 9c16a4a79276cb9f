//! Random calls of psapi.dll, more than the tests make: `cargo xtask windows --random-calls N`.

use anyhow::Result;

use super::session::Session;
use super::target::{I686, X86_64};
use super::toolchain::Toolchain;
use crate::run;

/// Makes the calls at both widths. Each run prints its seed and what grew.
pub fn make(toolchain: &Toolchain, calls: u64) -> Result<bool> {
    let _session = Session::start(toolchain)?;
    let mut passed = true;
    for target in [X86_64, I686] {
        println!("{calls} calls, {}", target.name);
        let options = ["--package", "libpsapi", "--target", target.name];
        let mut build = toolchain.cargo(&["build"]);
        let mut test = toolchain.cargo(&["test"]);
        test.args(options)
            .args(["--test", "random_calls", "--", "--nocapture"]);
        test.env("PSAPI_RANDOM_CALLS", calls.to_string());
        toolchain.limit_programs(&mut test, SECONDS);
        passed &= run::succeeds(build.args(options))? && run::succeeds(&mut test)?;
    }
    Ok(passed)
}

/// Seconds after which the calls have hung. At 32 bits, a call takes several milliseconds.
const SECONDS: u32 = 7200;
