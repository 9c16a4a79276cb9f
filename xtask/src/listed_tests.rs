//! Checks that every test that xtask names exists, so that renaming a test cannot silently empty a
//! list of exclusions, a filter or an expectation.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use regex_lite::Regex;

use crate::kernels::{self, expectations::EXPECTATIONS};
use crate::run::root;
use crate::test::{asan, i686, unprivileged, valgrind};

/// Packages with tests, and their directories.
const PACKAGES: &[(&str, &str)] = &[
    ("psapi", "psapi"),
    ("libpsapi", "capi"),
    ("psapi-cli", "cli"),
];

/// A source file that can contain tests.
struct File {
    package: &'static str,
    /// The test program that the file belongs to; `None` for unit tests.
    binary: Option<String>,
    text: String,
    /// The names of all functions.
    functions: Vec<String>,
}

impl File {
    fn new(package: &'static str, binary: Option<String>, text: String) -> Self {
        let functions = text.split("fn ").skip(1).map(|rest| {
            let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
            rest[..end.unwrap_or(rest.len())].to_owned()
        });
        File {
            functions: functions.collect(),
            package,
            binary,
            text,
        }
    }
}

/// The tests of the repository. Only their sources are read.
struct Tests(Vec<File>);

impl Tests {
    /// Reads the sources; `None` if the current user has no access to the repository, as in the
    /// step `unprivileged`.
    fn read() -> Option<Self> {
        match fs::read_dir(root().join("psapi")) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => return None,
            entries => entries.unwrap(),
        };
        let mut files = Vec::new();
        for &(package, directory) in PACKAGES {
            let directory = root().join(directory);
            read_below(&directory.join("src"), &mut |_, text| {
                files.push(File::new(package, None, text));
            });
            let tests = directory.join("tests");
            read_below(&tests, &mut |path, text| {
                let name = path.strip_prefix(&tests).unwrap().iter().next().unwrap();
                let name = Path::new(name).file_stem().unwrap().to_str().unwrap();
                files.push(File::new(package, Some(name.to_owned()), text));
            });
        }
        // The tests of all packages use the package `testing`.
        read_below(&root().join("testing"), &mut |_, text| {
            files.push(File::new("testing", None, text));
        });
        Some(Tests(files))
    }

    /// Returns true if a package has a file of integration tests with this name.
    fn has_binary(&self, package: &str, binary: &str) -> bool {
        let mut files = self.0.iter();
        files.any(|file| package == file.package && file.binary.as_deref() == Some(binary))
    }

    fn any_has_binary(&self, binary: &str) -> bool {
        PACKAGES
            .iter()
            .any(|(package, _)| self.has_binary(package, binary))
    }

    /// Returns true if `matches` accepts the name of a function.
    fn any_function(&self, matches: impl Fn(&str) -> bool) -> bool {
        let mut functions = self.0.iter().flat_map(|file| &file.functions);
        functions.any(|name| matches(name))
    }

    /// Returns true if some file contains a text.
    fn contain(&self, text: &str) -> bool {
        self.0.iter().any(|file| file.text.contains(text))
    }
}

/// Calls `add` with the path and text of each Rust file below a directory, if the directory exists.
fn read_below(directory: &Path, add: &mut impl FnMut(&Path, String)) {
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_below(&path, add);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            add(&path, fs::read_to_string(&path).unwrap());
        }
    }
}

/// Fails with the list of problems, if there are any.
fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "not found:\n{}", problems.join("\n"));
}

#[test]
fn excluded_tests_exist() {
    let Some(tests) = Tests::read() else { return };
    let excluded = [asan::EXCLUDED, i686::EXCLUDED, valgrind::EXCLUDED].concat();
    let names = excluded.iter().map(|(name, _)| *name);
    // A list can name a part of a test's name.
    let missing = names.filter(|part| !tests.any_function(|name| name.contains(*part)));
    assert_none(&missing.map(str::to_owned).collect::<Vec<_>>());
}

#[test]
fn listed_test_files_exist() {
    let Some(tests) = Tests::read() else { return };
    let excluded = [unprivileged::EXCLUDED_FILES, valgrind::EXCLUDED_FILES].concat();
    let excluded = excluded.iter().flat_map(|(names, _)| names.split(", "));
    let selected = [i686::TESTS, valgrind::SHORT, valgrind::LONG].concat();
    let of_library = selected
        .iter()
        .filter(|name| !tests.has_binary("psapi", name));
    let mut missing: Vec<String> = of_library.map(|name| (*name).to_owned()).collect();
    let names = excluded.chain(kernels::COMPILER_TESTS.iter().copied());
    missing.extend(
        names
            .filter(|name| !tests.any_has_binary(name))
            .map(str::to_owned),
    );
    assert_none(&missing);
}

#[test]
fn expected_failures_exist() {
    let Some(tests) = Tests::read() else { return };
    let mut missing = Vec::new();
    for name in EXPECTATIONS.iter().flat_map(|expectation| expectation.fail) {
        let (binary, test) = name.split_once(' ').unwrap();
        let (package, binary) = binary.split_once("::").unwrap();
        let function = test.rsplit("::").next().unwrap();
        let mut files = tests
            .0
            .iter()
            .filter(|file| file.package == package && file.binary.as_deref() == Some(binary));
        if !files.any(|file| file.functions.iter().any(|name| name == function)) {
            missing.push((*name).to_owned());
        }
    }
    assert_none(&missing);
}

#[test]
fn filtered_tests_exist() {
    let Some(tests) = Tests::read() else { return };
    let settings = fs::read_to_string(root().join(".config/nextest.toml")).unwrap();
    let filters = kernels::EVERY_TEST.to_owned() + &settings;
    let mut missing = Vec::new();
    let mut check = |filter: &str, exists: &dyn Fn(&str) -> bool| {
        let mut count = 0;
        for captures in Regex::new(filter).unwrap().captures_iter(&filters) {
            count += 1;
            if !exists(&captures[1]) {
                missing.push(captures[0].to_owned());
            }
        }
        assert!(count > 0, "no filter {filter}");
    };
    check(r"\bbinary\((\w+)\)", &|name| tests.any_has_binary(name));
    check(r"\btest\(=(?:\w+::)*(\w+)\)", &|name| {
        tests.any_function(|function| function == name)
    });
    check(r"\btest\(/\^(\w+)::/\)", &|name| {
        tests.contain(&format!("mod {name};"))
    });
    assert_none(&missing);
}

#[test]
fn expected_skips_exist() {
    let Some(tests) = Tests::read() else { return };
    // The tests insert the options of a mount into two reasons.
    let mounts = Regex::new("hidepid=[0-9](,gid=[0-9]+)?|subset=pid").unwrap();
    let skips = EXPECTATIONS
        .iter()
        .flat_map(|expectation| expectation.skips);
    let missing = skips.filter(|reason| {
        let generic = mounts.replace(reason, "{option}");
        !tests.contain(reason) && !tests.contain(&generic)
    });
    assert_none(
        &missing
            .map(|reason| (*reason).to_owned())
            .collect::<Vec<_>>(),
    );
}
