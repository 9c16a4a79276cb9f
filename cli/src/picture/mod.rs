//! Pictures: a [`Scene`](scene::Scene) is laid out once, and SVG, PNG and a page of HTML come of it.

mod address_space;
mod axis;
mod faults;
mod files;
mod html;
mod palette;
mod png;
mod scene;
mod text;

pub use address_space::AddressSpace;
pub use faults::{FaultPoint, Span, faults_over_time};
pub use files::{Beside, Files, is_output, put};
pub use scene::Scene;
