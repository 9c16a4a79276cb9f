//! Renders a picture from SVG to PNG.

use std::hint::black_box;
use std::io::Write as _;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use resvg::tiny_skia::{PixmapMut, Transform};
use resvg::usvg::{Options, Tree, fontdb};

use super::text::{BOLD, REGULAR};
use crate::output::human_size;

/// Pixels per point. Blocks of a map are 2.5 or 5 points wide, which makes 8 or 16 whole pixels.
const SCALE: f32 = 3.2;

/// Renders SVG with the embedded font, so that the result does not depend on installed fonts.
pub fn svg_to_png(svg: &str) -> Result<Vec<u8>> {
    ensure_memory(TREE_SIZE * svg.len())?;
    let mut fonts = fontdb::Database::new();
    for font in [REGULAR, BOLD] {
        fonts.load_font_source(fontdb::Source::Binary(Arc::new(font)));
    }
    fonts.set_sans_serif_family("Arimo");
    let options = Options {
        fontdb: Arc::new(fonts),
        font_family: "Arimo".to_owned(),
        // At 72 dpi a point is a pixel. SCALE is applied below.
        dpi: 72.0,
        ..Options::default()
    };
    let tree = Tree::from_str(svg, &options).context("cannot parse the SVG of the picture")?;
    let size = tree.size().to_int_size();
    let size = size.scale_by(SCALE).context("the picture is too large")?;
    let (width, height) = (size.width(), size.height());
    let mut bytes = white_pixels(width, height)?;
    let mut pixels =
        PixmapMut::from_bytes(&mut bytes, width, height).context("the picture is too large")?;
    let transform = Transform::from_scale(SCALE, SCALE);
    resvg::render(&tree, transform, &mut pixels);
    encode(&bytes, width, height).context("cannot encode the picture as PNG")
}

/// Bytes of a pixel: red, green, blue and opacity.
const PIXEL: usize = 4;

/// Bytes of the parsed picture for each byte of SVG: twice as much as pictures need.
const TREE_SIZE: usize = 10;

/// Memory for fonts, shapes and rows of pixels: twice as much as pictures need.
const WORKING_MEMORY: usize = 4 << 20;

/// Returns white pixels; the picture might cover the last row only in part. Fails if memory is
/// exhausted or limited.
fn white_pixels(width: u32, height: u32) -> Result<Vec<u8>> {
    let (width, height) = (width as usize, height as usize);
    let size = width
        .checked_mul(height)
        .and_then(|pixels| pixels.checked_mul(PIXEL));
    let size = size.context("the picture is too large")?;
    ensure_memory(size)?;
    Ok(vec![u8::MAX; size])
}

/// Fails unless `size` bytes can be allocated, in addition to the memory that drawing needs.
///
/// A library that cannot allocate memory ends the program. This function therefore allocates the
/// memory beforehand, to check whether there is enough, and frees it.
fn ensure_memory(size: usize) -> Result<()> {
    let size = size.saturating_add(WORKING_MEMORY);
    let mut memory = Vec::<u8>::new();
    let reserved = memory.try_reserve_exact(size);
    // Without this, the compiler may leave out the allocation, because nothing uses the memory.
    black_box(&memory);
    ensure!(
        reserved.is_ok(),
        "cannot draw the PNG: the system or a limit (ulimit -v) refuses {} of memory",
        human_size(size as u64)
    );
    Ok(())
}

/// Encodes pixels in rows. All of them are opaque, so their colors are not multiplied by opacity.
fn encode(pixels: &[u8], width: u32, height: u32) -> Result<Vec<u8>, png::EncodingError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let mut header = encoder.write_header()?;
    let mut body = header.stream_writer()?;
    body.write_all(pixels)?;
    body.finish()?;
    drop(header);
    Ok(file)
}
