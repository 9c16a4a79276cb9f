//! Compiles the C programs of the tests for Windows.
//!
//! Tests for Windows run under Wine, where they cannot start the compiler.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("windows") {
        return;
    }
    println!("cargo::rerun-if-changed=programs");
    // The linker of mingw's targets is mingw's compiler.
    let compiler = env::var_os("RUSTC_LINKER").unwrap_or_else(|| "gcc".into());
    let output = env::var_os("OUT_DIR").expect("cargo names a directory for output");
    for entry in fs::read_dir("programs/windows").expect("the programs for Windows") {
        let source = entry.expect("a program for Windows").path();
        if source.extension().is_none_or(|extension| extension != "c") {
            continue;
        }
        let is_library = source.to_string_lossy().ends_with("_library.c");
        let extension = if is_library { "dll" } else { "exe" };
        let name = source.with_extension(extension);
        let program = Path::new(&output).join(name.file_name().expect("a file name"));
        let mut compile = Command::new(&compiler);
        compile
            .args(["-O0", "-s", "-static", "-Wall", "-Wextra", "-Werror"])
            .args(is_library.then_some("-shared"))
            .arg("-o")
            .arg(&program)
            .arg(&source);
        let status = compile.status();
        let status = status.unwrap_or_else(|error| panic!("{compile:?}: {error}"));
        assert!(status.success(), "{compile:?}: {status}");
    }
}
