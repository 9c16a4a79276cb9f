//! The memory of another process: `PROC/PID/mem`, and `process_vm_readv` where that is as safe.
//!
//! `mem` belongs to the process that was pinned, but is a file of its user's alone.
//! `process_vm_readv` reads twice as fast, takes many places at once, and asks for no more than the
//! right to trace the process, but names that by a bare id. It is used only where the proc file
//! system is of the caller's own pid namespace, so that the id means there what it means here. That
//! the id did not pass to another process meanwhile is for the caller to see afterwards: a pinned
//! process that is still there has held its id all the while.

use std::os::fd::OwnedFd;

use rustix::io::Errno;

use super::file::Directory;
use crate::ProcessId;
use crate::error::{Cause, Refusal};

/// The memory of a process, open for reading.
#[derive(Debug)]
pub(crate) struct Memory {
    /// `None` where the file is refused; `direct` is then known, and permitted.
    mem: Option<OwnedFd>,
    /// The process's id for `process_vm_readv`, where that may be used.
    direct: Option<libc::pid_t>,
    page_size: usize,
}

impl Memory {
    /// Opens the memory of a pinned process. `None`: this is not permitted.
    ///
    /// `direct` is the process's id where the caller's pid namespace knows it by that.
    pub(crate) fn open(
        process: &Directory,
        direct: Option<ProcessId>,
    ) -> Result<Option<Self>, Refusal> {
        let mem = match process.file(b"mem") {
            Ok(mem) => Some(mem),
            Err(refusal) => match refusal.cause {
                Cause::Os(Errno::ACCESS | Errno::PERM | Errno::NOENT) => None,
                _ => return Err(refusal),
            },
        };
        let is_open = mem.is_some();
        let memory = Memory {
            mem,
            direct: direct.and_then(|id| id.get().try_into().ok()),
            page_size: rustix::param::page_size(),
        };
        // At the first address nothing is mapped, which is told only to who may ask.
        let probe = || memory.transfer([(0, 1)], &mut [0]);
        let is_permitted = is_open || matches!(probe(), Ok(_) | Err(Errno::FAULT));
        Ok(is_permitted.then_some(memory))
    }

    /// Reads at an address and tells how much could be read: less than asked where the mapping
    /// ends, 0 where there is none.
    pub(crate) fn read(&self, address: u64, into: &mut [u8]) -> usize {
        let Some(mem) = &self.mem else {
            return self.read_pages(address, into);
        };
        let mut done = 0;
        while done < into.len() {
            let Some(at) = address.checked_add(done as u64) else {
                break;
            };
            match rustix::io::pread(mem, &mut into[done..], at) {
                Ok(0) => break,
                Ok(length) => done += length,
                Err(Errno::INTR) => {}
                Err(_) => break,
            }
        }
        done
    }

    /// As [`read`](Self::read), without the file: page by page, since a place may not be read in
    /// part.
    fn read_pages(&self, address: u64, into: &mut [u8]) -> usize {
        let page = self.page_size as u64;
        let mut done = 0;
        while done < into.len() {
            let left = (into.len() - done) as u64;
            let mut next = address.checked_add(done as u64);
            let mut end = 0;
            let places = std::iter::from_fn(|| {
                let at = next?;
                let length = (page - at % page).min(left - end);
                end += length;
                next = at.checked_add(length);
                (length > 0).then_some((at, length as usize))
            });
            match self.transfer(places, &mut into[done..]) {
                Ok(0) | Err(_) => break,
                Ok(length) => done += length,
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
        let places = addresses.iter().map(|&address| (address, size));
        let length = self.transfer(places, into).unwrap_or(0);
        length.checked_div(size).unwrap_or(0)
    }

    /// Reads places, each an address and a length, one after the other into `into`: as many as one
    /// system call takes. Tells how many bytes were read before the first that can't be.
    fn transfer(
        &self,
        places: impl IntoIterator<Item = (u64, usize)>,
        into: &mut [u8],
    ) -> Result<usize, Errno> {
        /// `UIO_MAXIOV`: what the kernel takes in one call.
        const MOST: usize = 1024;
        let process = self.direct.ok_or(Errno::NOSYS)?;
        let places = places.into_iter().take(MOST);
        let (mut remote, mut length) = (Vec::with_capacity(places.size_hint().0), 0);
        for (address, size) in places {
            let (Ok(address), true) = (usize::try_from(address), length + size <= into.len())
            else {
                break;
            };
            length += size;
            remote.push(libc::iovec {
                iov_base: address as *mut libc::c_void,
                iov_len: size,
            });
        }
        let room = &mut into[..length];
        let local = libc::iovec {
            iov_base: room.as_mut_ptr().cast(),
            iov_len: room.len(),
        };
        // SAFETY: the kernel writes to this process only what `local` describes, which is `room`,
        // borrowed for the whole call; the addresses in `remote` are of the other process and are
        // only read, there, by the kernel, which checks them.
        let length = unsafe {
            libc::process_vm_readv(process, &local, 1, remote.as_ptr(), remote.len() as _, 0)
        };
        usize::try_from(length).map_err(|_| {
            let error = std::io::Error::last_os_error();
            Errno::from_io_error(&error).unwrap_or(Errno::IO)
        })
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

    /// This process's own memory, by the file, by both ways, and without the file.
    fn all_ways() -> [Memory; 3] {
        let process = Directory::open(Path::new("/proc/self")).unwrap();
        let id = ProcessId::new(std::process::id());
        let open = |direct| Memory::open(&process, direct).unwrap().unwrap();
        let without_file = Memory {
            mem: None,
            ..open(Some(id))
        };
        [open(None), open(Some(id)), without_file]
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
        for memory in all_ways() {
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
    fn what_lies_before_the_end_of_a_mapping_is_read() {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let stack = maps.lines().find(|line| line.ends_with("[stack]"));
        let (_, end) = stack.unwrap().split_once('-').unwrap();
        let end = u64::from_str_radix(end.split(' ').next().unwrap(), 16).unwrap();
        for memory in all_ways() {
            for (before, expected) in [(10, 10), (5000, 5000), (9000, 8999)] {
                let mut bytes = [0; 8999];
                assert_eq!(memory.read(end - before, &mut bytes), expected);
            }
        }
    }

    #[test]
    fn a_window_moves_to_what_is_asked() {
        let text: Vec<u8> = (0..=255).cycle().take(100_000).collect();
        let start = text.as_ptr() as u64;
        for memory in all_ways() {
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
