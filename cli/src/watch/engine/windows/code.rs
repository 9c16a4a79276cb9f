//! The description of code: the module and the offset of an instruction.

use std::fmt;
use std::path::PathBuf;

use psapi::AddressMap;

use crate::watch::engine::options::Code;

/// How a report names the instructions.
pub const CODE: Code = Code {
    list: "instruction",
    noun: "instructions",
    heading: "By module and instruction",
    caption: "The width of a frame is its number of faults. Click a frame to zoom in, or Search to mark instructions.",
    has_symbols: false,
};

/// An instruction, where other systems have a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The name of the module and the offset: `ntdll.dll+0x1234`. `None` outside all modules.
    pub function: Option<String>,
    pub module: Option<PathBuf>,
    pub source: Option<SourceLine>,
    pub offset: Option<u64>,
}

/// A source line.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SourceLine {
    pub path: PathBuf,
    pub line: Option<u32>,
}

/// A module without symbols.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingSymbols {
    pub module: PathBuf,
    pub reason: String,
}

impl fmt::Display for MissingSymbols {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no symbols for {}: {}",
            self.module.display(),
            self.reason
        )
    }
}

impl Frame {
    /// Returns the instruction at an address.
    pub fn new(map: &AddressMap, address: u64) -> Self {
        let module = map.resolve(address).and_then(|location| location.module);
        let name = module.and_then(|module| module.path.file_name());
        let offset = module.and_then(|module| address.checked_sub(module.base));
        let function = name
            .zip(offset)
            .map(|(name, offset)| format!("{}+{offset:#x}", name.display()));
        Frame {
            function,
            module: module.map(|module| module.path.clone()),
            source: None,
            offset: None,
        }
    }
}
