//! Writes a self-contained HTML page, which loads nothing from the network or from other files.

use std::fmt::Write as _;

use super::palette::Color;
use super::scene::Escaped;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
const FRAME_STYLE: &str = include_str!("frame.css");

/// A frame has no address of its own. Scripts that record their state in it would fail.
const FRAME_SCRIPT: &str = "history.replaceState = () => {};";

/// A picture in a page.
#[derive(Debug)]
pub struct Figure<'a> {
    /// The heading above the picture; empty for none.
    pub heading: &'a str,
    pub svg: SvgSource<'a>,
    /// Instructions for the reader; empty for none.
    pub caption: &'a str,
}

/// The SVG of a picture, and how a page embeds it.
#[derive(Debug)]
pub enum SvgSource<'a> {
    /// As an element of the page, for [`SvgTarget::Page`](super::scene::SvgTarget::Page).
    Inline(&'a str),
    /// As a document in a frame, because it has scripts and styles of its own. The number is the
    /// height in pixels.
    Document(&'a str, u32),
}

/// Returns a page with pictures.
pub fn html_page(title: &str, figures: &[Figure<'_>]) -> String {
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}</title>\n<style>\n{STYLE}@media screen and (prefers-color-scheme: dark) {{\n",
        Escaped(title)
    );
    for color in Color::all() {
        // Writing to a String cannot fail.
        let _ = writeln!(html, "svg .{} {{ fill: {} }}", color.class(), color.dark());
    }
    let _ = write!(
        html,
        "body {{ background: {} }}\n}}\n</style>\n</head>\n<body>\n",
        Color::Background.dark()
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
    // Writing to a String cannot fail.
    if !figure.heading.is_empty() {
        let _ = writeln!(html, "<h2>{heading}</h2>");
    }
    html.push_str("<figure>\n");
    let _ = match figure.svg {
        SvgSource::Inline(svg) => html.write_str(svg),
        SvgSource::Document(svg, height) => writeln!(
            html,
            "<iframe title=\"{heading}\" height=\"{height}\" srcdoc=\"{}\"></iframe>",
            frame(svg).replace('&', "&amp;").replace('"', "&quot;")
        ),
    };
    if !figure.caption.is_empty() {
        let _ = writeln!(html, "<figcaption>{}</figcaption>", Escaped(figure.caption));
    }
    html.push_str("</figure>\n");
}

/// Returns an HTML document that contains only an SVG document, which is as wide as the frame.
///
/// As SVG inside HTML, the picture would otherwise be 300 pixels wide, because its script removes
/// the width. The XML declaration and document type before the root element have no place in HTML.
fn frame(svg: &str) -> String {
    let root = svg.find("<svg").unwrap_or(0);
    format!(
        "<!DOCTYPE html><meta charset=\"utf-8\"><style>{FRAME_STYLE}@media screen and \
         (prefers-color-scheme: dark) {{ body > svg > rect {{ fill: {} }} body > svg > text {{ fill: \
         {} }} }}</style><script>{FRAME_SCRIPT}</script>{}",
        Color::Background.dark(),
        Color::Text.dark(),
        &svg[root..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_precede_pictures() {
        let figures = [
            Figure {
                heading: "",
                svg: SvgSource::Inline("<svg id=\"first\"></svg>"),
                caption: "",
            },
            Figure {
                heading: "a < b",
                svg: SvgSource::Document("<?xml?><svg><script>if (1 && \"<\")</script></svg>", 300),
                caption: "c & d",
            },
        ];
        let html = html_page("x", &figures);
        let start = html.find("<body>").unwrap();
        let end = html.find("<div id=\"tip\"").unwrap();
        let (before, rest) = html[start..end].split_once("srcdoc=\"").unwrap();
        assert_eq!(
            before,
            "<body>\n<figure>\n<svg id=\"first\"></svg></figure>\n<h2>a &lt; b</h2>\n<figure>\n\
             <iframe title=\"a &lt; b\" height=\"300\" "
        );
        let (document, after) = rest.split_once('"').unwrap();
        assert!(document.starts_with("<!DOCTYPE html>"), "{document}");
        let svg = "</script><svg><script>if (1 &amp;&amp; &quot;<&quot;)</script></svg>";
        assert!(document.ends_with(svg), "{document}");
        assert_eq!(
            after,
            "></iframe>\n<figcaption>c &amp; d</figcaption>\n</figure>\n"
        );
    }
}
