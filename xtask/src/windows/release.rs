//! The optimized psapi.dll: its size, and the libraries that it imports.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::target::{I686, Target, X86_64};
use super::toolchain::Toolchain;
use crate::run::{self, root};

/// The largest size of the file without symbols, in bytes.
const MAX_SIZE: u64 = 600 << 10;

/// Builds the library at both widths, and compares it with `docs/windows.md`.
pub fn check(toolchain: &Toolchain) -> Result<bool> {
    let page = root().join("docs/windows.md");
    let page = fs::read_to_string(&page).with_context(|| page.display().to_string())?;
    let documented = documented_imports(&page);
    ensure!(!documented.is_empty(), "docs/windows.md lists no imports");
    for target in [X86_64, I686] {
        let mut build = toolchain.cargo(&["build", "--release", "--package", "libpsapi"]);
        build.args(["--target", target.name]);
        ensure!(run::succeeds(&mut build)?, "cannot build psapi.dll");
        let size = stripped_size(toolchain, target)?;
        let imports = imports(toolchain, target)?;
        let names: Vec<_> = imports.iter().map(String::as_str).collect();
        println!(
            "{}: {size} bytes, imports {}",
            target.name,
            names.join(", ")
        );
        ensure!(size <= MAX_SIZE, "the stripped library is too large");
        let undocumented: Vec<_> = imports.difference(&documented).collect();
        ensure!(
            undocumented.is_empty(),
            "undocumented imports: {undocumented:?}"
        );
    }
    Ok(true)
}

/// Returns the names in the table of imports.
fn documented_imports(page: &str) -> BTreeSet<String> {
    let (_, table) = page.split_once("\n| imported DLL |").unwrap_or_default();
    let rows = table.lines().skip(1).take_while(|row| row.starts_with('|'));
    let columns = rows.filter_map(|row| row.split('|').nth(1));
    let words = columns.flat_map(|column| column.split('`'));
    let names = words.filter(|word| word.ends_with(".dll"));
    names.map(str::to_owned).collect()
}

fn stripped_size(toolchain: &Toolchain, target: Target) -> Result<u64> {
    let directory = tempfile::tempdir().context("cannot create a temporary directory")?;
    let stripped = directory.path().join("psapi.dll");
    let mut strip = Command::new(format!("{}-strip", target.mingw));
    toolchain.prepare(&mut strip);
    strip.arg("-o").arg(&stripped);
    strip.arg(toolchain.optimized_library(target));
    ensure!(run::succeeds(&mut strip)?, "cannot strip psapi.dll");
    Ok(fs::metadata(&stripped)
        .context("strip wrote no file")?
        .len())
}

fn imports(toolchain: &Toolchain, target: Target) -> Result<BTreeSet<String>> {
    let mut dump = Command::new(format!("{}-objdump", target.mingw));
    toolchain.prepare(&mut dump);
    dump.arg("-p").arg(toolchain.optimized_library(target));
    let headers = String::from_utf8_lossy(&run::output(&mut dump)?).into_owned();
    let names = imported(&headers);
    ensure!(!names.is_empty(), "objdump lists no imports");
    Ok(names)
}

/// Returns the imported libraries in the output of `objdump -p`.
fn imported(headers: &str) -> BTreeSet<String> {
    let lines = headers.lines().map(str::trim);
    let names = lines.filter_map(|line| line.strip_prefix("DLL Name: "));
    names.map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_come_from_table_and_headers() {
        let page = "text `a.dll`\n\n| imported DLL | by |\n| --- | --- |\n| `ntdll.dll` | x |\n\
                    | `b.dll`, `c.dll` | `d.dll` |\n\n| `e.dll` | |\n";
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let expected: BTreeSet<String> = names(&["ntdll.dll", "b.dll", "c.dll"]);
        assert_eq!(documented_imports(page), expected);
        let headers = "\tDLL Name: KERNEL32.dll\n\tvma: Hint\n\n\tDLL Name: ntdll.dll\n";
        let expected: BTreeSet<String> = names(&["kernel32.dll", "ntdll.dll"]);
        assert_eq!(imported(headers), expected);
    }
}
