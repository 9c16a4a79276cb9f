//! A temporary directory in which programs are compiled, linked with the library, and run.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use tempfile::TempDir;

use super::build;
use super::compiler::{Compiler, succeed};

/// A temporary directory with links to the library.
pub struct Workshop(TempDir);

/// The result of a program that has exited.
#[derive(Debug)]
pub struct Ended {
    /// The process id.
    pub id: u32,
    /// The exit status.
    pub status: ExitStatus,
    /// The standard output.
    pub output: String,
    /// The standard error.
    pub errors: String,
}

impl Workshop {
    /// Creates a directory in which the linker and the dynamic linker find the library.
    #[expect(clippy::new_without_default, reason = "creates a directory")]
    pub fn new() -> Self {
        let workshop = Workshop(tempfile::tempdir().expect("create a temporary directory"));
        let built = build::directory().join("libpsapi.so");
        for name in ["libpsapi.so", "libpsapi.so.1"] {
            symlink(&built, workshop.path().join(name)).expect("link the library");
        }
        workshop
    }

    /// Returns the path of the directory.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, text).expect("write a file");
        path
    }

    /// Compiles a program and links it with the library.
    pub fn build(&self, compiler: &Compiler, flags: &[&str], source: &Path) -> PathBuf {
        let program = self.path().join("program");
        let mut command = compiler.command();
        command.args(flags).args(["-g", "-o"]).arg(&program);
        command.arg(source).arg("-L").arg(self.path());
        succeed(command.arg("-lpsapi"));
        program
    }

    /// Returns a command in which the dynamic linker finds the library.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.env("LD_LIBRARY_PATH", self.path());
        command
    }
}

/// Runs a command until it exits.
pub fn run(command: &mut Command) -> Ended {
    command.stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("start the program");
    let id = child.id();
    let output = child.wait_with_output().expect("read the output");
    Ended {
        id,
        status: output.status,
        output: String::from_utf8_lossy(&output.stdout).into_owned(),
        errors: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Ended {
    /// Returns the standard output of a program that must have succeeded.
    pub fn succeeded(&self) -> &str {
        assert!(self.status.success(), "{self:#?}");
        &self.output
    }
}
