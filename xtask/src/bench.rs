//! `cargo xtask bench`.

use anyhow::Result;

use crate::run::{self, cargo};

/// Runs the benchmark. It is a package of its own so that nothing else compiles the crates that it
/// compares with.
pub fn run(arguments: &[String]) -> Result<bool> {
    let mut bench = cargo(["run", "--release", "--package", "psapi-bench"]);
    bench.args(["--bin", "psapi-bench", "--"]).args(arguments);
    run::succeeds(&mut bench)
}
