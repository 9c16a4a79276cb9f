//! The layers of the crates: only `psapi/src/sys/` calls the operating system.
//!
//! The rest of the library names no platform and calls `sys` through the list in `sys/mod.rs`. The
//! C library and the command read no files of `/proc` and `/sys`; the library does that for them.

use std::path::Path;

use anyhow::{Context as _, Result};

use super::outcome::Outcome;
use crate::source::{self, Crate, Module};

/// The folder whose files may call the operating system.
const PLATFORM: &str = "psapi/src/sys";

/// Crates that only the platform layer may name.
const PLATFORM_CRATES: &[&str] = &["rustix", "libc", "linux_raw_sys", "perf_event_open_sys"];

/// Crates that read no files of `/proc` and `/sys` at all.
const ABOVE: &[&str] = &["capi/src", "cli/src"];

/// Files that those crates name without reading them, with the reason.
const EXECUTED: &[(&str, &str)] = &[(
    "/proc/self/exe",
    "the command executes itself, and another file could be at its path by then",
)];

/// A line that breaks the layers.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Violation {
    line: usize,
    text: String,
}

/// Prints every line that breaks the layers.
pub fn check() -> Result<Outcome> {
    let crates = source::workspace()?;
    let library = crates
        .iter()
        .find(|code| code.name == "psapi" && is_below(code, "psapi/src"));
    let library = library.context("cargo metadata lists no library psapi")?;
    let mut count = 0;
    if library.module(&["sys"]).is_none() {
        println!("psapi/src/lib.rs: there is no module `sys`");
        count += 1;
    }
    for code in &crates {
        let is_above = ABOVE.iter().any(|directory| is_below(code, directory));
        let is_library = std::ptr::eq(code, library);
        for (id, module) in code.modules.iter().enumerate() {
            let mut violations = Vec::new();
            if is_library && !module.file.starts_with(PLATFORM) {
                violations = platform_names(code, id);
                violations.extend(platform_files(module, false));
            } else if is_above {
                violations = platform_files(module, true);
            }
            violations.sort();
            violations.dedup();
            for Violation { line, text } in &violations {
                println!("{}:{line}: {text}", module.file.display());
            }
            count += violations.len();
        }
    }
    Ok(if count == 0 {
        Outcome::Passed
    } else {
        Outcome::Failed(format!("{count} lines break the layers; see above"))
    })
}

fn is_below(code: &Crate, directory: &str) -> bool {
    code.root().starts_with(directory)
}

/// Finds names of the platform, and paths into `sys` that bypass its list.
fn platform_names(code: &Crate, id: usize) -> Vec<Violation> {
    let module = &code.modules[id];
    let imports = module.imports.iter().map(|import| {
        let mut path = import.path.clone();
        if import.name == "*" {
            path.push("*".into());
        }
        (path, import.line, true)
    });
    let paths = module
        .paths
        .iter()
        .map(|path| (path.segments.clone(), path.line, false));
    let mut violations = Vec::new();
    for (path, line, is_import) in imports.chain(paths) {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        let mut add = |reason: &str| {
            let text = format!("`{}` {reason}", path.join("::"));
            violations.push(Violation { line, text });
        };
        match names[..] {
            [name, ..] if PLATFORM_CRATES.contains(&name) => {
                add("belongs to the platform: call it below psapi/src/sys");
            }
            // C types are the same on every platform.
            ["std" | "core", "os", "raw", ..] => {}
            ["std" | "core", "os", ..] => {
                add("belongs to one platform: use it below psapi/src/sys")
            }
            _ if names.contains(&"Errno") => {
                add("belongs to the platform: map it to an error kind below psapi/src/sys");
            }
            _ => {
                let is_relevant =
                    is_import || path.len() > 1 && !is_imported_too_deep(code, id, &path[..1]);
                if is_relevant && is_too_deep(code, id, &path) {
                    add("bypasses psapi/src/sys/mod.rs: name the item that is re-exported there");
                }
            }
        }
    }
    violations
}

/// Returns true if a path goes through a module below `sys`, or imports all of `sys`. An associated
/// function such as `sys::Process::open` is an item of the list.
fn is_too_deep(code: &Crate, id: usize, path: &[String]) -> bool {
    let Some(full) = code.path_from_root(id, path) else {
        return false;
    };
    let [sys, name, rest @ ..] = &full[..] else {
        return false;
    };
    let is_module = code.module(&["sys", name]).is_some();
    let is_lower_case = name.starts_with(|first: char| first.is_lowercase());
    sys == "sys" && (is_module || name == "*" || is_lower_case && !rest.is_empty())
}

/// Returns true if a name comes from an import that is too deep. The import is a violation already;
/// each use of the name need not be another one.
fn is_imported_too_deep(code: &Crate, id: usize, name: &[String]) -> bool {
    let is_keyword = matches!(name[0].as_str(), "crate" | "self" | "super");
    !is_keyword && is_too_deep(code, id, name)
}

/// Finds strings that are paths of `/proc` or `/sys`, with or without the directories themselves.
fn platform_files(module: &Module, only_below: bool) -> Vec<Violation> {
    let is_platform = |text: &str| {
        let path = Path::new(text);
        if only_below && EXECUTED.iter().any(|(file, _)| *file == text) {
            return false;
        }
        ["/proc", "/sys"].iter().any(|root| {
            path.strip_prefix(root)
                .is_ok_and(|rest| !only_below || rest != Path::new(""))
        })
    };
    let literals = module
        .literals
        .iter()
        .filter(|literal| is_platform(&literal.value));
    let violations = literals.map(|literal| Violation {
        line: literal.line,
        text: format!(
            "{:?} is a file of one platform: read it below psapi/src/sys",
            literal.value
        ),
    });
    violations.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::crate_of;

    /// Returns the lines of a module that break the layers. Its crate has a platform layer.
    fn lines(text: &str) -> Vec<usize> {
        let code = crate_of(&[
            ("lib.rs", "mod a; mod sys;"),
            ("a.rs", text),
            ("sys/mod.rs", "mod linux; pub use linux::{Process, open};"),
            ("sys/linux.rs", "pub fn open() {} pub struct Process;"),
        ]);
        let id = code.module(&["a"]).unwrap();
        let mut violations = platform_names(&code, id);
        violations.extend(platform_files(&code.modules[id], false));
        violations.sort();
        violations
            .into_iter()
            .map(|violation| violation.line)
            .collect()
    }

    #[test]
    fn platform_names_are_found_everywhere() {
        let text = "use rustix::fs::openat;
            use std::{fs, os::{fd::AsFd, unix::fs::MetadataExt as _}};
            type E = io::Errno;
            fn f() { assert!(libc::getpid() > 0); }
            use super::sys::linux::open;
            use crate::sys;
            fn g() { sys::linux::open() }
            use crate::sys::*;
            const P: &[u8] = b\"/proc/self/maps\";
            fn h() { format!(\"/sys/{}\", 1); }";
        assert_eq!(lines(text), [1, 2, 2, 3, 4, 5, 7, 8, 9, 10]);
    }

    #[test]
    fn list_and_documentation_are_allowed() {
        let text = "//! Reads `/proc/self/maps`, as `rustix` does.
            use crate::sys::{self, Process};
            use std::os::raw::c_int;
            /// Reads \"/proc/PID/stat\".
            #[doc = \"/sys/devices\"]
            fn f() { sys::open(); Process::new(); crate::sys::Process::new(); }
            const P: &str = \"/process /system proc/self\";
            #[cfg(test)] mod tests { use rustix::fs; }";
        assert_eq!(lines(text), [0; 0]);
    }

    #[test]
    fn crates_above_read_no_files() {
        let code = crate_of(&[(
            "lib.rs",
            "const A: [&str; 3] = [\"/proc\", \"/proc/stat\", \"/proc/self/exe\"];",
        )]);
        let found = platform_files(&code.modules[0], true);
        assert!(matches!(&found[..], [one] if one.text.contains("/proc/stat")));
    }
}
