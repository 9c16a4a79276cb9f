//! Tables in narrow terminals: no line is wider than the terminal, and no figure is shortened.

#[cfg(target_os = "linux")]
mod linux;

use std::ffi::OsString;

use testing::command::{psapi, run, stderr};
use unicode_width::UnicodeWidthStr;

const WIDTHS: [usize; 4] = [40, 60, 80, 120];

/// Runs psapi, which may fail, and returns the lines of its table.
fn table<A: Into<OsString> + Clone>(arguments: &[A], width: Option<usize>) -> Vec<String> {
    let mut command = psapi();
    command.args(arguments.iter().cloned().map(Into::into));
    command.args(width.map(|width| format!("--width={width}")));
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(!text.is_empty(), "{output:?}");
    text.lines().map(str::to_owned).collect()
}

#[test]
fn overview_fits_every_width() {
    for width in WIDTHS {
        let lines = table::<&str>(&[], Some(width));
        for line in &lines {
            assert!(line.width() <= width, "{line}");
        }
        // The machine's figures have no name that could be shortened.
        let machine = lines[..5].join(
            "
",
        );
        assert!(!machine.contains('…'), "{machine}");
        let text = lines.join("\n");
        assert!(text.contains("WSET") && text.contains("NAME"), "{text}");
    }
    let at_80 = table::<&str>(&[], Some(80)).join("\n");
    // Wine does not fill the figures of the kernel.
    let parts = if cfg!(windows) {
        &["available "][..]
    } else {
        &["available ", "cache ", "shared ", "nonpaged "]
    };
    for part in parts {
        assert!(at_80.contains(part), "{part}: {at_80}");
    }
}

#[test]
fn changes_fit_every_width() {
    let directory = tempfile::tempdir().unwrap();
    let saved = directory.path().join("saved");
    let own = std::process::id().to_string();
    let saved = saved.to_str().unwrap();
    let output = run(["ws", &own, "-o", saved]);
    if cfg!(windows) && stderr(&output).contains("not supported") {
        return testing::skip("Wine lists only the caller's own pages");
    }
    assert!(output.status.success(), "{output:?}");
    let touched = vec![1_u8; 8 << 20];
    for width in WIDTHS {
        for arguments in [
            &["ws", &own, "--against", saved][..],
            &["ws", &own, "--against", saved, "--pages"],
            &["ws", &own, "--interval", "0.01", "--count", "1"],
        ] {
            for line in table(arguments, Some(width)) {
                assert!(line.width() <= width, "{arguments:?} {line}");
            }
        }
    }
    drop(touched);
}

#[test]
fn machine_tables_fit_every_width() {
    for width in WIDTHS {
        for arguments in [&["system"][..], &["system", "--bytes"], &["drivers"]] {
            for line in table(arguments, Some(width)) {
                assert!(line.width() <= width, "{arguments:?} {line}");
            }
        }
    }
}
