//! The C and C++ examples, built by mingw with its own headers, and run with psapi.dll beside them.
//! The programs in `capi/tests/programs`, whose tests need Linux, are only built.
//!
//! Each is linked with both import libraries: the plain names, and the `K32` names, which programs
//! for Windows 7 and later otherwise import from kernel32.dll.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use super::target::Target;
use super::toolchain::Toolchain;
use crate::run::{self, root};
use crate::test::installed;

/// The versions of the API, and the library with the names that programs for a version import.
const IMPORTS: [(&str, &str); 2] = [
    ("-DPSAPI_VERSION=1", "psapi"),
    ("-DPSAPI_VERSION=2", "psapi_k32"),
];

/// Builds and runs the examples with the DLL in a directory, and builds the other programs. Returns
/// the numbers of both.
pub fn run(toolchain: &Toolchain, target: Target, library: &Path) -> Result<(usize, usize)> {
    let directory = tempfile::tempdir().context("cannot create a temporary directory")?;
    fs::copy(library, directory.path().join("psapi.dll"))
        .with_context(|| library.display().to_string())?;
    for (_, library) in IMPORTS {
        make_import_library(toolchain, target, library, directory.path())?;
    }
    let build = |source: &Path, (version, library), program: &Path| {
        let is_cpp = source
            .extension()
            .is_some_and(|extension| extension == "cpp");
        let mut build = Command::new(target.compiler(if is_cpp { "g++" } else { "gcc" }));
        toolchain.prepare(&mut build);
        build.args([version, "-static", "-o"]).arg(program);
        build.arg(source).arg("-L").arg(directory.path());
        run::succeeds(build.arg(format!("-l{library}")))
    };
    let program = directory.path().join("program.exe");
    let mut failed = Vec::new();
    let mut report = |source: &Path, works| {
        let name = source
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        println!("{} {name}", if works { "ok    " } else { "FAILED" });
        if !works {
            failed.push(name);
        }
    };
    let examples = installed::c_sources("capi/examples")?;
    for source in &examples {
        let mut works = true;
        for import in IMPORTS {
            let mut example = toolchain.wine(&program);
            example.stdout(Stdio::null());
            works &= build(source, import, &program)? && run::succeeds(&mut example)?;
        }
        report(source, works);
    }
    let programs = installed::c_sources("capi/tests/programs")?;
    for source in &programs {
        report(source, build(source, IMPORTS[1], &program)?);
    }
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok((examples.len(), programs.len()))
}

/// Makes an import library from the list of its names in `capi/windows`.
fn make_import_library(
    toolchain: &Toolchain,
    target: Target,
    name: &str,
    directory: &Path,
) -> Result<()> {
    let names = root().join("capi/windows").join(target.architecture());
    let mut make = Command::new(format!("{}-dlltool", target.mingw));
    toolchain.prepare(&mut make);
    // Without `-k`, a 32-bit program would look for names that end in the size of the arguments.
    make.args(["-k", "-d"])
        .arg(names.join(format!("{name}.def")));
    make.arg("-l").arg(directory.join(format!("lib{name}.a")));
    ensure!(run::succeeds(&mut make)?, "cannot make lib{name}.a");
    Ok(())
}
