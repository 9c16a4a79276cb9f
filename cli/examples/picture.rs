//! Turns what a command printed to a terminal into the pictures of the documentation:
//!
//! ```sh
//! psapi --color always --width 106 | cargo run -q --example picture -- psapi > docs/overview.svg
//! ```
//!
//! The argument is the command line that the picture shows above the output.

use std::io::{Read as _, Write as _};

fn main() -> std::io::Result<()> {
    let mut printed = String::new();
    std::io::stdin().read_to_string(&mut printed)?;
    let prompt = std::env::args()
        .nth(1)
        .map(|command| format!("\x1b[2m$\x1b[0m {command}\n"));
    let text = prompt.unwrap_or_default() + &printed;
    std::io::stdout().write_all(anstyle_svg::Term::new().render_svg(&text).as_bytes())
}
