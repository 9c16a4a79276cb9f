//! ELF images in a process: parsing their headers, locating them in memory, listing them.

#[cfg(feature = "symbols")]
pub(crate) mod debug_file;
#[cfg(feature = "symbols")]
pub(crate) mod file;
pub(crate) mod header;
pub(crate) mod image;
pub(crate) mod layout;
pub(crate) mod link_map;
pub(crate) mod modules;
#[cfg(feature = "symbols")]
pub(crate) mod perf_map;
pub(crate) mod search;
#[cfg(feature = "symbols")]
pub(crate) mod sections;
pub(crate) mod source;
#[cfg(feature = "symbols")]
pub(crate) mod unpacked;
