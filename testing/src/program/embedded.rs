//! Programs for Windows, which were compiled with this crate.
//!
//! No C compiler runs where these tests run: Wine starts no Linux program. The programs are a part
//! of the test program, so it can also be copied to another machine.

use std::ffi::OsStr;
use std::fs;

use super::{Program, public_directory};
use crate::programs::Source;

impl Program {
    /// Writes a program into a temporary directory.
    ///
    /// The arguments are for the compiler of other systems. On Windows they can only name
    /// libraries to link, which no program for Windows needs.
    pub fn compile(source: Source, arguments: &[&str]) -> Program {
        Program::compile_as(OsStr::new("subject"), source, arguments)
    }

    /// Like [`compile`](Self::compile), with a file name, to which the extension is added.
    pub fn compile_as(name: &OsStr, source: Source, arguments: &[&str]) -> Program {
        for argument in arguments {
            assert!(argument.starts_with("-l"), "{}: {argument}", source.file);
        }
        let directory = public_directory();
        let mut name = name.to_owned();
        name.push(if source.is_library { ".dll" } else { ".exe" });
        let path = directory.path().join(name);
        fs::write(&path, source.executable).expect("write the program");
        Program {
            path,
            _directory: directory,
        }
    }
}
