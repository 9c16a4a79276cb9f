//! The compilers that the headers and examples are tested with.

use std::path::Path;
use std::process::Command;

pub use crate::compiler::{Language, succeed};

use super::headers;
use crate::{has_program, skip};

/// An installed compiler.
#[derive(Debug, Clone, Copy)]
pub struct Compiler {
    /// The name of the program.
    pub program: &'static str,
    /// The language that it compiles.
    pub language: Language,
}

const GCC: [Compiler; 2] = [
    Compiler {
        program: "gcc",
        language: Language::C,
    },
    Compiler {
        program: "g++",
        language: Language::Cpp,
    },
];

const CLANG: [Compiler; 2] = [
    Compiler {
        program: "clang",
        language: Language::C,
    },
    Compiler {
        program: "clang++",
        language: Language::Cpp,
    },
];

/// Returns the installed compilers of GCC, and skips for each missing one.
pub fn gcc() -> Vec<Compiler> {
    available(GCC)
}

/// Like [`gcc`], for Clang.
pub fn clang() -> Vec<Compiler> {
    available(CLANG)
}

/// Returns the installed compilers of GCC and Clang.
pub fn all() -> Vec<Compiler> {
    [gcc(), clang()].concat()
}

fn available(compilers: [Compiler; 2]) -> Vec<Compiler> {
    let mut compilers = Vec::from(compilers);
    compilers.retain(|compiler| has_program(compiler.program));
    compilers
}

impl Compiler {
    /// Returns a command that finds the headers and treats all warnings as errors.
    pub fn command(&self) -> Command {
        let mut command = crate::compiler::command(self.program, self.language);
        command.args(["-Wall", "-Wextra", "-Wpedantic", "-Werror"]);
        command.arg("-I").arg(headers());
        command
    }

    /// Returns true if the compiler can link a program with sanitizers. Skips otherwise.
    pub fn has_sanitizers(&self, sanitize: &str, directory: &Path) -> bool {
        let source = directory.join("nothing.c");
        std::fs::write(&source, "int main(void) { return 0; }\n").expect("write a source");
        let mut command = self.command();
        command.arg(sanitize).arg(&source);
        command.arg("-o").arg(directory.join("nothing"));
        let has = command
            .output()
            .expect("start the compiler")
            .status
            .success();
        if !has {
            skip(&format!("{} has no sanitizer runtime", self.program));
        }
        has
    }

    /// Checks that sources compile, without output.
    pub fn check(&self, flags: &[&str], sources: &[impl AsRef<Path>]) {
        let mut command = self.command();
        command.args(flags).arg("-fsyntax-only");
        command.args(sources.iter().map(AsRef::as_ref));
        succeed(&mut command);
    }
}
