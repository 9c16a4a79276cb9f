//! What `tchar.h` names does the same with UNICODE as without, as far as the original has it so.

mod common;

use common::compiler;
use common::workshop::{Workshop, run};

const SANITIZE: [&str; 2] = [
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=undefined",
];

#[test]
fn text_is_made_and_printed_alike_in_both_forms() {
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
            assert_eq!(ended.errors, "to the other\n");
        }
    }
}

/// What narrow text has no like of: formats of the original that the C library does not know, and
/// text that is none.
#[test]
fn formats_of_wide_text_are_those_of_the_original() {
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

/// `_tmain` may be written in several ways, each of which gives its code back to the system.
#[test]
fn main_is_called_however_it_is_written() {
    const BODIES: [&str; 7] = [
        "int _tmain(int argc, TCHAR *argv[]) { return argc + argv[1][0] - 'x'; }",
        "int __cdecl _tmain(int argc, _TCHAR **argv) { return argc + argv[1][0] - 'x'; }",
        "int _tmain(int argc, LPTSTR argv[]) { return argc + argv[1][0] - 'x'; }",
        "int _tmain(void) { return 2; }",
        "int _tmain(VOID) { return 2; }",
        "int\n_tmain\n(int argc, TCHAR **argv) { return argv[argc] == NULL ? argc : 0; }",
        "int _tmain(int argc, TCHAR *argv[], TCHAR *envp[])\n\
         { return argc + argv[1][0] - 'x' + (envp[0] == NULL); }",
    ];
    const CPP: [&str; 2] = [
        "int _tmain() { return 2; }",
        "int _tmain(int argc, TCHAR *argv[]) { return argc == 2 && argv[1][0] == 'x' ? 2 : 0; }",
    ];
    let workshop = Workshop::new();
    for compiler in compiler::all() {
        let bodies = match compiler.language {
            compiler::Language::C => &BODIES[..],
            compiler::Language::Cpp => &[&BODIES[..], &CPP].concat(),
        };
        for body in bodies {
            let source = workshop.file("main.c", &format!("#include <tchar.h>\n{body}\n"));
            for form in ["-DNARROW", "-DUNICODE"] {
                // A main of three arguments is known to every Unix, but to no standard.
                let flags = [form, "-Wno-main", "-O2"];
                let program = workshop.build(&compiler, &flags, &source);
                let ended = run(workshop.command(program).arg("x"));
                assert_eq!(ended.status.code(), Some(2), "{compiler:?} {form} {body}");
            }
        }
    }
}
