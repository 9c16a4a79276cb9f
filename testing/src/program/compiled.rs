//! C programs that a test compiles.

use std::ffi::OsStr;
use std::fs;

use super::{Program, public_directory};
use crate::compiler::{self, Language};
use crate::programs::{HEADERS, Source};
use crate::skip;

impl Program {
    /// Compiles a source, with further arguments for the compiler.
    pub fn compile(source: Source, arguments: &[&str]) -> Program {
        Program::compile_as(OsStr::new("subject"), source, arguments)
    }

    /// Like [`compile`](Self::compile), with a file name for the executable.
    pub fn compile_as(name: &OsStr, source: Source, arguments: &[&str]) -> Program {
        Program::try_compile(name, source, arguments)
            .unwrap_or_else(|| panic!("{} does not compile", source.file))
    }

    /// Like [`compile_as`](Self::compile_as), but returns `None` if the compiler fails.
    pub fn try_compile(name: &OsStr, source: Source, arguments: &[&str]) -> Option<Program> {
        let compiler = compiler::default_compiler(Language::C);
        Program::compile_with(&compiler, Language::C, name, source, arguments)
            .expect("a C compiler is installed as cc or named by CC")
    }

    /// Compiles a C++ source. Returns `None`, and skips, without a C++ compiler.
    pub fn compile_cpp(source: Source, arguments: &[&str]) -> Option<Program> {
        let compiler = compiler::default_compiler(Language::Cpp);
        let name = OsStr::new("subject");
        match Program::compile_with(&compiler, Language::Cpp, name, source, arguments) {
            Ok(program) => Some(program.expect("the C++ program compiles")),
            Err(_) => {
                skip("no C++ compiler: install g++");
                None
            }
        }
    }

    /// Fails if the compiler cannot be started; returns `None` if it rejects the source.
    fn compile_with(
        compiler: &OsStr,
        language: Language,
        name: &OsStr,
        source: Source,
        arguments: &[&str],
    ) -> std::io::Result<Option<Program>> {
        // The embedded sources are written next to the executable. Tests also run in guests without
        // the source tree and as `nobody`, who cannot read it.
        let directory = public_directory();
        let code = directory.path().join(source.file);
        for header in HEADERS.iter().chain([&source]) {
            fs::write(directory.path().join(header.file), header.text).expect("write the source");
        }
        let path = directory.path().join(name);
        let status = compiler::command(compiler, language)
            .args(["-O0", "-pthread", "-o"])
            .arg(&path)
            .arg(&code)
            .args(arguments)
            .status()?;
        Ok(status.success().then_some(Program {
            path,
            _directory: directory,
        }))
    }
}
