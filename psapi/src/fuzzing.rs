//! Properties that hold for every input, for the fuzz targets and the property tests.

mod saved_working_sets;

pub use crate::sys::properties::*;
pub use saved_working_sets::saved_working_set;

/// Returns all properties.
pub fn properties() -> impl Iterator<Item = Property> {
    let saved: Property = ("saved_working_set", saved_working_set);
    PARSERS.iter().copied().chain([saved])
}

#[cfg(test)]
mod tests;
