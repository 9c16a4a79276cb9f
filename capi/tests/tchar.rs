//! The functions of `tchar.h` behave the same with and without `UNICODE`, except where the Windows
//! functions also differ.

#![cfg(target_os = "linux")]

use testing::c_library::compiler;
use testing::c_library::workshop::{Workshop, run};

const SANITIZE: [&str; 2] = [
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=undefined",
];

#[test]
fn narrow_and_wide_text_agree() {
    let workshop = Workshop::new();
    let source = workshop.file("alike.c", include_str!("c/alike.c"));
    let expected = include_str!("c/alike.txt");
    for compiler in compiler::all() {
        if !compiler.has_sanitizers(SANITIZE[0], workshop.path()) {
            continue;
        }
        for form in ["-DNARROW", "-DUNICODE", "-D_UNICODE", "-fshort-wchar"] {
            let short = (form == "-fshort-wchar").then_some("-DUNICODE");
            let flags: Vec<&str> = SANITIZE.into_iter().chain([form]).chain(short).collect();
            let program = workshop.build(&compiler, &flags, &source);
            let ended = run(workshop
                .command(program)
                .args(["a b", "zw\u{f6}lf \u{1f600}"]));
            assert_eq!(ended.succeeded(), expected, "{compiler:?} {form}");
            assert_eq!(ended.errors, "to stderr\n");
        }
    }
}

#[test]
fn size_prefixes_follow_windows() {
    let workshop = Workshop::new();
    let source = workshop.file("sizes.c", include_str!("c/sizes.c"));
    let expected = include_str!("c/sizes.txt");
    for compiler in compiler::all() {
        if !compiler.has_sanitizers(SANITIZE[0], workshop.path()) {
            continue;
        }
        for form in ["-DNARROW", "-DUNICODE"] {
            // Compilers do not know the prefixes, and take the size of the argument for wrong.
            let flags = [&SANITIZE[..], &[form, "-Wno-format"]].concat();
            let program = workshop.build(&compiler, &flags, &source);
            let ended = run(&mut workshop.command(program));
            assert_eq!(ended.succeeded(), expected, "{compiler:?} {form}");
        }
    }
}

/// Checks the advice in `docs/porting.md`.
#[test]
fn wide_text_has_portable_forms() {
    let workshop = Workshop::new();
    let source = workshop.file("portable_wide.cpp", include_str!("c/portable_wide.cpp"));
    for compiler in compiler::all() {
        if compiler.language == compiler::Language::C {
            continue;
        }
        let built = workshop.build(&compiler, &["-std=c++11", "-DUNICODE"], &source);
        let program = workshop.path().join("\u{20ac} program");
        std::fs::rename(built, &program).unwrap();
        let ended = run(&mut workshop.command(&program));
        assert_eq!(ended.succeeded().trim_end(), program.to_str().unwrap());
    }
}

/// Covers cases without a narrow equivalent: other conversion specifiers that the C library lacks,
/// and invalid UTF-16.
#[test]
fn wide_formats_follow_windows() {
    let workshop = Workshop::new();
    let source = workshop.file("wide.c", include_str!("c/wide.c"));
    let expected = include_str!("c/wide.txt");
    for compiler in compiler::all() {
        if !compiler.has_sanitizers(SANITIZE[0], workshop.path()) {
            continue;
        }
        let flags = [&SANITIZE[..], &["-DUNICODE"]].concat();
        let program = workshop.build(&compiler, &flags, &source);
        let ended = run(&mut workshop.command(program));
        assert_eq!(ended.succeeded(), expected, "{compiler:?}");
    }
}

/// The value that `_tmain` returns is the exit code.
#[test]
fn tmain_accepts_all_signatures() {
    let workshop = Workshop::new();
    let source = workshop.file("tmain.c", include_str!("c/tmain.c"));
    for compiler in compiler::all() {
        let forms = match compiler.language {
            compiler::Language::C => 0..7,
            compiler::Language::Cpp => 0..9,
        };
        for form in forms {
            let form = format!("-DFORM={form}");
            for text in ["-DNARROW", "-DUNICODE"] {
                // Every Unix accepts a `main` with three arguments, but no standard defines it.
                let flags = [&form, text, "-Wno-main", "-O2"];
                let program = workshop.build(&compiler, &flags, &source);
                let ended = run(workshop.command(program).arg("x"));
                assert_eq!(ended.status.code(), Some(2), "{compiler:?} {text} {form}");
            }
        }
    }
}
