//! What a picture is made of, and how that becomes SVG. Lengths are points: a picture as wide as a
//! page's text is shown at its own size there.

use std::fmt::{self, Display, Write as _};

use super::palette::Ink;
use super::text::{self, FAMILY};

/// How wide pictures are: the text of an A4 or letter page.
pub const WIDTH: f64 = 480.0;
/// What is left free around.
pub const MARGIN: f64 = 8.0;
pub const RIGHT: f64 = WIDTH - MARGIN;

/// A picture.
#[derive(Debug)]
pub struct Scene {
    pub height: f64,
    /// What it shows, in a line.
    pub title: String,
    /// What a reader can do with it in a page of HTML.
    pub caption: &'static str,
    pub elements: Vec<Element>,
}

/// A part of a picture.
#[derive(Debug)]
pub enum Element {
    /// Parts that belong together, moved to a place.
    Group {
        class: &'static str,
        place: (f64, f64),
        data: Data,
        elements: Vec<Element>,
    },
    /// A filled outline.
    Path {
        ink: Ink,
        outline: Outline,
        data: Data,
    },
    Text {
        ink: Ink,
        /// Where its base line starts, or ends.
        place: (f64, f64),
        size: f64,
        bold: bool,
        align: Align,
        text: String,
    },
}

/// What a part of a picture says to a program: values of `data-` attributes, or of others where
/// the name says so.
pub type Data = Vec<(&'static str, String)>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Start,
    Middle,
    End,
}

impl Element {
    /// Small regular text that starts there.
    pub fn text(ink: Ink, place: (f64, f64), text: impl Into<String>) -> Self {
        Element::small(ink, place, Align::Start, text)
    }

    /// Small regular text.
    pub fn small(ink: Ink, place: (f64, f64), align: Align, text: impl Into<String>) -> Self {
        Element::Text {
            ink,
            place,
            size: text::SMALL,
            bold: false,
            align,
            text: text.into(),
        }
    }

    pub fn path(ink: Ink, outline: Outline) -> Self {
        Element::Path {
            ink,
            outline,
            data: Vec::new(),
        }
    }
}

/// A path, in the words of SVG.
#[derive(Debug, Default, Clone)]
pub struct Outline(String);

impl Outline {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a rectangle.
    pub fn rectangle(&mut self, x: f64, y: f64, width: f64, height: f64) {
        // Writing to a String can't fail.
        let _ = write!(
            self.0,
            "M{} {}h{}v{}h-{}z",
            Number(x),
            Number(y),
            Number(width),
            Number(height),
            Number(width)
        );
    }

    /// Adds a polygon.
    pub fn polygon(&mut self, corners: &[(f64, f64)]) {
        for (index, &(x, y)) in corners.iter().enumerate() {
            let word = if index == 0 { 'M' } else { 'L' };
            let _ = write!(self.0, "{word}{} {}", Number(x), Number(y));
        }
        self.0.push('z');
    }
}

/// A length to a thousandth, as short as can be.
struct Number(f64);

impl Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", (self.0 * 1000.0).round() / 1000.0)
    }
}

/// Text made harmless in XML: as content, and as a value in quotes. Names from outside come here
/// without control characters; what else XML has no way to write becomes U+FFFD.
pub struct Escaped<'a>(pub &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => f.write_char('\u{fffd}'),
            _ => f.write_char(character),
        })
    }
}

/// Where SVG is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A file of its own.
    File,
    /// A page of HTML, which knows what SVG is.
    Page,
}

impl Scene {
    /// The picture as SVG. Colours are attributes, which programs that know no style sheets
    /// understand, too, and a style sheet overrides.
    pub fn svg(&self, place: Place) -> String {
        let mut svg = String::new();
        let name = match place {
            Place::File => r#" xmlns="http://www.w3.org/2000/svg""#,
            Place::Page => "",
        };
        let (width, height) = (Number(WIDTH), Number(self.height));
        let _ = write!(
            svg,
            "<svg{name} width=\"{width}pt\" height=\"{height}pt\" viewBox=\"0 0 {width} {height}\" \
             font-family=\"{FAMILY}\">\n<title>{}</title>\n",
            Escaped(&self.title)
        );
        let mut ground = Outline::default();
        ground.rectangle(0.0, 0.0, WIDTH, self.height);
        push(&mut svg, &Element::path(Ink::Ground, ground));
        for element in &self.elements {
            push(&mut svg, element);
        }
        svg.push_str("</svg>\n");
        svg
    }
}

fn push(svg: &mut String, element: &Element) {
    match element {
        Element::Group {
            class,
            place: (x, y),
            data,
            elements,
        } => {
            let (x, y) = (Number(*x), Number(*y));
            let _ = write!(svg, "<g class=\"{class}\" transform=\"translate({x} {y})\"");
            push_data(svg, data);
            svg.push_str(">\n");
            for element in elements {
                push(svg, element);
            }
            svg.push_str("</g>\n");
        }
        Element::Path { ink, outline, data } => {
            let _ = write!(
                svg,
                "<path class=\"{}\" fill=\"{}\"",
                ink.class(),
                ink.light()
            );
            push_data(svg, data);
            let _ = writeln!(svg, " d=\"{}\"/>", outline.0);
        }
        Element::Text {
            ink,
            place: (x, y),
            size,
            bold,
            align,
            text,
        } => {
            let (x, y, size) = (Number(*x), Number(*y), Number(*size));
            let _ = write!(
                svg,
                "<text class=\"{}\" fill=\"{}\" x=\"{x}\" y=\"{y}\" font-size=\"{size}\"",
                ink.class(),
                ink.light()
            );
            if *bold {
                svg.push_str(" font-weight=\"bold\"");
            }
            svg.push_str(match align {
                Align::Start => "",
                Align::Middle => " text-anchor=\"middle\"",
                Align::End => " text-anchor=\"end\"",
            });
            let _ = writeln!(svg, ">{}</text>", Escaped(text));
        }
    }
}

fn push_data(svg: &mut String, data: &Data) {
    for (name, value) in data {
        let _ = write!(svg, " {name}=\"{}\"", Escaped(value));
    }
}
