//! A page of HTML that needs nothing beside it: no network, no other file.

use std::fmt::Write as _;

use super::palette::Ink;
use super::scene::Escaped;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// A picture in a page.
#[derive(Debug)]
pub struct Figure<'a> {
    pub svg: &'a str,
    /// What the reader can do with it.
    pub caption: &'a str,
}

/// A page with pictures.
pub fn page(title: &str, figures: &[Figure<'_>]) -> String {
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}</title>\n<style>\n{STYLE}@media screen and (prefers-color-scheme: dark) {{\n",
        Escaped(title)
    );
    for ink in Ink::ALL {
        // Writing to a String can't fail.
        let _ = writeln!(html, "svg .{} {{ fill: {} }}", ink.class(), ink.dark());
    }
    let _ = write!(
        html,
        "body {{ background: {} }}\n}}\n</style>\n</head>\n<body>\n",
        Ink::Ground.dark()
    );
    for Figure { svg, caption } in figures {
        let _ = write!(
            html,
            "<figure>\n{svg}<figcaption>{}</figcaption>\n</figure>\n",
            Escaped(caption)
        );
    }
    let _ = write!(
        html,
        "<div id=\"tip\" role=\"status\" hidden></div>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n"
    );
    html
}
