//! Reads small items of a process's memory with few calls.
//!
//! The loader allocates its list of modules and their paths from one heap, so items are near each
//! other. Memory is read in windows of 64 KiB, which is how address space is allocated. A window
//! that ends early, because less is mapped, serves the items that it contains.

use std::collections::VecDeque;

use super::layouts::ldr::Memory;
use crate::error::SourceError;

/// The size and alignment of a window.
const WINDOW: u64 = 1 << 16;

/// The size of a page: memory is readable in units of it.
const PAGE: u64 = 1 << 12;

/// The most windows that are kept. A program can scatter its list on purpose.
const MAX_WINDOWS: usize = 256;

/// The part of memory that was read last.
#[derive(Debug)]
pub(crate) struct MemoryWindows<R> {
    /// Copies bytes from an address into a buffer, and returns how many there were.
    read: R,
    windows: VecDeque<(u64, Vec<u8>)>,
}

impl<R: FnMut(u64, &mut [u8]) -> Result<usize, SourceError>> MemoryWindows<R> {
    pub(crate) fn new(read: R) -> Self {
        MemoryWindows {
            read,
            windows: VecDeque::new(),
        }
    }

    /// Returns the place of an item: the index of its window, and its offset there.
    fn place(&self, address: u64, length: usize) -> Option<(usize, usize)> {
        // The most recent windows serve most items.
        let indices = (0..self.windows.len()).rev();
        indices.into_iter().find_map(|index| {
            let (start, bytes) = &self.windows[index];
            let offset = usize::try_from(address.checked_sub(*start)?).ok()?;
            let is_inside = length <= bytes.len().checked_sub(offset)?;
            is_inside.then_some((index, offset))
        })
    }

    /// Reads a window from `start` to `end`.
    fn read_window(&mut self, start: u64, end: u64) -> Result<(), SourceError> {
        let mut bytes = vec![0; (end - start) as usize];
        let length = (self.read)(start, &mut bytes)?;
        bytes.truncate(length);
        bytes.shrink_to_fit();
        if self.windows.len() == MAX_WINDOWS {
            self.windows.pop_front();
        }
        self.windows.push_back((start, bytes));
        Ok(())
    }
}

impl<R: FnMut(u64, &mut [u8]) -> Result<usize, SourceError>> Memory for MemoryWindows<R> {
    fn bytes(&mut self, address: u64, length: usize) -> Result<Option<&[u8]>, SourceError> {
        let Some(end) = address.checked_add(length as u64) else {
            return Ok(None);
        };
        if length > 0 && self.place(address, length).is_none() {
            let up_to = |size: u64| end.checked_next_multiple_of(size).unwrap_or(end);
            let start = address - address % WINDOW;
            self.read_window(start, up_to(WINDOW))?;
            // What lies before the item in its window can be unmapped.
            if self.place(address, length).is_none() {
                self.read_window(address, up_to(WINDOW))?;
            }
            // A call that meets unmapped memory can stop anywhere before it.
            if self.place(address, length).is_none() {
                self.read_window(address, up_to(PAGE))?;
            }
        }
        let place = self.place(address, length);
        Ok(place.map(|(window, offset)| &self.windows[window].1[offset..offset + length]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::windows::layouts::ldr::tests::CannedMemory;

    fn windows_of(
        memory: &mut CannedMemory,
    ) -> MemoryWindows<impl FnMut(u64, &mut [u8]) -> Result<usize, SourceError>> {
        MemoryWindows::new(|address, into: &mut [u8]| memory.read(address, into))
    }

    #[test]
    fn neighboring_items_take_one_read() {
        let mut memory = CannedMemory::new(WINDOW, 2 * WINDOW as usize);
        memory.put(WINDOW + 5, b"item");
        let mut windows = windows_of(&mut memory);
        assert_eq!(windows.bytes(WINDOW + 5, 4).unwrap(), Some(&b"item"[..]));
        assert!(windows.bytes(2 * WINDOW - 4, 4).unwrap().is_some());
        assert!(windows.bytes(WINDOW, 0).unwrap().is_some());
        drop(windows);
        assert_eq!(memory.reads, 1);
    }

    #[test]
    fn scattered_items_keep_few_windows() {
        let windows = 2 * MAX_WINDOWS as u64;
        let mut memory = CannedMemory::new(0, (windows * WINDOW) as usize);
        let mut windows_of_memory = windows_of(&mut memory);
        for window in (0..windows).chain([0, windows - 1]) {
            let item = windows_of_memory.bytes(window * WINDOW, 8).unwrap();
            assert_eq!(item, Some(&[0; 8][..]));
            assert!(windows_of_memory.windows.len() <= MAX_WINDOWS);
        }
        drop(windows_of_memory);
        // The first window is read again, and the last is not.
        assert_eq!(memory.reads as u64, windows + 1);
    }

    #[test]
    fn item_across_boundary_is_read() {
        let mut memory = CannedMemory::new(WINDOW, 2 * WINDOW as usize);
        memory.put(2 * WINDOW - 2, b"item");
        let mut windows = windows_of(&mut memory);
        let item = windows.bytes(2 * WINDOW - 2, 4).unwrap();
        assert_eq!(item, Some(&b"item"[..]));
    }

    #[test]
    fn item_before_unmapped_page_is_read() {
        let mut memory = CannedMemory::new(WINDOW, 0x5000);
        memory.put(WINDOW + 0x4020, b"item");
        // The call copies all or nothing.
        let mut windows = MemoryWindows::new(|address, into: &mut [u8]| {
            let copied = memory.read(address, into)?;
            Ok(if copied == into.len() { copied } else { 0 })
        });
        let item = windows.bytes(WINDOW + 0x4020, 4).unwrap();
        assert_eq!(item, Some(&b"item"[..]));
        assert_eq!(windows.bytes(WINDOW + 0x4FFE, 4).unwrap(), None);
    }

    #[test]
    fn unmapped_start_of_window_is_skipped() {
        let mut memory = CannedMemory::new(WINDOW + 0x3000, 0x1000);
        memory.put(WINDOW + 0x3FFC, b"item");
        let mut windows = windows_of(&mut memory);
        let item = windows.bytes(WINDOW + 0x3FFC, 4).unwrap();
        assert_eq!(item, Some(&b"item"[..]));
        assert_eq!(windows.bytes(WINDOW + 0x3FFD, 4).unwrap(), None);
        assert_eq!(windows.bytes(u64::MAX, 4).unwrap(), None);
        assert_eq!(windows.bytes(u64::MAX - 8, 4).unwrap(), None);
    }
}
