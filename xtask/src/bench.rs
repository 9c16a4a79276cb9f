//! `cargo xtask bench`.

use anyhow::Result;

use crate::run::{self, cargo};

/// Runs the benchmark, which has a package of its own so that nothing else compiles its peers.
pub fn run(arguments: &[String]) -> Result<bool> {
    run::succeeds(cargo(["run", "--release", "--package", "psapi-bench", "--"]).args(arguments))
}
