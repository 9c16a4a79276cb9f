//! Developer tasks, run as `cargo xtask TASK`.

mod bench;
mod fuzz;
mod install;
mod kernels;
mod run;
mod test;

use std::process::ExitCode;

const USAGE: &str = "\
Developer tasks.

cargo xtask test [STEP…]                    all that CI runs, or the steps named
cargo xtask fuzz [--seconds N] [TARGET…]    looks for inputs that break a parser, 60 s a target
cargo xtask bench [ARGUMENT…]               measures against bare system calls and peers
cargo xtask kernels [OPTION…] [VERSION…]    the live tests on Debian's kernels, in guests of QEMU
                                            --filter EXPR, --user root|nobody, --privileges (no tests),
                                            --update (README's table of privileges)
cargo xtask install [--prefix DIR]          the C library, its headers and psapi.pc; /usr/local if not
                                            said; --libdir DIR, --destdir DIR

Steps of test: ";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let task = arguments.next();
    let rest: Vec<_> = arguments.collect();
    let done = match task.as_deref() {
        Some("test") => test::run(&rest),
        Some("fuzz") => fuzz::run(&rest),
        Some("bench") => bench::run(&rest),
        Some("kernels") => kernels::run(&rest).map(|report| report.is_good),
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
