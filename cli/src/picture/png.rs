//! PNG: the same SVG, drawn.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

use super::text::{BOLD, REGULAR};

/// Pixels a point. The blocks of a map are 2.5 or 5 points wide: whole pixels.
const SCALE: f32 = 3.2;

/// Draws a picture, always with the same font, so that it looks the same everywhere.
pub fn svg_to_png(svg: &str) -> Result<Vec<u8>> {
    let mut fonts = fontdb::Database::new();
    for font in [REGULAR, BOLD] {
        fonts.load_font_source(fontdb::Source::Binary(Arc::new(font)));
    }
    fonts.set_sans_serif_family("Arimo");
    let options = Options {
        fontdb: Arc::new(fonts),
        font_family: "Arimo".to_owned(),
        // Lengths in points become pixels one to one; the scale is ours.
        dpi: 72.0,
        ..Options::default()
    };
    let tree = Tree::from_str(svg, &options).context("can't read the picture to draw it")?;
    let size = tree.size().to_int_size();
    let size = size.scale_by(SCALE).context("the picture is too large")?;
    let mut pixels =
        Pixmap::new(size.width(), size.height()).context("the picture is too large")?;
    // The last row of pixels may be covered in part.
    pixels.fill(Color::WHITE);
    let transform = Transform::from_scale(SCALE, SCALE);
    resvg::render(&tree, transform, &mut pixels.as_mut());
    pixels.encode_png().context("can't encode the picture")
}
