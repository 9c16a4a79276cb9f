//! The headers declare what the library exports, no more and no less. That both mean the same
//! arguments is tested in `src/exports.rs`.

mod common;

use std::collections::BTreeSet;

use common::compiler::{self, Compiler, Language, succeed};
use common::workshop::Workshop;
use common::{headers, is_there, library};

/// The functions that the headers declare with one of the versions, as gcc tells it.
fn declared(compiler: &Compiler, version: &str) -> BTreeSet<String> {
    let workshop = Workshop::new();
    let source = workshop.file("all.c", "#include <psapi.h>\n#include <tchar.h>\n");
    let list = workshop.path().join("declared");
    let mut command = compiler.command();
    command.args([version, "-S", "-o", "/dev/null", "-aux-info"]);
    succeed(command.arg(&list).arg(&source));
    let list = std::fs::read_to_string(&list).unwrap();
    // "/* FILE:LINE:NC */ extern DWORD GetLastError (void);"
    let place = format!("/* {}/", headers().display());
    let ours = list.lines().filter(|line| line.starts_with(&place));
    let (functions, _) = ours
        .filter_map(|line| line.split_once("*/ extern ")?.1.split_once(" ("))
        .unzip::<_, _, Vec<_>, Vec<_>>();
    let names = functions
        .iter()
        .filter_map(|it| it.rsplit([' ', '*']).next());
    names.map(String::from).collect()
}

fn exported() -> BTreeSet<String> {
    let mut command = std::process::Command::new("nm");
    command.args(["--dynamic", "--defined-only", "--format=posix"]);
    let output = succeed(command.arg(library::directory().join("libpsapi.so")));
    let text = String::from_utf8(output.stdout).unwrap();
    let names = text.lines().filter_map(|line| line.split(' ').next());
    names.map(String::from).collect()
}

#[test]
fn what_is_declared_is_what_is_exported() {
    let compilers = compiler::gcc();
    let Some(gcc) = compilers.iter().find(|it| it.language == Language::C) else {
        return;
    };
    if !is_there("nm") {
        return common::privilege::skip("nm is missing");
    }
    let plain = declared(gcc, "-DPSAPI_VERSION=1");
    let mapped = declared(gcc, "-DPSAPI_VERSION=2");
    // Version 2 has other names for the functions of the API, and no other functions.
    let renamed: BTreeSet<String> = plain
        .iter()
        .map(|name| match mapped.contains(&format!("K32{name}")) {
            true => format!("K32{name}"),
            false => name.clone(),
        })
        .collect();
    assert_eq!(mapped, renamed);
    let of_the_api = mapped.iter().filter(|name| name.starts_with("K32"));
    assert_eq!(of_the_api.count(), 27);
    let both: BTreeSet<String> = plain.union(&mapped).cloned().collect();
    assert_eq!(both, exported());
}
