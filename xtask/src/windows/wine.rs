//! Wine 10 beside an older C library.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, io};

use anyhow::{Context as _, Result, ensure};

use super::places::Places;
use super::target::{I686, Target, X86_64};
use crate::run;

/// The libraries that tests and Wine's services load. Wine copies all of its libraries into each
/// prefix, so the others only cost time and space.
const LIBRARIES: &[&str] = &[
    "advapi32",
    "apisetschema",
    "bcrypt",
    "bcryptprimitives",
    "cabinet",
    "cfgmgr32",
    "combase",
    "comctl32",
    "comdlg32",
    "compstui",
    "coml2",
    "crypt32",
    "cryptbase",
    "dbghelp",
    "gdi32",
    "hal",
    "imm32",
    "iphlpapi",
    "kernel32",
    "kernelbase",
    "msvcrt",
    "newdev",
    "ntdll",
    "ole32",
    "oleaut32",
    "psapi",
    "rpcrt4",
    "rsaenh",
    "sechost",
    "setupapi",
    "shcore",
    "shell32",
    "shlwapi",
    "ucrtbase",
    "user32",
    "userenv",
    "uxtheme",
    "version",
    "win32u",
    "winmm",
    "wintrust",
    "wow64",
    "wow64cpu",
    "wow64win",
    "ws2_32",
];

/// The programs of a running prefix. Without `ntoskrnl`, there are no volumes.
const PROGRAMS: &[&str] = &[
    "cmd",
    "conhost",
    "explorer",
    "msinfo32",
    "notepad",
    "ntoskrnl",
    "plugplay",
    "reg",
    "regedit",
    "rpcss",
    "rundll32",
    "services",
    "start",
    "svchost",
    "wineboot",
    "winedbg",
    "winedevice",
];

/// Settings below `HKCU\Software\Wine`: no window needs a display, and a crash opens no dialog.
const REGISTRY: &[&[&str]] = &[
    &["Drivers", "/v", "Graphics", "/d", "null"],
    &[
        "WineDbg",
        "/v",
        "ShowCrashDialog",
        "/t",
        "REG_DWORD",
        "/d",
        "0",
    ],
];

/// Seconds for programs of Wine that set up a prefix or end it.
const SETUP_SECONDS: &str = "300";

/// Returns the names of all parts that are kept.
pub fn names() -> String {
    [LIBRARIES, PROGRAMS].concat().join(" ")
}

/// Returns the directory of Wine's programs for Linux.
pub fn programs(places: &Places) -> PathBuf {
    places.wine.join("usr/lib/wine")
}

/// Sets the variables of Wine.
pub fn prepare(places: &Places, command: &mut Command) {
    command
        .env("WINEPREFIX", &places.prefix)
        .env("WINEDEBUG", "-all")
        // A psapi.dll beside the program comes first. Wine offers no .NET and no browser.
        .env("WINEDLLOVERRIDES", "mscoree,mshtml=;psapi=n,b")
        .env("DISPLAY", "")
        // Wine's dbghelp crashes on a backtrace of a 32-bit program.
        .env("RUST_BACKTRACE", "0");
}

/// Returns a program of Wine without input and output, which ends within a time limit.
///
/// The first program of a prefix starts Wine's services. They inherit its output and keep it open,
/// so nothing may wait for the end of that output.
pub fn command(places: &Places, seconds: &str, program: &str) -> Command {
    let mut command = Command::new("timeout");
    command.arg(seconds).arg(programs(places).join(program));
    prepare(places, &mut command);
    command
        .env_remove("LD_LIBRARY_PATH")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Ends all programs of the prefix.
pub fn end(places: &Places) {
    let _ = command(places, SETUP_SECONDS, "wineserver")
        .arg("-k")
        .status();
    let _ = command(places, SETUP_SECONDS, "wineserver")
        .arg("-w")
        .status();
}

/// Makes the unpacked packages run on this machine, and creates the prefix.
pub fn complete(places: &Places) -> Result<()> {
    let libraries = places.wine.join("usr/lib/x86_64-linux-gnu");
    let parts = libraries.join("wine");
    // 64-bit Wine runs 32-bit programs with the Windows part of the 32-bit package alone.
    let foreign = places.wine.join("usr/lib/i386-linux-gnu");
    let part = parts.join("i386-windows");
    replace(&foreign.join("wine/i386-windows"), &part)?;
    fs::remove_dir_all(&foreign).with_context(|| foreign.display().to_string())?;
    for part in [&parts.join("x86_64-windows"), &part] {
        prune(part)?;
    }
    // Debian's Wine needs a library of mingw, and puts it into no prefix.
    for (target, part, directory) in [
        (X86_64, "x86_64-windows", "system32"),
        (I686, "i386-windows", "syswow64"),
    ] {
        let zlib = zlib(places, target);
        copy(&zlib, &parts.join(part).join("zlib1.dll"))?;
        let directory = places.prefix.join("drive_c/windows").join(directory);
        copy(&zlib, &directory.join("zlib1.dll"))?;
    }
    link_new_libraries(places, &libraries)?;
    // Two names that Wine looks for are absolute paths in Debian's package.
    let server = programs(places).join("wineserver");
    let _ = fs::remove_file(&server);
    symlink("wineserver64", &server).context("cannot link wineserver")?;
    let data = places.wine.join("usr/share/wine/wine");
    if !data.exists() {
        symlink(".", &data).context("cannot link Wine's data")?;
    }
    create_prefix(places)
}

fn zlib(places: &Places, target: Target) -> PathBuf {
    let directory = places.toolchain.join("usr").join(target.mingw);
    directory.join("lib/zlib1.dll")
}

/// Moves a directory to a path, and removes the directory that was there.
fn replace(from: &Path, to: &Path) -> Result<()> {
    match fs::remove_dir_all(to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    fs::rename(from, to).with_context(|| from.display().to_string())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
    }
    fs::copy(from, to).with_context(|| from.display().to_string())?;
    Ok(())
}

/// Removes the libraries and programs that are not needed.
fn prune(directory: &Path) -> Result<()> {
    let kept: BTreeSet<_> = LIBRARIES
        .iter()
        .map(|name| format!("{name}.dll"))
        .chain(PROGRAMS.iter().map(|name| format!("{name}.exe")))
        .collect();
    for entry in fs::read_dir(directory).with_context(|| directory.display().to_string())? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if is_removable(&name, &kept) {
            fs::remove_file(&path).with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}

fn is_removable(name: &str, kept: &BTreeSet<String>) -> bool {
    (name.ends_with(".dll") || name.ends_with(".exe")) && !kept.contains(name)
}

/// Makes Wine's programs use the C library beside them. Their child processes follow.
fn link_new_libraries(places: &Places, libraries: &Path) -> Result<()> {
    for program in ["wine64", "wineserver64"] {
        let mut patch = Command::new(places.toolchain.join("usr/bin/patchelf"));
        patch
            .arg("--set-interpreter")
            .arg(libraries.join("ld-linux-x86-64.so.2"))
            .args(["--force-rpath", "--set-rpath"])
            .arg(libraries)
            .arg(programs(places).join(program));
        ensure!(run::succeeds(&mut patch)?, "cannot patch {program}");
    }
    Ok(())
}

fn create_prefix(places: &Places) -> Result<()> {
    let wine = |arguments: &[&str]| {
        let mut command = command(places, SETUP_SECONDS, "wine64");
        command
            .args(arguments)
            .status()
            .context("cannot start Wine")
    };
    // Some of the services that it starts are not kept, so its status does not count.
    wine(&["wineboot", "--init"])?;
    for setting in REGISTRY {
        let key = format!(r"HKCU\Software\Wine\{}", setting[0]);
        let arguments = [&["reg", "add", &key], &setting[1..], &["/f"]].concat();
        ensure!(wine(&arguments)?.success(), "cannot set up Wine's registry");
    }
    end(places);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unlisted_windows_files_are_removed() {
        let kept = BTreeSet::from(["ntdll.dll".to_owned(), "cmd.exe".to_owned()]);
        let is_removed = |name| is_removable(name, &kept);
        assert!(is_removed("d3d9.dll") && is_removed("winecfg.exe") && is_removed("cmd.dll"));
        assert!(!is_removed("ntdll.dll") && !is_removed("cmd.exe") && !is_removed("winex11.drv"));
    }
}
