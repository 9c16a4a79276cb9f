//! `PEB_LDR_DATA` and `LDR_DATA_TABLE_ENTRY`: the loader's list of modules in load order.
//!
//! The list is circular, and begins and ends in `PEB_LDR_DATA`. The process can change it at any
//! time, and can store any bytes in it. So each link is followed at most once. A link ends the list
//! if it leads nowhere, or to memory whose own link does not lead back: that is no entry. It
//! also ends after [`MAX_MODULES`], which no loader reaches.

use std::collections::HashSet;

use super::reader::{Reader, UnicodeString, Width};
use crate::error::SourceError;

/// The most modules that are read from one list.
const MAX_MODULES: usize = 1 << 14;

/// The most bytes of paths that are read from one list.
const MAX_PATHS: usize = 1 << 26;

/// Reads the memory of a process.
pub(crate) trait Memory {
    /// Returns the bytes at an address; `None` if not all of them can be read.
    fn bytes(&mut self, address: u64, length: usize) -> Result<Option<&[u8]>, SourceError>;
}

/// A module in the loader's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LdrModule {
    pub(crate) base: u64,
    /// The address of the entry point; 0 without one.
    pub(crate) entry_point: u64,
    pub(crate) size: u64,
    /// The path in UTF-16; empty if it is not readable.
    pub(crate) path: Vec<u8>,
}

/// The modules in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LdrModules {
    pub(crate) modules: Vec<LdrModule>,
    /// Whether the list was followed back to its start.
    pub(crate) is_complete: bool,
}

/// Reads the list that begins in the `PEB_LDR_DATA` at an address.
pub(crate) fn read(
    memory: &mut impl Memory,
    ldr: u64,
    width: Width,
) -> Result<LdrModules, SourceError> {
    let mut list = LdrModules {
        modules: Vec::new(),
        is_complete: false,
    };
    let head = ldr.wrapping_add(list_offset(width));
    let Some(mut link) = read_link(memory, head, width)? else {
        return Ok(list);
    };
    let mut entries = Vec::new();
    let mut followed = HashSet::new();
    let mut previous = head;
    while link != head && followed.len() < MAX_MODULES && followed.insert(link) {
        let entry = memory.bytes(link, entry_size(width))?;
        let Some(entry) = entry.and_then(|bytes| Entry::parse(bytes, width)) else {
            break;
        };
        if entry.previous != previous {
            break;
        }
        previous = link;
        link = entry.next;
        // An entry that is being removed has no base.
        if entry.base != 0 {
            entries.push(entry);
        }
    }
    list.is_complete = link == head;
    let mut room = MAX_PATHS;
    for entry in entries {
        let UnicodeString { length, address } = entry.path;
        let path = match usize::from(length) {
            length if length <= room => memory.bytes(address, length)?.unwrap_or_default(),
            _ => &[],
        };
        room -= path.len();
        list.modules.push(LdrModule {
            base: entry.base,
            entry_point: entry.entry_point,
            size: entry.size.into(),
            path: path.to_vec(),
        });
    }
    Ok(list)
}

/// Returns the offset of `InLoadOrderModuleList` in `PEB_LDR_DATA`.
fn list_offset(width: Width) -> u64 {
    match width {
        Width::Bits32 => 0x0C,
        Width::Bits64 => 0x10,
    }
}

/// Returns the size of the part of an entry that [`Entry`] is parsed from.
fn entry_size(width: Width) -> usize {
    match width {
        Width::Bits32 => 0x2C,
        Width::Bits64 => 0x58,
    }
}

fn read_link(
    memory: &mut impl Memory,
    address: u64,
    width: Width,
) -> Result<Option<u64>, SourceError> {
    let bytes = memory.bytes(address, width.bytes())?;
    Ok(bytes.and_then(|bytes| Reader::new(bytes, width).size()))
}

/// The start of `LDR_DATA_TABLE_ENTRY`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    next: u64,
    previous: u64,
    base: u64,
    entry_point: u64,
    size: u32,
    path: UnicodeString,
}

impl Entry {
    fn parse(bytes: &[u8], width: Width) -> Option<Self> {
        let mut fields = Reader::new(bytes, width);
        let next = fields.size()?;
        let previous = fields.size()?;
        for _link_of_other_lists in 0..4 {
            fields.size()?;
        }
        Some(Entry {
            next,
            previous,
            base: fields.size()?,
            entry_point: fields.size()?,
            size: fields.u32()?,
            path: fields.unicode_string()?,
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::sys::windows::memory_windows::MemoryWindows;

    /// The memory of a process that a test arranges.
    #[derive(Debug, Clone)]
    pub(crate) struct CannedMemory {
        pub(crate) start: u64,
        pub(crate) bytes: Vec<u8>,
        /// How often the memory was read.
        pub(crate) reads: usize,
    }

    impl CannedMemory {
        pub(crate) fn new(start: u64, size: usize) -> Self {
            CannedMemory {
                start,
                bytes: vec![0; size],
                reads: 0,
            }
        }

        pub(crate) fn put(&mut self, address: u64, bytes: &[u8]) {
            let at = (address - self.start) as usize;
            self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
        }

        pub(crate) fn put_size(&mut self, address: u64, width: Width, number: u64) {
            self.put(address, &number.to_le_bytes()[..width.bytes()]);
        }

        /// Copies as many bytes as there are, like `NtReadVirtualMemory`.
        pub(crate) fn read(&mut self, address: u64, into: &mut [u8]) -> Result<usize, SourceError> {
            self.reads += 1;
            let Some(at) = address.checked_sub(self.start) else {
                return Ok(0);
            };
            let found = self.bytes.get(at as usize..).unwrap_or_default();
            let length = found.len().min(into.len());
            into[..length].copy_from_slice(&found[..length]);
            Ok(length)
        }
    }

    const START: u64 = 0x20_0000;
    const LDR: u64 = START + 0x40;

    /// The distance between two entries, each with its path.
    const STRIDE: u64 = 0x300;

    fn entry_at(index: u64) -> u64 {
        START + 0x1000 + index * STRIDE
    }

    fn path_of(index: u64) -> String {
        format!("C:\\windows\\system32\\library{index}.dll")
    }

    /// Returns a list of modules, as a loader leaves it.
    fn list(width: Width, modules: u64) -> CannedMemory {
        let mut memory = CannedMemory::new(START, (0x1000 + modules * STRIDE) as usize);
        let size = width.bytes() as u64;
        let head = LDR
            + match width {
                Width::Bits32 => 0x0C,
                Width::Bits64 => 0x10,
            };
        let mut last = head;
        for index in 0..modules {
            let entry = entry_at(index);
            memory.put_size(last, width, entry);
            memory.put_size(entry + size, width, last);
            let fields = entry + 6 * size;
            memory.put_size(fields, width, 0x1000_0000 + index * 0x10_0000);
            memory.put_size(fields + size, width, 0x1000_1000 + index * 0x10_0000);
            memory.put(fields + 2 * size, &0x8000_u32.to_le_bytes());
            let path: Vec<u8> = path_of(index)
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect();
            let length = path.len() as u16;
            memory.put(fields + 3 * size, &length.to_le_bytes());
            memory.put(fields + 3 * size + 2, &(length + 2).to_le_bytes());
            memory.put_size(fields + 4 * size, width, entry + 0x140);
            memory.put(entry + 0x140, &path);
            last = entry;
        }
        memory.put_size(last, width, head);
        memory
    }

    fn read_list(memory: CannedMemory, width: Width) -> (LdrModules, usize) {
        let mut memory = memory;
        let modules = {
            let mut windows =
                MemoryWindows::new(|address, into: &mut [u8]| memory.read(address, into));
            read(&mut windows, LDR, width).unwrap()
        };
        (modules, memory.reads)
    }

    fn text(bytes: &[u8]) -> String {
        let units = bytes
            .chunks_exact(2)
            .map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
        char::decode_utf16(units).map(Result::unwrap).collect()
    }

    #[test]
    fn modules_are_in_load_order() {
        for width in [Width::Bits32, Width::Bits64] {
            let (list, _) = read_list(list(width, 3), width);
            assert!(list.is_complete);
            assert_eq!(list.modules.len(), 3);
            for (index, module) in (0..).zip(&list.modules) {
                assert_eq!(module.base, 0x1000_0000 + index * 0x10_0000);
                assert_eq!(module.entry_point, module.base + 0x1000);
                assert_eq!(module.size, 0x8000);
                assert_eq!(text(&module.path), path_of(index));
            }
        }
    }

    #[test]
    fn reads_are_fewer_than_modules() {
        for width in [Width::Bits32, Width::Bits64] {
            for modules in [1, 10, 100, 1000] {
                let (list, reads) = read_list(list(width, modules), width);
                assert_eq!(list.modules.len() as u64, modules);
                assert!(
                    reads as u64 <= modules + 2,
                    "{reads} reads of {modules} modules"
                );
            }
        }
    }

    #[test]
    fn looping_list_ends() {
        for width in [Width::Bits32, Width::Bits64] {
            for back_to in [0, 1, 2] {
                let mut memory = list(width, 3);
                memory.put_size(entry_at(2), width, entry_at(back_to));
                let (list, _) = read_list(memory, width);
                assert!(!list.is_complete);
                assert_eq!(list.modules.len(), 3);
            }
        }
    }

    /// Entries that overlap, so that a small memory contains many: only their links lie apart.
    #[test]
    fn endless_list_ends() {
        for width in [Width::Bits32, Width::Bits64] {
            let size = width.bytes() as u64;
            let entries = 2 * MAX_MODULES as u64;
            let first = START + 0x1000;
            let head = LDR + list_offset(width);
            let mut memory = list(width, 0);
            memory
                .bytes
                .resize(0x1100 + (entries * 2 * size) as usize, 0);
            memory.put_size(head, width, first);
            let mut previous = head;
            for index in 0..entries {
                let entry = first + index * 2 * size;
                memory.put_size(entry, width, entry + 2 * size);
                memory.put_size(entry + size, width, previous);
                previous = entry;
            }
            let (list, _) = read_list(memory, width);
            assert!(!list.is_complete);
            assert!(list.modules.len() <= MAX_MODULES);
            assert!(list.modules.len() > MAX_MODULES / 2);
            let paths: usize = list.modules.iter().map(|module| module.path.len()).sum();
            assert!(paths <= MAX_PATHS);
        }
    }

    /// Lengths that no loader writes: an odd one, and one beyond the maximum.
    #[test]
    fn absurd_path_length_is_read_as_is() {
        for width in [Width::Bits32, Width::Bits64] {
            let length = entry_at(0) + 9 * width.bytes() as u64;
            let mut memory = list(width, 1);
            memory.put(length, &[7, 0, 2, 0]);
            let (found, _) = read_list(memory, width);
            assert_eq!(found.modules[0].path, b"C\0:\0\\\0w");
            let mut memory = list(width, 1);
            memory.put(length, &[0xFF, 0xFF, 0, 0]);
            let (found, _) = read_list(memory, width);
            assert!(found.is_complete && found.modules[0].path.is_empty());
        }
    }

    /// Addresses of the kernel, which cannot be read.
    #[test]
    fn link_to_kernel_ends_list() {
        for (width, kernel) in [
            (Width::Bits32, 0x8000_0000),
            (Width::Bits64, 0xFFFF_8000_0000_0000),
        ] {
            let mut memory = list(width, 3);
            memory.put_size(entry_at(0), width, kernel);
            let (list, _) = read_list(memory, width);
            assert_eq!((list.modules.len(), list.is_complete), (1, false));
        }
    }

    #[test]
    fn link_to_nowhere_ends_list() {
        for width in [Width::Bits32, Width::Bits64] {
            for nowhere in [0, 1, START - 8, 0xFFFF_FFF8, u64::MAX] {
                let mut memory = list(width, 3);
                memory.put_size(entry_at(1), width, nowhere);
                let (list, _) = read_list(memory, width);
                assert!(!list.is_complete);
                assert_eq!(list.modules.len(), 2);
            }
            let memory = CannedMemory::new(0x9000_0000, 0x1000);
            let (list, _) = read_list(memory, width);
            assert_eq!((list.modules.len(), list.is_complete), (0, false));
        }
    }

    /// Other memory can contain any numbers in the place of a base.
    #[test]
    fn link_to_other_memory_ends_list() {
        for width in [Width::Bits32, Width::Bits64] {
            let mut memory = list(width, 3);
            let other = START + 0x100;
            memory.put(other, &[7; 0x100]);
            memory.put_size(entry_at(1), width, other);
            let (list, _) = read_list(memory, width);
            assert!(!list.is_complete);
            assert_eq!(list.modules.len(), 2);
        }
    }

    #[test]
    fn unreadable_path_is_empty() {
        for width in [Width::Bits32, Width::Bits64] {
            let size = width.bytes() as u64;
            let mut memory = list(width, 2);
            memory.put_size(entry_at(0) + 10 * size, width, 0x7000_0000);
            memory.put_size(entry_at(1) + 6 * size, width, 0);
            let (list, _) = read_list(memory, width);
            assert!(list.is_complete);
            // The second entry has no base.
            assert_eq!(list.modules.len(), 1);
            assert!(list.modules[0].path.is_empty());
        }
    }

    #[test]
    fn longest_path_is_read_completely() {
        let width = Width::Bits64;
        let mut memory = list(width, 1);
        let path: Vec<u8> = (0..32_767_u16)
            .flat_map(|unit| (unit | 1).to_le_bytes())
            .collect();
        let at = START + memory.bytes.len() as u64;
        memory.bytes.extend_from_slice(&path);
        memory.put(entry_at(0) + 0x48, &(path.len() as u16).to_le_bytes());
        memory.put_size(entry_at(0) + 0x50, width, at);
        let (list, _) = read_list(memory, width);
        assert_eq!(list.modules[0].path, path);
    }
}
