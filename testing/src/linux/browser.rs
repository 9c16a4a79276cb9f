//! A browser without a window, for the HTML pages that psapi writes.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::{is_installed, skip};

/// Opens an HTML page, runs a script in it, and returns the script's result.
///
/// The script is the body of a JavaScript function. It runs after the scripts and timers of the
/// page. The window is 1,100 pixels wide. Returns `None`, and skips, without Chromium.
pub fn evaluate(page: &str, script: &str) -> Option<Value> {
    if !is_installed("chromium") {
        skip("needs chromium to show HTML pages");
        return None;
    }
    let directory = tempfile::tempdir().expect("create a directory");
    let file = directory.path().join("page.html");
    let script = format!(
        "<script>addEventListener('load', () => setTimeout(() => {{
            const run = () => {{ {script} }};
            let result;
            try {{ result = run(); }} catch (error) {{ result = String(error.stack); }}
            const element = document.createElement('pre');
            element.className = 'result';
            const escape = (character) => '\\\\u00' + character.charCodeAt(0).toString(16);
            element.textContent = JSON.stringify(result).replace(/[<>&]/g, escape);
            document.body.append(element);
        }}, 100))</script></body>"
    );
    let page = page.replace("</body>", &script);
    fs::write(&file, page).expect("write the page");
    let profile = directory.path().join("profile");
    let output = Command::new("chromium")
        .args([
            "--headless",
            // Chromium has no sandbox for root.
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1100,1600",
            // Timers run at once, up to this time in milliseconds.
            "--virtual-time-budget=2000",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(&file)
        .env("HOME", directory.path())
        .stdin(Stdio::null())
        .output()
        .expect("start chromium");
    let dom = String::from_utf8_lossy(&output.stdout);
    let result = dom
        .split_once("<pre class=\"result\">")
        .and_then(|(_, rest)| rest.split_once("</pre>"))
        .unwrap_or_else(|| panic!("no result: {output:?}"));
    Some(serde_json::from_str(result.0).expect("the result is JSON"))
}
