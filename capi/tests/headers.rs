//! The headers compile without warnings in every language standard, with and without `UNICODE`, and
//! with both API versions. They can be included alone, in any order, and before or after the
//! standard headers.

#![cfg(target_os = "linux")]

use testing::c_library::compiler::{self, Compiler, Language};
use testing::c_library::workshop::Workshop;

const HEADERS: [&str; 4] = ["windows.h", "psapi.h", "tchar.h", "tlhelp32.h"];

/// Returns values of `-std`. The last one is the newest that every supported compiler accepts.
fn standards(language: Language) -> &'static [&'static str] {
    match language {
        Language::C => &["c99", "c11", "c17"],
        Language::Cpp => &["c++11", "c++17", "c++20"],
    }
}

/// Returns each header alone, and all headers with each pair in front.
fn orders() -> Vec<Vec<&'static str>> {
    let mut orders: Vec<_> = HEADERS.iter().map(|&header| vec![header]).collect();
    for first in HEADERS {
        for second in HEADERS.into_iter().filter(|&second| second != first) {
            let is_other = |header: &&str| ![first, second].contains(header);
            let others = HEADERS.into_iter().filter(is_other);
            orders.push([first, second].into_iter().chain(others).collect());
        }
    }
    orders
}

/// Returns a source file that includes headers.
fn including(headers: &[&str]) -> String {
    let lines = headers
        .iter()
        .map(|header| format!("#include <{header}>\n"));
    lines.collect::<String>() + "int unused;\n"
}

/// Compiles the headers in all orders, standards, versions and text forms.
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
            let texts: &[&[&str]] = match *standard {
                // C99 has no UTF-16 string literals.
                "c99" => &[&[]],
                _ => &[&[], &["-DUNICODE"]],
            };
            let standard = format!("-std={standard}");
            for &unicode in texts {
                for version in ["-DPSAPI_VERSION=1", "-DPSAPI_VERSION=2"] {
                    let flags = [&[standard.as_str(), version], unicode].concat();
                    compiler.check(&flags, &sources);
                }
            }
        }
    }
}

#[test]
fn gcc_accepts_any_order() {
    compile_everywhere(&compiler::gcc());
}

#[test]
fn clang_accepts_any_order() {
    compile_everywhere(&compiler::clang());
}

/// Returns headers of the C or C++ library and of POSIX, whose names could collide with the API's.
fn standard_headers(language: Language) -> &'static [&'static str] {
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
fn standard_headers_do_not_collide() {
    let workshop = tempfile::tempdir().unwrap();
    for compiler in compiler::all() {
        let others = standard_headers(compiler.language);
        let (before, after) = (
            workshop.path().join("before.c"),
            workshop.path().join("after.c"),
        );
        std::fs::write(&before, including(&[&HEADERS[..], others].concat())).unwrap();
        std::fs::write(&after, including(&[others, &HEADERS[..]].concat())).unwrap();
        let standards = standards(compiler.language);
        for standard in [standards[1], standards[2]] {
            // The GNU dialects declare more names than the standards.
            let standard = format!("-std={}", standard.replacen('c', "gnu", 1));
            // Some standard headers are deprecated in newer standards.
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

/// `defined.c` fails to compile if a type, a constant or a macro is missing or wrong.
#[test]
fn types_and_constants_are_defined() {
    let workshop = tempfile::tempdir().unwrap();
    let source = workshop.path().join("defined.c");
    std::fs::write(&source, include_str!("c/defined.c")).unwrap();
    for compiler in compiler::all() {
        for standard in standards(compiler.language) {
            let standard = format!("-std={standard}");
            compiler.check(&[&standard], &[&source]);
            compiler.check(&[&standard, "-DNO_STRICT", "-DNOMINMAX"], &[&source]);
            // C99 has no UTF-16 string literals.
            if standard != "-std=c99" {
                compiler.check(&[&standard, "-DUNICODE"], &[&source]);
            }
            compiler.check(&[&standard, "-D_UNICODE", "-fshort-wchar"], &[&source]);
        }
    }
}

/// Compiles a file that includes a header in an older standard. Returns the errors; empty if there
/// are none.
fn errors_of(compiler: &Compiler, standard: &str, header: &str, unicode: bool) -> String {
    let workshop = tempfile::tempdir().unwrap();
    let source = workshop.path().join("old.c");
    std::fs::write(&source, including(&[header])).unwrap();
    let mut command = compiler.command();
    command.arg(format!("-std={standard}")).arg("-fsyntax-only");
    // C++98 has no `long long`, and GCC reports it even in a type marked as an extension.
    let is_cpp = compiler.language == Language::Cpp;
    command.args(is_cpp.then_some("-Wno-long-long"));
    command.args(unicode.then_some("-DUNICODE")).arg(&source);
    let output = command.output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.success(), errors.is_empty(), "{errors}");
    errors
}

/// Otherwise `TEXT` would remain undefined, and programs would fail to link.
#[test]
fn unicode_requires_utf16_literals() {
    for compiler in compiler::all() {
        let is_gcc = compiler.program.starts_with('g');
        let old: &[&str] = match compiler.language {
            Language::C => &["c89", "gnu89", "c99"],
            Language::Cpp => &["c++98", "gnu++98"],
        };
        for standard in old {
            for header in HEADERS.iter().filter(|header| **header != "tchar.h") {
                let errors = errors_of(&compiler, standard, header, true);
                let expected = "UNICODE needs the UTF-16 literals of C11 or C++11";
                assert!(errors.contains(expected), "{standard} {header}: {errors}");
                let errors = errors_of(&compiler, standard, header, false);
                assert_eq!(errors, "", "{standard} {header}");
            }
        }
        if is_gcc && compiler.language == Language::C {
            assert_eq!(errors_of(&compiler, "gnu99", "tchar.h", true), "");
        }
    }
}

#[test]
fn tchar_names_the_standard_it_needs() {
    for compiler in compiler::all() {
        if compiler.language == Language::Cpp {
            continue;
        }
        let errors = errors_of(&compiler, "c89", "tchar.h", false);
        let expected = "compile with -std=c99 or later, or with -std=gnu89";
        assert!(errors.contains(expected), "{errors}");
        assert_eq!(errors_of(&compiler, "gnu89", "tchar.h", false), "");
    }
}

/// File names on Windows have no case, and programs write the names of headers in many ways.
const SPELLINGS: [(&str, &[&str]); 4] = [
    ("windows.h", &["Windows.h", "WINDOWS.h", "WINDOWS.H"]),
    ("psapi.h", &["Psapi.h", "PsApi.h", "PSAPI.h", "PSAPI.H"]),
    ("tchar.h", &["Tchar.h", "TChar.h", "TCHAR.h", "TCHAR.H"]),
    (
        "tlhelp32.h",
        &["Tlhelp32.h", "TlHelp32.h", "TLHELP32.h", "TLHELP32.H"],
    ),
];

#[test]
fn headers_have_all_spellings() {
    let workshop = tempfile::tempdir().unwrap();
    let mut sources = Vec::new();
    for (header, spellings) in SPELLINGS {
        for spelling in spellings {
            // Whichever spelling comes first, the other one adds nothing.
            for (number, order) in [[*spelling, header], [header, *spelling]]
                .iter()
                .enumerate()
            {
                let source = workshop.path().join(format!("{spelling}.{number}.c"));
                std::fs::write(&source, including(order)).unwrap();
                sources.push(source);
            }
        }
    }
    let all: Vec<&str> = SPELLINGS
        .iter()
        .map(|(_, spellings)| spellings[0])
        .collect();
    let defined = include_str!("c/defined.c").replace("#include", "//");
    let source = workshop.path().join("defined.c");
    std::fs::write(&source, including(&all) + &defined).unwrap();
    for compiler in compiler::all() {
        compiler.check(&[], &sources);
        compiler.check(&[], &[&source]);
    }
}

/// A function defined in a header without `static` would be a duplicate symbol.
#[test]
fn two_files_can_include_headers() {
    let workshop = Workshop::new();
    let other = workshop.file("length.c", include_str!("c/length.c"));
    let source = workshop.file("calls_length.c", include_str!("c/calls_length.c"));
    for compiler in compiler::all() {
        for unicode in ["-DUNICODE", "-DNARROW"] {
            let other = other.to_str().unwrap();
            let program = workshop.build(&compiler, &[unicode, other], &source);
            testing::c_library::workshop::run(&mut workshop.command(program)).succeeded();
        }
    }
}
