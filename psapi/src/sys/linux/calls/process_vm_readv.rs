//! Reads the memory of another process through `PROC/PID/mem` or `process_vm_readv`.
//!
//! An open `mem` file always refers to the pinned process, but only the process's user can open it.
//! `process_vm_readv` is twice as fast, reads many ranges at once and requires only the right to
//! trace the process. However, it takes a plain process id. It is therefore used only if `/proc`
//! belongs to the caller's own pid namespace, so that the id has the same meaning in both. The id
//! could also be reused during a call, so callers check afterwards that the pinned process still
//! exists. If it does, it held the id the whole time.

use std::os::fd::OwnedFd;

use rustix::io::Errno;

use crate::ProcessId;
use crate::error::SourceError;
use crate::sys::linux::dir::Dir;

/// The memory of a process, open for reading.
#[derive(Debug)]
pub(crate) struct Memory {
    /// `None` if opening the file was denied; `direct` is then set and permitted.
    mem: Option<OwnedFd>,
    /// The process's id for `process_vm_readv`, if that is safe to use.
    direct: Option<libc::pid_t>,
    page_size: usize,
}

impl Memory {
    /// Opens the memory of a pinned process. Returns `None` if access is denied.
    ///
    /// `direct` is the process's id if it is valid in the caller's pid namespace.
    pub(crate) fn open(
        process: &Dir,
        direct: Option<ProcessId>,
    ) -> Result<Option<Self>, SourceError> {
        let mem = match process.file(b"mem") {
            Ok(mem) => Some(mem),
            Err(error) => match error.errno() {
                Some(Errno::ACCESS | Errno::PERM | Errno::NOENT) => None,
                _ => return Err(error),
            },
        };
        let is_open = mem.is_some();
        let memory = Memory {
            mem,
            direct: direct.and_then(|id| id.get().try_into().ok()),
            page_size: rustix::param::page_size(),
        };
        // Nothing is mapped at address 0, but only a permitted caller gets `EFAULT` for it.
        let probe = || memory.transfer([(0, 1)], &mut [0]);
        let is_permitted = is_open || matches!(probe(), Ok(_) | Err(Errno::FAULT));
        Ok(is_permitted.then_some(memory))
    }

    /// Reads at an address and returns the number of bytes read. The number is smaller than the
    /// buffer if the mapping ends earlier, and 0 if nothing is mapped.
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

    /// Like [`read`](Self::read), but prefers `process_vm_readv`, which respects the protection of
    /// the memory. The file also shows memory that the process itself cannot read.
    pub(crate) fn read_accessible(&self, address: u64, into: &mut [u8]) -> usize {
        match self.transfer([(address, 1)], &mut [0]) {
            // A sandbox denies the call, or the process's id cannot be used.
            Err(Errno::NOSYS | Errno::PERM) => self.read(address, into),
            _ => self.read_pages(address, into),
        }
    }

    /// Like [`read`](Self::read), but without the file. Each range is within one page, because
    /// `process_vm_readv` reads a range completely or not at all.
    fn read_pages(&self, address: u64, into: &mut [u8]) -> usize {
        let page = self.page_size as u64;
        let mut done = 0;
        while done < into.len() {
            let rest = (into.len() - done) as u64;
            let mut next = address.checked_add(done as u64);
            let mut end = 0;
            let ranges = std::iter::from_fn(|| {
                let at = next?;
                let length = (page - at % page).min(rest - end);
                end += length;
                next = at.checked_add(length);
                (length > 0).then_some((at, length as usize))
            });
            match self.transfer(ranges, &mut into[done..]) {
                Ok(0) | Err(_) => break,
                Ok(length) => done += length,
            }
        }
        done
    }

    /// Reads `size` bytes at each address, one after the other into `into`, and returns the number
    /// of bytes read at each.
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
            let rest = &mut into[first * size..];
            match self.read_direct(&addresses[first..], size, rest) {
                // The mapping at this address might end early, so read the bytes before its end.
                0 => lengths.push(self.read(addresses[first], &mut rest[..size])),
                complete => lengths.resize(first + complete, size),
            }
        }
        lengths
    }

    /// Like `read_many` with one system call, which stops at the first address with less than
    /// `size` readable bytes. Returns the number of addresses before that one.
    fn read_direct(&self, addresses: &[u64], size: usize, into: &mut [u8]) -> usize {
        let ranges = addresses.iter().map(|&address| (address, size));
        let length = self.transfer(ranges, into).unwrap_or(0);
        length.checked_div(size).unwrap_or(0)
    }

    /// Reads ranges (address, length), one after the other into `into`, with one system call.
    ///
    /// Ranges beyond the kernel's limit are not read. Returns the number of bytes that were read
    /// before the first unreadable range.
    fn transfer(
        &self,
        ranges: impl IntoIterator<Item = (u64, usize)>,
        into: &mut [u8],
    ) -> Result<usize, Errno> {
        /// The kernel's limit, `UIO_MAXIOV`.
        const MAX_RANGES: usize = 1024;
        let process = self.direct.ok_or(Errno::NOSYS)?;
        let ranges = ranges.into_iter().take(MAX_RANGES);
        let (mut remote, mut length) = (Vec::with_capacity(ranges.size_hint().0), 0);
        for (address, size) in ranges {
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
        let target = &mut into[..length];
        let local = libc::iovec {
            iov_base: target.as_mut_ptr().cast(),
            iov_len: target.len(),
        };
        // SAFETY: in this process the kernel writes only to the memory described by `local`, which
        // is `target`, mutably borrowed during the call. The addresses in `remote` belong to the
        // other process; the kernel validates them and only reads there.
        let length = unsafe {
            libc::process_vm_readv(process, &local, 1, remote.as_ptr(), remote.len() as _, 0)
        };
        usize::try_from(length).map_err(|_| {
            let error = std::io::Error::last_os_error();
            Errno::from_io_error(&error).unwrap_or(Errno::IO)
        })
    }
}

/// A buffered section of the memory of a process, for many small reads close together.
#[derive(Debug)]
pub(crate) struct Window<'m> {
    memory: &'m Memory,
    start: u64,
    bytes: Vec<u8>,
    length: usize,
}

impl<'m> Window<'m> {
    /// Creates an empty window that will hold up to `size` bytes.
    pub(crate) fn new(memory: &'m Memory, size: usize) -> Self {
        Window {
            memory,
            start: 0,
            bytes: vec![0; size],
            length: 0,
        }
    }

    /// Returns the bytes at an address; `None` if they are not all readable. Moves the window to
    /// the address if it does not contain them.
    pub(crate) fn get(&mut self, address: u64, size: usize) -> Option<&[u8]> {
        if self.index_of(address, size).is_none() {
            self.start = address;
            let buffer = &mut self.bytes[..];
            self.length = match self.memory.read_direct(&[address], buffer.len(), buffer) {
                0 => self.memory.read(address, buffer),
                _ => buffer.len(),
            };
        }
        let index = self.index_of(address, size)?;
        self.bytes.get(index..index + size)
    }

    fn index_of(&self, address: u64, size: usize) -> Option<usize> {
        let index = usize::try_from(address.checked_sub(self.start)?).ok()?;
        (index.checked_add(size)? <= self.length).then_some(index)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Opens this process's own memory with the file only, with both interfaces, and without the
    /// file.
    fn open_all() -> [Memory; 3] {
        let process = Dir::open(Path::new("/proc/self")).unwrap();
        let id = ProcessId::new(std::process::id());
        let open = |direct| Memory::open(&process, direct).unwrap().unwrap();
        let without_file = Memory {
            mem: None,
            ..open(Some(id))
        };
        [open(None), open(Some(id)), without_file]
    }

    #[test]
    fn read_many_reports_unmapped_addresses() {
        let texts: Vec<[u8; 8]> = (0..3000u64).map(u64::to_ne_bytes).collect();
        let mut addresses: Vec<u64> = texts.iter().map(|text| text.as_ptr() as u64).collect();
        // Nothing is mapped at such a low address.
        let holes = [0, 1023, 1024, 2999];
        for hole in holes {
            addresses[hole] = 16;
        }
        addresses[7] = u64::MAX;
        for memory in open_all() {
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
    fn reads_up_to_end_of_mapping() {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let stack = maps.lines().find(|line| line.ends_with("[stack]"));
        let (_, end) = stack.unwrap().split_once('-').unwrap();
        let end = u64::from_str_radix(end.split(' ').next().unwrap(), 16).unwrap();
        for memory in open_all() {
            for (before, expected) in [(10, 10), (5000, 5000), (9000, 8999)] {
                let mut bytes = [0; 8999];
                assert_eq!(memory.read(end - before, &mut bytes), expected);
            }
        }
    }

    #[test]
    fn window_moves_to_address() {
        let text: Vec<u8> = (0..=255).cycle().take(100_000).collect();
        let start = text.as_ptr() as u64;
        for memory in open_all() {
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
