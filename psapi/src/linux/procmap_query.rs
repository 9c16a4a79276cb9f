//! `PROCMAP_QUERY`: one mapping by address, without the text of all others (Linux 6.11).

use std::os::fd::BorrowedFd;

use linux_raw_sys::general::{procmap_query, procmap_query_flags};
use rustix::io::Errno;
use rustix::ioctl::{Opcode, Updater, opcode};

use super::maps::{Access, FileId, Vma};

/// `PROCFS_IOCTL_MAGIC` and the number of the request, from the kernel's `linux/fs.h`.
const PROCMAP_QUERY: Opcode = opcode::read_write::<procmap_query>(b'f', 17);

/// The longest name that the kernel hands over, `PATH_MAX`, its NUL included. The text of `maps`
/// has no such limit.
pub(crate) const NAME_ROOM: usize = 4096;

/// Room for nearly every name.
const USUAL_NAME: usize = 256;

/// The longest build id that the kernel knows, `BUILD_ID_SIZE_MAX`.
const BUILD_ID_ROOM: usize = 20;

/// Which mapping is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// The one at the address.
    At(u64),
    /// The one at the address or, if there is none, the next one; only files' mappings that may
    /// be executed count.
    NextExecutable(u64),
    /// As above, of all files' mappings.
    NextFile(u64),
    /// As above, of all mappings that may be executed.
    NextCode(u64),
}

impl Which {
    fn address_and_flags(self) -> (u64, u64) {
        use procmap_query_flags::{
            PROCMAP_QUERY_COVERING_OR_NEXT_VMA as NEXT, PROCMAP_QUERY_FILE_BACKED_VMA as FILE,
            PROCMAP_QUERY_VMA_EXECUTABLE as EXECUTABLE,
        };
        match self {
            Which::At(address) => (address, 0),
            Which::NextExecutable(address) => {
                (address, NEXT as u64 | FILE as u64 | EXECUTABLE as u64)
            }
            Which::NextFile(address) => (address, NEXT as u64 | FILE as u64),
            Which::NextCode(address) => (address, NEXT as u64 | EXECUTABLE as u64),
        }
    }
}

/// Asks an open `maps` file. `None`: there is no such mapping. `ESRCH`: the address space that
/// the file was opened for is gone.
pub(crate) fn query(maps: BorrowedFd<'_>, which: Which) -> Result<Option<Vma>, Errno> {
    Ok(ask(maps, which, &mut [], &mut [])?.map(|answer| answer.vma))
}

/// As [`query`], and the mapping's name in `name`, which is empty if it has none.
pub(crate) fn query_name<'n>(
    maps: BorrowedFd<'_>,
    which: Which,
    name: &'n mut [u8; NAME_ROOM],
) -> Result<Option<(Vma, &'n [u8])>, Errno> {
    // The kernel takes as much memory as the name may need: the less, the faster.
    let answer = match ask(maps, which, &mut name[..USUAL_NAME], &mut []) {
        Err(Errno::NAMETOOLONG) => ask(maps, which, name, &mut []),
        answer => answer,
    }?;
    let Some(answer) = answer else {
        return Ok(None);
    };
    // The length counts the NUL.
    let length = answer.name_length.saturating_sub(1);
    Ok(Some((
        answer.vma,
        name.get(..length).ok_or(Errno::OVERFLOW)?,
    )))
}

/// The build id of the file behind the mapping at an address, which the kernel takes from the
/// file. `None`: it has none.
pub(crate) fn build_id(maps: BorrowedFd<'_>, address: u64) -> Result<Option<Vec<u8>>, Errno> {
    let mut id = [0; BUILD_ID_ROOM];
    Ok(ask(maps, Which::At(address), &mut [], &mut id)?
        .and_then(|answer| id.get(..answer.build_id_length))
        .filter(|id| !id.is_empty())
        .map(<[u8]>::to_vec))
}

/// The size of the pages of the mapping at an address. `None`: there is none.
pub(crate) fn page_size(maps: BorrowedFd<'_>, address: u64) -> Result<Option<u64>, Errno> {
    let answer = ask(maps, Which::At(address), &mut [], &mut [])?;
    Ok(answer.map(|answer| answer.page_size))
}

/// What one question brings.
struct Answer {
    vma: Vma,
    page_size: u64,
    name_length: usize,
    build_id_length: usize,
}

fn ask(
    maps: BorrowedFd<'_>,
    which: Which,
    name: &mut [u8],
    build_id: &mut [u8],
) -> Result<Option<Answer>, Errno> {
    let (query_addr, query_flags) = which.address_and_flags();
    let address = |buffer: &mut [u8]| match buffer {
        [] => 0,
        buffer => buffer.as_mut_ptr() as u64,
    };
    let mut query = procmap_query {
        size: size_of::<procmap_query>() as u64,
        query_flags,
        query_addr,
        vma_start: 0,
        vma_end: 0,
        vma_flags: 0,
        vma_page_size: 0,
        vma_offset: 0,
        inode: 0,
        dev_major: 0,
        dev_minor: 0,
        vma_name_size: name.len() as u32,
        build_id_size: build_id.len() as u32,
        vma_name_addr: address(name),
        build_id_addr: address(build_id),
    };
    // SAFETY: the request's number holds its direction and the size of procmap_query, and the
    // kernel reads and writes one of those.
    let request = unsafe { Updater::<PROCMAP_QUERY, _>::new(&mut query) };
    // SAFETY: beyond that structure the kernel writes at most vma_name_size and build_id_size
    // bytes at the two addresses: the lengths and places of two slices that are borrowed for
    // longer than the call. A file that is not of /proc answers ENOTTY.
    match unsafe { rustix::ioctl::ioctl(maps, request) } {
        Ok(()) => {}
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(errno),
    }
    let vma = Vma {
        start: query.vma_start,
        end: query.vma_end,
        access: Access::from_bits_truncate(query.vma_flags as u8),
        file: FileId {
            major: query.dev_major,
            minor: query.dev_minor,
            inode: query.inode,
        },
        offset: query.vma_offset,
    };
    Ok(Some(Answer {
        vma,
        page_size: query.vma_page_size,
        name_length: query.vma_name_size as usize,
        build_id_length: query.build_id_size as usize,
    }))
}
