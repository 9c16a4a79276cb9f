//! Help texts, shell completions and man pages.

use std::fs;

use testing::command::{run, stderr, text};

#[test]
fn help_and_version_succeed() {
    for arguments in [&["--help"][..], &["-h"], &["--version"], &["ps", "--help"]] {
        assert!(!text(arguments).is_empty());
    }
}

#[test]
fn generates_completions_and_man_pages() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(
            text(["completions", shell]).contains("pagefiles"),
            "{shell}"
        );
    }
    assert!(text(["man"]).contains(".TH psapi 1"));
    let directory = tempfile::tempdir().unwrap();
    let pages = directory.path().join("share/man1");
    text(["man", "--dir", pages.to_str().unwrap()]);
    for page in ["psapi.1", "psapi-ps.1", "psapi-memory.1"] {
        assert!(pages.join(page).exists(), "{page}");
    }
    let synopsis = |page: &str| {
        let text = fs::read_to_string(pages.join(page)).unwrap();
        let mut lines = text.lines().skip_while(|&line| line != ".SH SYNOPSIS");
        lines.nth(1).unwrap_or_default().to_owned()
    };
    for (page, end) in [
        ("psapi-memory.1", "<TARGET>..."),
        ("psapi-mapped.1", "<TARGET> <ADDRESS>..."),
        ("psapi-drivers.1", "[OPTIONS]"),
        ("psapi.1", "[OPTIONS] [COMMAND]"),
    ] {
        assert!(synopsis(page).ends_with(end), "{}", synopsis(page));
    }
    assert!(text(["man"]).contains("[OPTIONS] [COMMAND]"));
    let output = run(["man", "--dir", "/proc/nonexistent"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("/proc/nonexistent"));
}
