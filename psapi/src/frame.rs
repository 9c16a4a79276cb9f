//! The result of symbolizing an address: a function and its source line.

use std::path::PathBuf;

/// A function that is active at an address, and the position of the address in it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Frame {
    /// The name of the function, demangled for C++ and Rust, with scope and parameters where these
    /// are known. They are unknown for an inlined function that is local to a C++ file. `None` if
    /// the name is unknown, for example in a module without symbols.
    ///
    /// A name does not identify a function; the module and `offset` do.
    pub function: Option<String>,
    /// The path of the module in the process's mount namespace; `[vdso]`, `[kernel]`, or the name
    /// of a driver in brackets. `None` for code that the program generated at run time.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::serialize::optional_text")
    )]
    pub module: Option<PathBuf>,
    /// The source line; for a function into which others were inlined, the line of that call.
    /// `None` without debug information.
    pub source: Option<SourceLine>,
    /// Whether the compiler inlined this function into the one before it, so that no call was
    /// made.
    pub inlined: bool,
    /// The distance in bytes from the start of the function, or from the base of the module if the
    /// function is unknown.
    ///
    /// `None` for an inlined function, which has no start of its own, and for an unknown function
    /// in the kernel.
    pub offset: Option<u64>,
}

/// A line of source code.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct SourceLine {
    /// The path of the file as recorded by the compiler.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serialize::text"))]
    pub path: PathBuf,
    /// The 1-based line; `None` if the line table has no entry for the address.
    pub line: Option<u32>,
}
