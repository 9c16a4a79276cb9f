//! Which pictures are wanted, and where.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::html::{Figure, Svg, page};
use super::png::svg_to_png;
use super::scene::{Place, Scene};
use crate::cli::usage;
use crate::output::{Format, write_file};
use crate::session::{Session, say};

/// Pictures in place of the table.
#[derive(Debug, clap::Args)]
pub struct Files {
    /// Draw a picture to FILE, as SVG. It takes the place of the table; --json and --csv go on. `-` is standard output
    #[arg(long, value_name = "FILE", help_heading = "Pictures")]
    svg: Option<PathBuf>,
    /// The same as PNG
    #[arg(long, value_name = "FILE", help_heading = "Pictures")]
    png: Option<PathBuf>,
    /// The same as a page of HTML, where pointing at a block tells of it; needs no network
    #[arg(long, value_name = "FILE", help_heading = "Pictures")]
    html: Option<PathBuf>,
}

/// A picture that brings its own script, below another one in a page.
#[derive(Debug)]
pub struct Beside {
    pub heading: &'static str,
    pub svg: String,
    /// In pixels.
    pub height: u32,
    pub caption: &'static str,
}

impl Files {
    fn all(&self) -> impl Iterator<Item = &Path> {
        let all = [&self.svg, &self.png, &self.html];
        all.into_iter().filter_map(Option::as_deref)
    }

    /// Whether there is anything to draw.
    pub fn are_wanted(&self) -> bool {
        self.all().next().is_some()
    }

    /// Whether one of them goes to standard output.
    pub fn use_output(&self) -> bool {
        self.all().any(is_output)
    }

    /// Refuses two things on standard output.
    pub fn check(&self, session: &Session) -> Result<()> {
        let mut on_output = self.all().filter(|file| is_output(file)).count();
        if session.output.format() != Format::Table {
            on_output += 1;
        }
        match on_output {
            0 | 1 => Ok(()),
            _ => Err(usage("only one thing can be written to standard output")),
        }
    }

    /// Writes a picture in each format that was asked for, and says so. A page has room for another
    /// one below it.
    pub fn write(
        &self,
        scene: &Scene,
        beside: Option<&Beside>,
        session: &mut Session,
    ) -> Result<()> {
        if let Some(file) = &self.svg {
            put(file, scene.svg(Place::File).as_bytes(), session)?;
        }
        if let Some(file) = &self.png {
            put(file, &svg_to_png(&scene.svg(Place::File))?, session)?;
        }
        if let Some(file) = &self.html {
            let svg = scene.svg(Place::Page);
            let mut figures = vec![Figure {
                heading: "",
                svg: Svg::Part(&svg),
                caption: scene.caption,
            }];
            figures.extend(beside.map(|beside| Figure {
                heading: beside.heading,
                svg: Svg::Document(&beside.svg, beside.height),
                caption: beside.caption,
            }));
            let page = page(&scene.title, &figures);
            put(file, page.as_bytes(), session)?;
        }
        Ok(())
    }
}

/// Whether a file stands for standard output.
pub fn is_output(file: &Path) -> bool {
    file.as_os_str() == "-"
}

/// Writes a file, or to standard output, and says so.
pub fn put(file: &Path, contents: &[u8], session: &mut Session) -> Result<()> {
    if is_output(file) {
        return Ok(session.output.text(contents)?);
    }
    write_file(file, contents)?;
    say(format_args!("wrote {}", file.display()));
    Ok(())
}
