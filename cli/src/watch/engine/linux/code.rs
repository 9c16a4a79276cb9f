//! The description of code: functions and source lines.

pub use psapi::{Frame, MissingSymbols, SourceLine};

use crate::watch::engine::options::Code;

/// How a report names the functions.
pub const CODE: Code = Code {
    list: "function",
    noun: "functions",
    heading: "By module and function",
    caption: "The width of a frame is its number of faults. Click a frame to zoom in, or Search to mark functions.",
    has_symbols: true,
};
