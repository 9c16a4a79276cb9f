//! The parts of the cache.

use std::path::PathBuf;

/// The places of the parts.
#[derive(Debug, Clone)]
pub struct Places {
    /// The compilers and linkers.
    pub toolchain: PathBuf,
    /// The programs of Wine.
    pub wine: PathBuf,
    /// The Windows machine that Wine presents.
    pub prefix: PathBuf,
}
