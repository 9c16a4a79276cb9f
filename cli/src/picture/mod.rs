//! Pictures. A [`Scene`] is laid out once and written as SVG, PNG or part of an HTML page.
//!
//! This module depends on neither the command line nor a session: callers decide which pictures to
//! draw and where to write them.

mod address_space;
mod axis;
mod faults;
mod html;
mod metrics;
mod page_kind;
mod palette;
mod png;
mod scene;
mod text;

pub use address_space::{address_space_scene, difference_scene};
pub use faults::{FaultPoint, ProgramFaults, Span, faults_over_time};
pub use html::{Figure, SvgSource, html_page};
pub use png::svg_to_png;
pub use scene::{Scene, SvgTarget};
pub use text::FONT_FAMILY;
