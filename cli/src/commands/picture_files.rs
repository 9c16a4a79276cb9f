//! The options that request pictures, and the files that pictures are written to.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::output::{Content, Format, OutputFile, is_stdout};
use crate::picture::{Figure, Scene, SvgSource, SvgTarget, html_page, svg_to_png};
use crate::session::{Session, warn};
use crate::usage::usage;

/// Pictures that replace the table.
#[derive(Debug, clap::Args)]
pub struct PictureFiles {
    /// Draw the pages to FILE, as SVG, instead of printing the table. With --json or --csv, both
    /// are written. `-` is standard output
    #[arg(long, value_name = "FILE", help_heading = "Pictures")]
    svg: Option<PathBuf>,
    /// Draw the same picture to FILE, as PNG. `-` is standard output, unless that is a terminal
    #[arg(long, value_name = "FILE", help_heading = "Pictures")]
    png: Option<PathBuf>,
    /// Draw the same picture to FILE, as an HTML page that describes the block or fault under
    /// the pointer; needs no network. `-` is standard output
    #[arg(long, value_name = "FILE", help_heading = "Pictures")]
    html: Option<PathBuf>,
}

/// A second picture in an HTML page, with its own script.
#[derive(Debug)]
pub struct ExtraFigure {
    pub heading: &'static str,
    pub svg: String,
    /// In pixels.
    pub height: u32,
    pub caption: &'static str,
}

/// The requested pictures, whose files can be written.
#[derive(Debug)]
pub struct OpenPictures {
    svg: Option<OutputFile>,
    png: Option<OutputFile>,
    html: Option<OutputFile>,
}

impl PictureFiles {
    fn all(&self) -> impl Iterator<Item = &Path> {
        let all = [&self.svg, &self.png, &self.html];
        all.into_iter().filter_map(Option::as_deref)
    }

    /// Returns true if a picture is requested.
    pub fn are_wanted(&self) -> bool {
        self.all().next().is_some()
    }

    /// Returns the number of pictures that go to standard output.
    pub fn count_on_stdout(&self) -> usize {
        self.all().filter(|file| is_stdout(file)).count()
    }

    /// Rejects more than one output on standard output.
    pub fn check(&self, session: &Session) -> Result<()> {
        let others = usize::from(session.output.format() != Format::Table);
        match self.count_on_stdout() + others {
            0 | 1 => Ok(()),
            _ => Err(usage(
                "standard output takes only one of --svg, --png, --html, --json and --csv",
            )),
        }
    }

    /// Opens the files, so that an unwritable one is reported before a long measurement.
    pub fn open(&self) -> Result<OpenPictures> {
        let open = |file: &Option<PathBuf>, content| {
            let file = file.as_deref();
            file.map(|file| OutputFile::open(file, content)).transpose()
        };
        Ok(OpenPictures {
            svg: open(&self.svg, Content::Text)?,
            png: open(&self.png, Content::Binary)?,
            html: open(&self.html, Content::Text)?,
        })
    }
}

impl OpenPictures {
    /// Writes a picture in each requested format. An HTML page also shows the extra figure.
    pub fn write(self, scene: &Scene, extra: Option<&ExtraFigure>) -> Result<()> {
        if let Some(file) = self.svg {
            write(file, scene.svg(SvgTarget::File).as_bytes())?;
        }
        if let Some(file) = self.png {
            let png = svg_to_png(&scene.svg(SvgTarget::File))?;
            write(file, &png)?;
        }
        if let Some(file) = self.html {
            let svg = scene.svg(SvgTarget::Page);
            let mut figures = vec![Figure {
                heading: "",
                svg: SvgSource::Inline(&svg),
                caption: scene.caption,
            }];
            figures.extend(extra.map(|extra| Figure {
                heading: extra.heading,
                svg: SvgSource::Document(&extra.svg, extra.height),
                caption: extra.caption,
            }));
            let page = html_page(&scene.title, &figures);
            write(file, page.as_bytes())?;
        }
        Ok(())
    }
}

/// Writes a file and prints a message, or writes to standard output.
pub fn write(file: OutputFile, contents: &[u8]) -> Result<()> {
    let path = file.path().map(Path::to_owned);
    file.write(contents)?;
    if let Some(path) = path {
        warn(format_args!("wrote {}", path.display()));
    }
    Ok(())
}
