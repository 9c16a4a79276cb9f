//! The Debian packages of the toolchain and of Wine.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::{fs, thread};

use anyhow::{Context as _, Result};

use crate::apt::{self, Apt, Suite};

/// The suites of the toolchain. Bookworm's programs also run on newer releases.
const TOOLCHAIN_SUITES: &[Suite] = &[
    Suite::Debian("bookworm"),
    Suite::Security("bookworm-security"),
];

/// Rust, the sources of its standard library, and mingw.
const TOOLCHAIN: &[&str] = &[
    "binutils-mingw-w64-i686",
    "binutils-mingw-w64-x86-64",
    "g++-mingw-w64-i686-win32",
    "g++-mingw-w64-x86-64-win32",
    "gcc-mingw-w64-i686-win32",
    "gcc-mingw-w64-i686-win32-runtime",
    "gcc-mingw-w64-x86-64-win32",
    "gcc-mingw-w64-x86-64-win32-runtime",
    "libz-mingw-w64",
    "mingw-w64-common",
    "mingw-w64-i686-dev",
    "mingw-w64-x86-64-dev",
    "patchelf",
    "rust-web-clippy",
    "rust-web-src",
    "rustc-web",
];

/// Prefixes of the compiler's own libraries, whose names contain a version.
const COMPILER_LIBRARIES: &[&str] = &["libstd-rust-web", "libllvm"];

/// Wine 10, which bookworm lacks.
const WINE_SUITES: &[Suite] = &[Suite::Debian("trixie")];

/// Wine, and the libraries that are newer than bookworm's.
const WINE: &[&str] = &[
    "libc6:amd64",
    "libgcc-s1:amd64",
    "liblzma5:amd64",
    "libunwind8:amd64",
    "libwine:amd64",
    "wine64:amd64",
];

/// The same version of Wine with 32-bit programs for Windows.
const WINE_32: &[&str] = &["libwine:i386"];

/// Returns all names, which tell whether an older cache has the same packages.
pub fn names() -> String {
    [TOOLCHAIN, WINE, WINE_32].concat().join(" ")
}

/// Downloads and unpacks all packages. Archives and package lists are removed.
pub fn unpack(cache: &Path, toolchain: &Path, wine: &Path) -> Result<()> {
    let directory = cache.join("apt");
    let (own, newer) = (directory.join("bookworm"), directory.join("trixie"));
    let mut archives = Vec::new();
    let mut download = |apt: &Apt, name: &str, packages: &[&str], into: &Path| -> Result<()> {
        let downloads = directory.join(name);
        apt.download_into(&downloads, packages)?;
        for archive in fs::read_dir(&downloads)? {
            archives.push((archive?.path(), into.to_owned()));
        }
        Ok(())
    };
    let apt = Apt::with_architectures(&own, TOOLCHAIN_SUITES, &["amd64"])?;
    let libraries = compiler_libraries(&apt)?;
    let libraries: Vec<_> = libraries.iter().map(String::as_str).collect();
    let packages = [TOOLCHAIN, &libraries].concat();
    download(&apt, "toolchain", &packages, toolchain)?;
    let apt = Apt::with_architectures(&newer, WINE_SUITES, &["amd64", "i386"])?;
    download(&apt, "wine", WINE, wine)?;
    // Packages of two architectures can have the same name, so they have their own directories.
    download(&apt, "wine-32", WINE_32, wine)?;
    unpack_all(archives)?;
    fs::remove_dir_all(&directory).with_context(|| directory.display().to_string())
}

/// Returns the packages with the compiler's own libraries.
fn compiler_libraries(apt: &Apt) -> Result<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    let mut next = Some("rustc-web".to_owned());
    let mut searched = 0;
    while let Some(package) = next {
        for dependency in apt.dependencies(&package)? {
            let is_library = |prefix: &&str| dependency.starts_with(*prefix);
            if COMPILER_LIBRARIES.iter().any(is_library) && !found.contains(&dependency) {
                found.push(dependency);
            }
        }
        next = found.get(searched).cloned();
        searched += 1;
    }
    Ok(found)
}

/// Unpacks archives, the largest ones first, on all processors.
fn unpack_all(mut archives: Vec<(PathBuf, PathBuf)>) -> Result<()> {
    archives.sort_by_key(|(archive, _)| fs::metadata(archive).map_or(0, |data| data.len()));
    let workers = thread::available_parallelism()?.get();
    let archives = Mutex::new(archives);
    let next = || archives.lock().expect("no thread panics").pop();
    thread::scope(|scope| {
        let work = || -> Result<()> {
            while let Some((archive, into)) = next() {
                apt::unpack(&archive, &into)?;
            }
            Ok(())
        };
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let mut results = workers
            .into_iter()
            .map(|worker| worker.join().expect("no thread panics"));
        results.try_for_each(|result| result)
    })
}
