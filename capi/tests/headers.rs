//! The headers compile wherever a program may include them: in each standard, alone and in any
//! order, with UNICODE or not, with either version, before and after what the compiler brings along.

mod common;

use common::compiler::{self, Compiler, Language};
use common::workshop::Workshop;

const HEADERS: [&str; 3] = ["windows.h", "psapi.h", "tchar.h"];

/// `-std`, of which the last is the newest that all compilers have that are not too old.
fn standards(language: Language) -> &'static [&'static str] {
    match language {
        Language::C => &["c99", "c11", "c17"],
        Language::Cpp => &["c++11", "c++17", "c++20"],
    }
}

/// Each header alone, and all in each order.
fn orders() -> Vec<Vec<&'static str>> {
    let mut orders: Vec<_> = HEADERS.iter().map(|&header| vec![header]).collect();
    for first in 0..3 {
        for second in (0..3).filter(|&second| second != first) {
            let all = [first, second, 3 - first - second];
            orders.push(all.map(|header| HEADERS[header]).into());
        }
    }
    orders
}

fn including(headers: &[&str]) -> String {
    let lines = headers
        .iter()
        .map(|header| format!("#include <{header}>\n"));
    lines.collect::<String>() + "int nothing;\n"
}

fn compile_everywhere(compilers: &[Compiler]) {
    let workshop = tempfile::tempdir().unwrap();
    let mut sources = Vec::new();
    for (number, order) in orders().iter().enumerate() {
        let source = workshop.path().join(format!("{number}.c"));
        std::fs::write(&source, including(order)).unwrap();
        sources.push(source);
    }
    for compiler in compilers {
        for standard in standards(compiler.language) {
            let standard = format!("-std={standard}");
            for unicode in [&[][..], &["-DUNICODE"]] {
                for version in ["-DPSAPI_VERSION=1", "-DPSAPI_VERSION=2"] {
                    let flags = [&[standard.as_str(), version], unicode].concat();
                    compiler.check(&flags, &sources);
                }
            }
        }
    }
}

#[test]
fn gcc_has_no_warning_in_any_order() {
    compile_everywhere(&compiler::gcc());
}

#[test]
fn clang_has_no_warning_in_any_order() {
    compile_everywhere(&compiler::clang());
}

/// What is in the libraries of C and C++, and has names that could collide.
fn of_the_language(language: Language) -> &'static [&'static str] {
    match language {
        Language::C => &[
            "stdint.h",
            "stdio.h",
            "stdlib.h",
            "string.h",
            "wchar.h",
            "uchar.h",
            "wctype.h",
            "ctype.h",
            "limits.h",
            "math.h",
            "signal.h",
            "time.h",
            "unistd.h",
            "pthread.h",
            "sys/mman.h",
            "sys/types.h",
            "sys/stat.h",
            "errno.h",
            "fcntl.h",
            "dlfcn.h",
        ],
        Language::Cpp => &[
            "cstdint",
            "string",
            "algorithm",
            "vector",
            "map",
            "limits",
            "iostream",
            "sstream",
            "memory",
            "locale",
            "unistd.h",
            "sys/mman.h",
            "pthread.h",
        ],
    }
}

#[test]
fn they_get_along_with_the_headers_of_the_language() {
    let workshop = tempfile::tempdir().unwrap();
    for compiler in compiler::all() {
        let others = of_the_language(compiler.language);
        let (before, after) = (
            workshop.path().join("before.c"),
            workshop.path().join("after.c"),
        );
        std::fs::write(&before, including(&[&HEADERS[..], others].concat())).unwrap();
        std::fs::write(&after, including(&[others, &HEADERS[..]].concat())).unwrap();
        let standards = standards(compiler.language);
        for standard in [standards[0], standards[2]] {
            // With all that is there, which is more than the standard has.
            let standard = format!("-std={}", standard.replacen('c', "gnu", 1));
            // What is out of date in newer standards is not what this is about.
            let flags = [
                standard.as_str(),
                "-Wno-deprecated-declarations",
                "-DUNICODE",
            ];
            compiler.check(&flags, &[&before]);
            compiler.check(&flags, &[&after]);
            compiler.check(&flags[..2], &[&after]);
        }
    }
}

/// What a program may rely on, told by what would not compile otherwise.
#[test]
fn what_they_define_is_what_the_api_has() {
    let workshop = tempfile::tempdir().unwrap();
    let source = workshop.path().join("defined.c");
    std::fs::write(&source, include_str!("c/defined.c")).unwrap();
    for compiler in compiler::all() {
        for standard in standards(compiler.language) {
            let standard = format!("-std={standard}");
            compiler.check(&[&standard], &[&source]);
            compiler.check(&[&standard, "-DNO_STRICT", "-DNOMINMAX"], &[&source]);
            // There is no literal of 16-bit text in C99.
            if standard != "-std=c99" {
                compiler.check(&[&standard, "-DUNICODE"], &[&source]);
            }
            compiler.check(&[&standard, "-D_UNICODE", "-fshort-wchar"], &[&source]);
        }
    }
}

/// A program of two files, of which both include all: nothing is defined twice.
#[test]
fn several_files_of_a_program_may_include_them() {
    let workshop = Workshop::new();
    let other = workshop.file(
        "other.c",
        "#include <tchar.h>\n#include <psapi.h>\nint length(const TCHAR *text);\n\
         int length(const TCHAR *text) { return (int)_tcslen(text); }\n",
    );
    let source = workshop.file(
        "main.c",
        "#include <tchar.h>\n#include <psapi.h>\nint length(const TCHAR *text);\n\
         int _tmain(void) { return length(TEXT(\"four\")) == 4 ? 0 : 1; }\n",
    );
    for compiler in compiler::all() {
        for unicode in ["-DUNICODE", "-DNOTHING"] {
            let other = other.to_str().unwrap();
            let program = workshop.build(&compiler, &[unicode, other], &source);
            common::workshop::run(&mut workshop.command(program)).succeeded();
        }
    }
}
