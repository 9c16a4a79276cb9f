//! The memory of another process: `PROC/PID/mem`, and `process_vm_readv` where that is as safe.
//!
//! `mem` belongs to the process that was pinned. `process_vm_readv` reads twice as fast and takes
//! many places at once, but names its process by a bare id. It is used only where the proc file
//! system is of the caller's own pid namespace, so that the id means there what it means here, and
//! after `mem` could be opened, which asks for the same privilege. That the id did not pass to
//! another process meanwhile is for the caller to see afterwards: a pinned process that is still
//! there has held its id all the while.

use std::os::fd::OwnedFd;

use rustix::io::Errno;

use super::file::Directory;
use crate::ProcessId;
use crate::error::{Cause, Refusal};

/// The memory of a process, open for reading.
#[derive(Debug)]
pub(crate) struct Memory {
    mem: OwnedFd,
    /// The process's id for `process_vm_readv`, where that may be used.
    direct: Option<libc::pid_t>,
}

impl Memory {
    /// Opens the memory of a pinned process. `None`: this is not permitted.
    ///
    /// `direct` is the process's id where the caller's pid namespace knows it by that.
    pub(crate) fn open(
        process: &Directory,
        direct: Option<ProcessId>,
    ) -> Result<Option<Self>, Refusal> {
        match process.file(b"mem") {
            Ok(mem) => Ok(Some(Memory {
                mem,
                direct: direct.and_then(|id| id.get().try_into().ok()),
            })),
            Err(refusal) => match refusal.cause {
                Cause::Os(Errno::ACCESS | Errno::PERM | Errno::NOENT) => Ok(None),
                _ => Err(refusal),
            },
        }
    }

    /// Reads at an address and tells how much could be read: less than asked where the mapping
    /// ends, 0 where there is none.
    pub(crate) fn read(&self, address: u64, into: &mut [u8]) -> usize {
        let mut done = 0;
        while done < into.len() {
            let Some(at) = address.checked_add(done as u64) else {
                break;
            };
            match rustix::io::pread(&self.mem, &mut into[done..], at) {
                Ok(0) => break,
                Ok(length) => done += length,
                Err(Errno::INTR) => {}
                Err(_) => break,
            }
        }
        done
    }

    /// Reads `size` bytes at each of many addresses, one after the other into `into`, and tells of
    /// each how much could be read.
    pub(crate) fn read_many(
        &self,
        addresses: &[u64],
        size: usize,
        into: &mut Vec<u8>,
    ) -> Vec<usize> {
        into.resize(addresses.len() * size, 0);
        let mut lengths = Vec::with_capacity(addresses.len());
        while lengths.len() < addresses.len() {
            let first = lengths.len();
            let room = &mut into[first * size..];
            match self.read_direct(&addresses[first..], size, room) {
                0 => lengths.push(self.read(addresses[first], &mut room[..size])),
                whole => lengths.resize(first + whole, size),
            }
        }
        lengths
    }

    /// As `read_many` with one system call, which stops at the first address that can't be read
    /// whole. Tells how many were.
    fn read_direct(&self, addresses: &[u64], size: usize, into: &mut [u8]) -> usize {
        /// `UIO_MAXIOV`: what the kernel takes in one call.
        const MOST: usize = 1024;
        let Some(process) = self.direct.filter(|_| size > 0) else {
            return 0;
        };
        let mut places = Vec::with_capacity(addresses.len().min(MOST));
        for &address in addresses.iter().take(MOST) {
            match usize::try_from(address) {
                Ok(address) => places.push(libc::iovec {
                    iov_base: address as *mut libc::c_void,
                    iov_len: size,
                }),
                Err(_) => break,
            }
        }
        let Some(room) = into.get_mut(..places.len() * size) else {
            return 0;
        };
        let local = libc::iovec {
            iov_base: room.as_mut_ptr().cast(),
            iov_len: room.len(),
        };
        // SAFETY: the kernel writes to this process only what `local` describes, which is `room`,
        // borrowed for the whole call; the addresses in `places` are of the other process and are
        // only read, there, by the kernel, which checks them.
        let length = unsafe {
            libc::process_vm_readv(process, &local, 1, places.as_ptr(), places.len() as _, 0)
        };
        usize::try_from(length).map_or(0, |length| length / size)
    }
}

/// A window on the memory of a process, for many small reads that lie close together.
#[derive(Debug)]
pub(crate) struct Window<'m> {
    memory: &'m Memory,
    start: u64,
    bytes: Vec<u8>,
    length: usize,
}

impl<'m> Window<'m> {
    /// A window of some bytes.
    pub(crate) fn new(memory: &'m Memory, size: usize) -> Self {
        Window {
            memory,
            start: 0,
            bytes: vec![0; size],
            length: 0,
        }
    }

    /// The bytes at an address; `None` if not all of them can be read.
    pub(crate) fn get(&mut self, address: u64, size: usize) -> Option<&[u8]> {
        if self.place(address, size).is_none() {
            self.start = address;
            let room = &mut self.bytes[..];
            self.length = match self.memory.read_direct(&[address], room.len(), room) {
                0 => self.memory.read(address, room),
                _ => room.len(),
            };
        }
        let place = self.place(address, size)?;
        self.bytes.get(place..place + size)
    }

    fn place(&self, address: u64, size: usize) -> Option<usize> {
        let place = usize::try_from(address.checked_sub(self.start)?).ok()?;
        (place.checked_add(size)? <= self.length).then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// This process's own memory, by both ways.
    fn both_ways() -> [Memory; 2] {
        let process = Directory::open(Path::new("/proc/self")).unwrap();
        let id = ProcessId::new(std::process::id());
        [None, Some(id)].map(|direct| Memory::open(&process, direct).unwrap().unwrap())
    }

    #[test]
    fn many_places_are_read_and_holes_among_them_are_told() {
        let texts: Vec<[u8; 8]> = (0..3000u64).map(u64::to_ne_bytes).collect();
        let mut addresses: Vec<u64> = texts.iter().map(|text| text.as_ptr() as u64).collect();
        // Nothing is ever mapped there.
        let holes = [0, 1023, 1024, 2999];
        for hole in holes {
            addresses[hole] = 16;
        }
        addresses[7] = u64::MAX;
        for memory in both_ways() {
            let mut bytes = Vec::new();
            let lengths = memory.read_many(&addresses, 8, &mut bytes);
            assert_eq!(lengths.len(), texts.len());
            for (index, length) in lengths.into_iter().enumerate() {
                if holes.contains(&index) || index == 7 {
                    assert_eq!(length, 0, "{index}");
                } else {
                    assert_eq!(length, 8, "{index}");
                    assert_eq!(bytes[index * 8..][..8], texts[index]);
                }
            }
            assert!(memory.read_many(&[], 8, &mut bytes).is_empty());
        }
    }

    #[test]
    fn a_window_moves_to_what_is_asked() {
        let text: Vec<u8> = (0..=255).cycle().take(100_000).collect();
        let start = text.as_ptr() as u64;
        for memory in both_ways() {
            let mut window = Window::new(&memory, 4096);
            for at in [0, 4000, 4095, 90_000, 8, 99_990] {
                let found = window.get(start + at as u64, 10).unwrap();
                assert_eq!(found, &text[at..at + 10]);
            }
            assert_eq!(window.get(16, 8), None);
            assert_eq!(window.get(u64::MAX - 3, 8), None);
            assert_eq!(window.get(start, 4097), None);
        }
    }
}
