//! Compilers of C and C++.

use std::path::Path;
use std::process::{Command, Output};

use super::privilege::skip;
use super::{headers, is_there};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    C,
    Cpp,
}

#[derive(Debug, Clone, Copy)]
pub struct Compiler {
    pub program: &'static str,
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

/// Those of gcc that there are, and says which there are not.
pub fn gcc() -> Vec<Compiler> {
    available(GCC)
}

/// Those of clang that there are.
pub fn clang() -> Vec<Compiler> {
    available(CLANG)
}

pub fn all() -> Vec<Compiler> {
    [gcc(), clang()].concat()
}

fn available(compilers: [Compiler; 2]) -> Vec<Compiler> {
    let mut compilers = Vec::from(compilers);
    compilers.retain(|compiler| {
        let there = is_there(compiler.program);
        if !there {
            skip(&format!("{} is missing", compiler.program));
        }
        there
    });
    compilers
}

impl Compiler {
    /// With the headers, all its warnings being errors.
    pub fn command(&self) -> Command {
        let mut command = Command::new(self.program);
        command.args(["-Wall", "-Wextra", "-Wpedantic", "-Werror"]);
        command.arg("-I").arg(headers());
        command.args(match self.language {
            Language::C => ["-x", "c"],
            Language::Cpp => ["-x", "c++"],
        });
        command
    }

    /// Whether it has what a program with sanitizers is linked with.
    pub fn has_sanitizers(&self, sanitize: &str, directory: &Path) -> bool {
        let source = directory.join("nothing.c");
        std::fs::write(&source, "int main(void) { return 0; }\n").expect("a file");
        let mut command = self.command();
        command.arg(sanitize).arg(&source);
        command.arg("-o").arg(directory.join("nothing"));
        let has = command.output().expect("a compiler").status.success();
        if !has {
            skip(&format!("{} has no sanitizers' library", self.program));
        }
        has
    }

    /// Does not make anything: says whether all is right.
    pub fn check(&self, flags: &[&str], sources: &[impl AsRef<Path>]) {
        let mut command = self.command();
        command.args(flags).arg("-fsyntax-only");
        command.args(sources.iter().map(AsRef::as_ref));
        succeed(&mut command);
    }
}

/// Runs a command that must succeed, and shows it and what it says if it doesn't.
pub fn succeed(command: &mut Command) -> Output {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    output
}
