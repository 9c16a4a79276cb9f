//! Builds a C program in the ways that users do: with each compiler, with and without sanitizers.
//! Also runs it under Valgrind.

use std::path::Path;

use super::compiler::{self, Language};
use super::valgrind;
use super::workshop::{Ended, Workshop, run};
use crate::skip;

const SANITIZE: &str = "-fsanitize=address,undefined";

/// Builds a program in each way and runs it.
///
/// `start` arranges what the program needs before each run, and `arguments` names it to the
/// program. `check` also receives the path of the executable. The output under Valgrind is not
/// checked: there the program is a part of Valgrind.
pub fn run_everywhere<T>(
    source: &Path,
    start: impl Fn() -> T,
    arguments: impl Fn(&T) -> Vec<String>,
    check: impl Fn(&T, &Ended, &Path),
) {
    let workshop = Workshop::new();
    let is_cpp = source
        .extension()
        .is_some_and(|extension| extension == "cpp");
    for compiler in compiler::all() {
        if is_cpp && compiler.language == Language::C {
            continue;
        }
        let run_and_check = |program: &Path| {
            let started = start();
            let ended = run(workshop.command(program).args(arguments(&started)));
            check(&started, &ended, program);
        };
        // Sanitizers check the UTF-16 functions, and Valgrind checks the UTF-8 functions.
        if compiler.has_sanitizers(SANITIZE, workshop.path()) {
            let flags = [SANITIZE, "-fno-sanitize-recover=all", "-DUNICODE"];
            run_and_check(&workshop.build(&compiler, &flags, source));
        }
        let program = workshop.build(&compiler, &[], source);
        run_and_check(&program);
        if crate::is_installed("valgrind") {
            let started = start();
            let arguments = arguments(&started);
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            valgrind::check(&workshop, &program, &arguments);
        } else {
            skip("valgrind is not installed");
        }
    }
}
