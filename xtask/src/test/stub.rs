//! Compiles the library for a platform on which every function is unsupported.
//!
//! That is what the library is on systems other than Linux and Windows. The step also shows in a few
//! seconds, without the toolchain of the step `windows`, that public code does not depend on Linux.

use anyhow::Result;

use super::outcome::{Outcome, all};
use crate::run::{cargo, root};

/// Selects the stub below `psapi/src/sys/`. Functions that only Linux calls are unused there.
const FLAGS: &[&str] = &["--cfg=psapi_stub", "-Dwarnings", "-Adead_code"];

/// Compiles the library, in a target directory of its own so that the other steps' builds stay.
pub fn check() -> Result<Outcome> {
    let mut check = cargo([
        "check",
        "--package",
        "psapi",
        "--all-features",
        "--target-dir",
    ]);
    check.arg(root().join("target/stub"));
    check.env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\x1f"));
    all([check])
}
