//! Runs of programs under Valgrind.

use std::path::Path;

use super::workshop::{Ended, Workshop, run};

/// Valgrind's exit code if it finds an error or a leak.
const EXIT_CODE: &str = "99";

/// Runs a program, in which Valgrind must find no error and no leak.
pub fn check(workshop: &Workshop, program: &Path, arguments: &[&str]) -> Ended {
    let mut command = workshop.command("valgrind");
    command.args(["--quiet", "--error-exitcode", EXIT_CODE]);
    command.args([
        "--leak-check=full",
        "--errors-for-leak-kinds=definite,indirect,possible",
    ]);
    command.arg("--show-leak-kinds=definite,indirect,possible");
    command.arg(program).args(arguments);
    let ended = run(&mut command);
    assert_ne!(
        ended.status.code(),
        EXIT_CODE.parse().ok(),
        "{}",
        ended.errors
    );
    ended
}
