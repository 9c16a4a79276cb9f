//! The headers declare exactly the functions that the library exports. `src/exports` compares
//! the signatures.

#![cfg(target_os = "linux")]

use std::collections::BTreeSet;

use testing::c_library::compiler::{self, Compiler, Language, succeed};
use testing::c_library::workshop::Workshop;
use testing::c_library::{build as library, headers};

/// Returns the functions that the headers declare for a `PSAPI_VERSION`, as listed by GCC.
fn declared(compiler: &Compiler, version: &str) -> BTreeSet<String> {
    let workshop = Workshop::new();
    let source = workshop.file("all_headers.c", include_str!("c/all_headers.c"));
    let list = workshop.path().join("declared");
    let mut command = compiler.command();
    command.args([version, "-S", "-o", "/dev/null", "-aux-info"]);
    succeed(command.arg(&list).arg(&source));
    let list = std::fs::read_to_string(&list).unwrap();
    // Lines have the form `/* FILE:LINE:NC */ extern DWORD GetLastError (void);`.
    let origin = format!("/* {}/", headers().display());
    let ours = list.lines().filter(|line| line.starts_with(&origin));
    let (functions, _) = ours
        .filter_map(|line| line.split_once("*/ extern ")?.1.split_once(" ("))
        .unzip::<_, _, Vec<_>, Vec<_>>();
    let names = functions
        .iter()
        .filter_map(|function| function.rsplit([' ', '*']).next());
    names.map(String::from).collect()
}

/// Returns the functions that the library exports.
fn exported() -> BTreeSet<String> {
    let mut command = std::process::Command::new("nm");
    command.args(["--dynamic", "--defined-only", "--format=posix"]);
    let output = succeed(command.arg(library::directory().join("libpsapi.so")));
    let text = String::from_utf8(output.stdout).unwrap();
    let names = text.lines().filter_map(|line| line.split(' ').next());
    names.map(String::from).collect()
}

#[test]
fn headers_declare_exactly_the_exports() {
    let compilers = compiler::gcc();
    let Some(gcc) = compilers.iter().find(|gcc| gcc.language == Language::C) else {
        return;
    };
    if !testing::is_installed("nm") {
        return testing::skip("nm is not installed");
    }
    let plain = declared(gcc, "-DPSAPI_VERSION=1");
    let mapped = declared(gcc, "-DPSAPI_VERSION=2");
    // Version 2 only renames the functions of `psapi.h`.
    let renamed: BTreeSet<String> = plain
        .iter()
        .map(|name| {
            let k32 = format!("K32{name}");
            if mapped.contains(&k32) {
                k32
            } else {
                name.clone()
            }
        })
        .collect();
    assert_eq!(mapped, renamed);
    let k32 = mapped.iter().filter(|name| name.starts_with("K32"));
    assert_eq!(k32.count(), 27);
    let both: BTreeSet<String> = plain.union(&mapped).cloned().collect();
    assert_eq!(both, exported());
}
