//! Programs under valgrind.

use std::path::Path;

use super::workshop::{Ended, Workshop, run};

/// What valgrind exits with if it finds an error or a leak.
const FOUND: &str = "99";

/// Runs a program, which must come out without an error and a leak.
pub fn check(workshop: &Workshop, program: &Path, arguments: &[&str]) -> Ended {
    let mut command = workshop.command("valgrind");
    command.args(["--quiet", "--error-exitcode", FOUND]);
    command.args([
        "--leak-check=full",
        "--errors-for-leak-kinds=definite,indirect,possible",
    ]);
    command.arg("--show-leak-kinds=definite,indirect,possible");
    command.arg(program).args(arguments);
    let ended = run(&mut command);
    assert_ne!(ended.status.code(), FOUND.parse().ok(), "{}", ended.errors);
    ended
}
