//! Text styles: bold headings, dim missing values, colored bars.

/// Whether text is styled. If not, all methods write plain text.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style {
    enabled: bool,
}

const HEADING: anstyle::Style = anstyle::Style::new().bold();
const DIM: anstyle::Style = anstyle::Style::new().dimmed();

impl Style {
    /// Returns the style for a stream, from `--color`, `NO_COLOR`, `CLICOLOR_FORCE` and whether the
    /// stream is a terminal.
    pub fn of<S: anstream::stream::RawStream>(stream: &S) -> Self {
        let choice = anstream::AutoStream::choice(stream);
        Style {
            enabled: choice != anstream::ColorChoice::Never,
        }
    }

    pub fn heading(self, text: &mut String) {
        self.push(text, HEADING.render());
    }

    pub fn dim(self, text: &mut String) {
        self.push(text, DIM.render());
    }

    pub fn plain(self, text: &mut String) {
        self.push(text, anstyle::Reset.render());
    }

    /// Applies a style to the text that `write` appends.
    pub fn paint(self, text: &mut String, style: anstyle::Style, write: impl Fn(&mut String)) {
        self.push(text, style.render());
        write(text);
        self.push(text, style.render_reset());
    }

    fn push(self, text: &mut String, escape: impl std::fmt::Display) {
        use std::fmt::Write as _;
        if self.enabled {
            // Writing to a String cannot fail.
            let _ = write!(text, "{escape}");
        }
    }
}
