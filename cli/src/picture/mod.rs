//! Pictures: a [`Scene`](scene::Scene) is laid out once, and SVG, PNG and a page of HTML come of it.

mod address_space;
mod axis;
#[cfg_attr(not(test), expect(dead_code, reason = "the watch draws faults"))]
mod faults;
mod files;
mod html;
mod palette;
mod png;
mod scene;
mod text;

pub use address_space::AddressSpace;
pub use files::Files;
