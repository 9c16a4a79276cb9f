//! Reads the mappings and modules of processes. No file is opened: Windows keeps the names.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use psapi::{AddressMap, Fields, Process, System};

use super::code::{Frame, MissingSymbols};

/// A reader of mappings and modules.
#[derive(Debug)]
pub struct FileReader;

impl FileReader {
    pub fn new(_: &System, _with_symbols: bool) -> Self {
        FileReader
    }

    /// Reads the name of a process's program and its address space.
    pub fn open(&mut self, process: &Arc<Process>) -> (Option<OsString>, Option<AddressMap>) {
        let status = process.status(Fields::STAT | Fields::IMAGE).ok();
        let name = status.and_then(|status| status.display_name());
        (name, process.address_map().ok())
    }

    /// Reads an address space again. Returns `None` if it is unchanged or cannot be read.
    pub fn refresh(&mut self, process: &Arc<Process>, map: &Arc<AddressMap>) -> Option<AddressMap> {
        let mut map = AddressMap::clone(map);
        matches!(map.refresh(process), Ok(true)).then_some(map)
    }

    /// Does nothing: no file of a module is needed later.
    pub fn hold(&mut self, _: &Arc<Process>, _: &Arc<AddressMap>) {}

    /// Returns a frame for each instruction.
    pub fn frames(
        &mut self,
        _: &Arc<Process>,
        map: &Arc<AddressMap>,
        addresses: &[u64],
    ) -> Vec<Arc<[Frame]>> {
        let frame = |&address: &u64| Arc::from([Frame::new(map, address)]);
        addresses.iter().map(frame).collect()
    }

    /// Returns nothing: no symbols are read.
    pub fn missing(&mut self) -> Vec<MissingSymbols> {
        Vec::new()
    }

    /// Returns nothing: no file is left out.
    pub fn unread(&self) -> impl Iterator<Item = &Path> {
        std::iter::empty()
    }

    /// Makes a call that reads the mappings of a process.
    pub fn read_mappings<T>(&mut self, read: impl Fn() -> T) -> Option<T> {
        Some(read())
    }
}
