//! Colour, sparing: headings bold, what is missing dim, bars in colour.

/// Whether, and so how, text is styled.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style {
    enabled: bool,
}

const HEADING: anstyle::Style = anstyle::Style::new().bold();
const DIM: anstyle::Style = anstyle::Style::new().dimmed();

impl Style {
    /// As `--color`, `NO_COLOR`, `CLICOLOR_FORCE` and the terminal say.
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

    /// Appends what `write` appends in a style.
    pub fn paint(self, text: &mut String, style: anstyle::Style, write: impl Fn(&mut String)) {
        self.push(text, style.render());
        write(text);
        self.push(text, style.render_reset());
    }

    fn push(self, text: &mut String, escape: impl std::fmt::Display) {
        use std::fmt::Write as _;
        if self.enabled {
            // Writing to a String can't fail.
            let _ = write!(text, "{escape}");
        }
    }
}
