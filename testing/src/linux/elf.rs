//! Properties of ELF files as `readelf` of binutils prints them.

use std::path::Path;
use std::process::Command;

fn readelf(option: &str, path: &Path) -> String {
    let output = Command::new("readelf")
        .args([option, "-W"])
        .arg(path)
        .env("LC_ALL", "C")
        .output()
        .expect("readelf is installed with the compiler");
    assert!(output.status.success(), "readelf {}", path.display());
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn after<'t>(text: &'t str, label: &str) -> Option<&'t str> {
    Some(text.split_once(label)?.1.lines().next()?.trim())
}

fn number(text: &str) -> u64 {
    u64::from_str_radix(text.trim_start_matches("0x"), 16).expect("a hexadecimal number")
}

/// Returns the entry point in the file's header.
pub fn entry_point(path: &Path) -> u64 {
    number(after(&readelf("-h", path), "Entry point address:").expect("an entry point"))
}

/// Returns the build id in hexadecimal digits.
pub fn build_id(path: &Path) -> Option<String> {
    after(&readelf("-n", path), "Build ID:").map(str::to_owned)
}

/// Returns the size of the range that the loaded segments span, rounded out to pages.
pub fn image_size(path: &Path) -> u64 {
    let page = rustix::param::page_size() as u64;
    let text = readelf("-l", path);
    let loads = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("LOAD "));
    let ranges: Vec<(u64, u64)> = loads
        .map(|line| {
            // Offset, VirtAddr, PhysAddr, FileSiz, MemSiz
            let fields: Vec<u64> = line.split_whitespace().take(5).map(number).collect();
            (fields[1], fields[1] + fields[4])
        })
        .collect();
    let first = ranges.iter().map(|range| range.0).min();
    let end = ranges.iter().map(|range| range.1).max();
    let (first, end) = first.zip(end).expect("a loaded segment");
    end.next_multiple_of(page) - first / page * page
}

/// Returns the path of the dynamic linker that a program requests.
pub fn interpreter(path: &Path) -> Option<String> {
    let text = readelf("-l", path);
    let interpreter = after(&text, "Requesting program interpreter:")?;
    Some(interpreter.trim_end_matches(']').to_owned())
}
