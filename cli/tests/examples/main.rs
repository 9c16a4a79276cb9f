//! The examples at the end of help texts and manual pages: each is run.

#[cfg(target_os = "linux")]
mod linux;

use std::fs;
use std::path::Path;

use testing::command::text;

const SUBCOMMANDS: [&str; 14] = [
    "overview",
    "ps",
    "memory",
    "modules",
    "maps",
    "ws",
    "watch",
    "empty",
    "mapped",
    "drivers",
    "pagefiles",
    "system",
    "completions",
    "man",
];

/// Returns the examples at the end of a help text.
fn examples(help: &str) -> Vec<String> {
    let (_, end) = help.rsplit_once("Examples:\n").expect(help);
    let lines: Vec<&str> = end.lines().collect();
    for pair in lines.chunks(2) {
        assert!(
            pair[0].starts_with("  # ") && pair[1].starts_with("  psapi"),
            "{end}"
        );
    }
    assert_eq!(lines.len(), 6, "{end}");
    let commands = lines.iter().skip(1).step_by(2);
    commands.map(|line| line.trim().to_owned()).collect()
}

/// Every subcommand that the help lists is tested above.
#[test]
fn every_subcommand_has_examples() {
    let help = text(["--help"]);
    let (_, list) = help.split_once("Commands:\n").expect(&help);
    let (list, _) = list.split_once("\n\n").expect(list);
    let listed = list.lines().filter(|line| !line.starts_with("   "));
    let names: Vec<&str> = listed
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let expected: Vec<&str> = SUBCOMMANDS.into_iter().chain(["help"]).collect();
    assert_eq!(names, expected);
}

#[test]
fn manual_pages_end_with_examples() {
    let directory = tempfile::tempdir().unwrap();
    text(["man", "--dir", directory.path().to_str().unwrap()]);
    let assert_ends = |page: &Path, help: &str| {
        let page = fs::read_to_string(page).unwrap();
        let (_, end) = page.rsplit_once("\n.SH EXAMPLES\n").expect(&page);
        assert!(!end.contains(".SH"), "{end}");
        let plain = end
            .replace("\\-", "-")
            .replace("\\(ti", "~")
            .replace("\\\\", "\\");
        let commands: Vec<&str> = plain
            .lines()
            .filter(|line| line.starts_with("psapi"))
            .collect();
        assert_eq!(commands, examples(help));
    };
    for subcommand in SUBCOMMANDS {
        let page = directory.path().join(format!("psapi-{subcommand}.1"));
        assert_ends(&page, &text([subcommand, "--help"]));
    }
    assert_ends(&directory.path().join("psapi.1"), &text(["--help"]));
}
