//! Tests of what only Linux has: made-up `/proc` trees, other users, and its special files.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Output, Stdio};

use testing::command::{Started, program, text};
use testing::privilege::is_root;
use testing::{Program, TestProcess, programs, wait_until};

use super::{SUBCOMMANDS, examples};

/// The processes that the examples name, and a directory to run the examples in.
struct Place {
    home: tempfile::TempDir,
    /// The names that stand for `service` and `leak.py`, which other processes might have.
    service: String,
    script: String,
    _processes: (TestProcess, Started),
    _program: Program,
}

impl Place {
    fn new() -> Self {
        let id = std::process::id();
        let (service, script) = (format!("service-{id}"), format!("leak-{id}.py"));
        // Code at a fixed address, which the examples of `mapped` look up.
        let name = OsStr::new(&service);
        let compiled = Program::compile_as(name, programs::WAITS, &["-no-pie"]);
        let process = TestProcess::start(&mut Command::new(&compiled.path));
        let shell = Started::new(Command::new("sh").args(["-c", "read line", "sh", &script]));
        wait_until(|| {
            let line = shell.proc("cmdline");
            line.windows(script.len())
                .any(|part| part == script.as_bytes())
        });
        let home = tempfile::tempdir().unwrap();
        for directory in [
            ".local/share/bash-completion/completions",
            ".config/fish/completions",
            ".zfunc",
            "bin",
        ] {
            fs::create_dir_all(home.path().join(directory)).unwrap();
        }
        symlink(program(), home.path().join("bin/psapi")).unwrap();
        Place {
            home,
            service,
            script,
            _processes: (process, shell),
            _program: compiled,
        }
    }

    fn run(&self, example: &str) -> Output {
        let command = example
            .replace("service", &self.service)
            .replace("leak.py", &self.script);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut directories = vec![self.home.path().join("bin")];
        directories.extend(std::env::split_paths(&path));
        Command::new("sh")
            .args(["-c", &command])
            .env("PATH", std::env::join_paths(directories).unwrap())
            .env("HOME", self.home.path())
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }
}

#[test]
fn examples_run_as_printed() {
    let place = Place::new();
    let subcommands = SUBCOMMANDS.map(|subcommand| vec![subcommand, "--help"]);
    for arguments in subcommands.into_iter().chain([vec!["--help"]]) {
        let found = examples(&text(&arguments));
        for example in &found {
            if example.starts_with("psapi empty") && !is_root() {
                testing::skip("needs CAP_SYS_NICE to empty another process's working set");
                continue;
            }
            let output = place.run(example);
            assert!(output.status.success(), "{example}: {output:?}");
            let redirects = [">", "--dir", "--output", "--html"];
            let is_silent = redirects.iter().any(|option| example.contains(option));
            assert!(
                is_silent || !output.stdout.is_empty() || !output.stderr.is_empty(),
                "{example}"
            );
        }
        // The short help ends with the same examples.
        let mut short = arguments.clone();
        *short.last_mut().unwrap() = "-h";
        assert_eq!(examples(&text(&short)), found);
    }
    for file in [
        "before.psws",
        "faults.html",
        "maps.csv",
        "psapi.1",
        ".zfunc/_psapi",
    ] {
        let content = fs::read(place.home.path().join(file)).unwrap();
        assert!(!content.is_empty(), "{file}");
    }
}
