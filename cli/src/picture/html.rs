//! A page of HTML that needs nothing beside it: no network, no other file.

use std::fmt::Write as _;

use super::palette::Ink;
use super::scene::Escaped;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// A page with pictures, each below its heading, if it has one.
pub fn page(title: &str, pictures: &[(Option<&str>, String)]) -> String {
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}</title>\n<style>\n{STYLE}@media screen and (prefers-color-scheme: dark) {{\n",
        Escaped(title)
    );
    for ink in Ink::ALL {
        // Writing to a String can't fail.
        let _ = writeln!(html, ".{} {{ fill: {} }}", ink.class(), ink.dark());
    }
    let _ = write!(
        html,
        "body {{ background: {} }}\n}}\n</style>\n</head>\n<body>\n",
        Ink::Ground.dark()
    );
    for (heading, svg) in pictures {
        if let Some(heading) = heading {
            let _ = writeln!(html, "<h2>{}</h2>", Escaped(heading));
        }
        let _ = write!(html, "<figure>\n{svg}</figure>\n");
    }
    let _ = write!(
        html,
        "<div id=\"tip\" role=\"status\" hidden></div>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n"
    );
    html
}
