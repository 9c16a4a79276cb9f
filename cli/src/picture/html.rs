//! A page of HTML that needs nothing beside it: no network, no other file.

use std::fmt::Write as _;

use super::palette::Ink;
use super::scene::Escaped;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// A picture in a page.
#[derive(Debug)]
pub struct Figure<'a> {
    /// Above it; empty for none.
    pub heading: &'a str,
    pub svg: Svg<'a>,
    /// What the reader can do with it.
    pub caption: &'a str,
}

/// How a picture is put in a page.
#[derive(Debug)]
pub enum Svg<'a> {
    /// As a part of it: [`Place::Page`](super::scene::Place::Page).
    Part(&'a str),
    /// As a document in it, so high in pixels: one that brings scripts and styles of its own.
    Document(&'a str, u32),
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
    for figure in figures {
        push(&mut html, figure);
    }
    let _ = write!(
        html,
        "<div id=\"tip\" role=\"status\" hidden></div>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n"
    );
    html
}

fn push(html: &mut String, figure: &Figure<'_>) {
    let heading = Escaped(figure.heading);
    // Writing to a String can't fail.
    if !figure.heading.is_empty() {
        let _ = writeln!(html, "<h2>{heading}</h2>");
    }
    html.push_str("<figure>\n");
    let _ = match figure.svg {
        Svg::Part(svg) => html.write_str(svg),
        Svg::Document(svg, height) => writeln!(
            html,
            "<iframe title=\"{heading}\" height=\"{height}\" srcdoc=\"{}\"></iframe>",
            svg.replace('&', "&amp;").replace('"', "&quot;")
        ),
    };
    if !figure.caption.is_empty() {
        let _ = writeln!(html, "<figcaption>{}</figcaption>", Escaped(figure.caption));
    }
    html.push_str("</figure>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_stand_below_their_headings() {
        let figures = [
            Figure {
                heading: "",
                svg: Svg::Part("<svg id=\"first\"></svg>"),
                caption: "",
            },
            Figure {
                heading: "a < b",
                svg: Svg::Document("<svg><script>if (1 && \"<\") {}</script></svg>", 300),
                caption: "c & d",
            },
        ];
        let html = page("x", &figures);
        let start = html.find("<body>").unwrap();
        let end = html.find("<div id=\"tip\"").unwrap();
        assert_eq!(
            &html[start..end],
            "<body>\n<figure>\n<svg id=\"first\"></svg></figure>\n<h2>a &lt; b</h2>\n<figure>\n\
             <iframe title=\"a &lt; b\" height=\"300\" srcdoc=\"<svg><script>if (1 &amp;&amp; \
             &quot;<&quot;) {}</script></svg>\"></iframe>\n\
             <figcaption>c &amp; d</figcaption>\n</figure>\n"
        );
    }
}
