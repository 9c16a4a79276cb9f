//! Developer tasks, run as `cargo xtask TASK`.
//!
//! Each task has a module. `source` and `prose` read the workspace's own files, for test steps that
//! check them. `run` starts other programs.

mod apt;
mod bench;
mod fuzz;
mod install;
mod kernels;
#[cfg(test)]
mod listed_tests;
mod prose;
mod run;
mod source;
mod static_library;
mod test;
mod windows;

use std::process::ExitCode;

const USAGE: &str = "\
Developer tasks.

cargo xtask test [STEP…]                   run everything that CI runs, or some steps
cargo xtask fuzz [--seconds N] [TARGET…]   fuzz the parsers, each for 60 s by default
cargo xtask bench [ARGUMENT…]              compare with bare system calls and similar tools
cargo xtask kernels [OPTION…] [VERSION…]   run the live tests on Debian's kernels in QEMU guests
                                           --filter EXPR       select tests, as nextest does
                                           --user root|nobody  run them as one user only
                                           --privileges        run no tests, measure privileges
                                           --update            rewrite docs/privileges.md
cargo xtask windows [COMMAND…]             build for Windows and run the tests under Wine, or run
                                           another command with that toolchain and Wine
                                           --random-calls N    make N random calls of psapi.dll
                                           --release           check the optimized psapi.dll
cargo xtask install [OPTION…]              install the C library, its headers and psapi.pc
                                           --prefix DIR        default: /usr/local
                                           --libdir DIR        default: lib below the prefix
                                           --destdir DIR       write all files below DIR

Steps of test: ";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let task = arguments.next();
    let rest: Vec<_> = arguments.collect();
    // The benchmark has options of its own, and describes them.
    let asks_help = rest.first().is_some_and(|it| it == "--help" || it == "-h");
    if asks_help && task.as_deref() != Some("bench") {
        println!("{USAGE}{}", test::step_names());
        return ExitCode::SUCCESS;
    }
    let done = match task.as_deref() {
        Some("test") => test::run(&rest),
        Some("fuzz") => fuzz::run(&rest),
        Some("bench") => bench::run(&rest),
        Some("kernels") => kernels::run(&rest).map(|report| report.is_good),
        Some("windows") => windows::run(&rest),
        Some("install") => install::run(&rest),
        Some("help" | "--help" | "-h") => {
            println!("{USAGE}{}", test::step_names());
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{USAGE}{}", test::step_names());
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
