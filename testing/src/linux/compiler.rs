//! The C and C++ compilers. Tests compile every program with a command from this module.

use std::ffi::{OsStr, OsString};
use std::process::{Command, Output};

/// A language of the compilers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// C, in files that end in `.c` or `.h`.
    C,
    /// C++.
    Cpp,
}

/// Returns a command that runs a compiler on files in a language.
pub fn command(compiler: impl AsRef<OsStr>, language: Language) -> Command {
    let mut command = Command::new(compiler);
    command.args(match language {
        Language::C => ["-x", "c"],
        Language::Cpp => ["-x", "c++"],
    });
    command
}

/// Returns the compiler named by `CC` or `CXX`, or `cc` or `c++`.
pub fn default_compiler(language: Language) -> OsString {
    let (variable, otherwise) = match language {
        Language::C => ("CC", "cc"),
        Language::Cpp => ("CXX", "c++"),
    };
    std::env::var_os(variable).unwrap_or_else(|| otherwise.into())
}

/// Runs a command that must succeed. Panics with its output if it fails.
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
