//! Converts terminal output to an SVG picture for the documentation:
//!
//! ```sh
//! psapi --color always --width 106 | cargo run -q --example picture -- psapi > docs/overview.svg
//! ```
//!
//! The argument is the command line that the picture shows above the output. ANSI escape sequences
//! in the input become colors.

use std::io::{Read as _, Write as _};

fn main() -> std::io::Result<()> {
    let mut output = String::new();
    std::io::stdin().read_to_string(&mut output)?;
    let prompt = std::env::args()
        .nth(1)
        .map(|command| format!("\x1b[2m$\x1b[0m {command}\n"));
    let text = prompt.unwrap_or_default() + &output;
    std::io::stdout().write_all(anstyle_svg::Term::new().render_svg(&text).as_bytes())
}
