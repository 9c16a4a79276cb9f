//! A place where programs are made and run.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use tempfile::TempDir;

use super::compiler::{Compiler, succeed};
use super::library;

pub struct Workshop(TempDir);

/// What a program that ended has left.
#[derive(Debug)]
pub struct Ended {
    pub id: u32,
    pub status: ExitStatus,
    pub output: String,
    pub errors: String,
}

impl Workshop {
    /// With the library under the names by which it is linked and loaded.
    pub fn new() -> Self {
        let workshop = Workshop(tempfile::tempdir().expect("a temporary directory"));
        let built = library::directory().join("libpsapi.so");
        for name in ["libpsapi.so", "libpsapi.so.1"] {
            symlink(&built, workshop.path().join(name)).expect("a link");
        }
        workshop
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// A file with some text in it.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path
    }

    /// A program that is linked with the library.
    pub fn build(&self, compiler: &Compiler, flags: &[&str], source: &Path) -> PathBuf {
        let program = self.path().join("program");
        let mut command = compiler.command();
        command.args(flags).args(["-g", "-o"]).arg(&program);
        command.arg(source).arg("-L").arg(self.path());
        succeed(command.arg("-lpsapi"));
        program
    }

    /// A command that finds the library.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.env("LD_LIBRARY_PATH", self.path());
        command
    }
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Ended {
    command.stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("a program");
    let id = child.id();
    let output = child.wait_with_output().expect("its output");
    Ended {
        id,
        status: output.status,
        output: String::from_utf8_lossy(&output.stdout).into_owned(),
        errors: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Ended {
    /// What it printed; it must have succeeded.
    pub fn succeeded(&self) -> &str {
        assert!(self.status.success(), "{self:#?}");
        &self.output
    }
}
