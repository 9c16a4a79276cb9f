//! The `PROCMAP_QUERY` ioctl (Linux 6.11), which finds one mapping by address without formatting
//! the text of all others.

use std::os::fd::BorrowedFd;

use linux_raw_sys::general::{procmap_query, procmap_query_flags};
use rustix::io::Errno;
use rustix::ioctl::{Opcode, Updater, opcode};

use crate::sys::linux::proc::maps::{Access, FileId, Vma};

/// `PROCFS_IOCTL_MAGIC` and the number of the request, from the kernel's `linux/fs.h`.
const PROCMAP_QUERY: Opcode = opcode::read_write::<procmap_query>(b'f', 17);

/// Size of a buffer for every name that the kernel returns: `PATH_MAX`, including the NUL. The text
/// of `maps` has no such limit.
pub(crate) const NAME_SIZE: usize = 4096;

/// Size of a buffer for nearly every name.
const USUAL_NAME: usize = 256;

/// The kernel's limit for build ids, `BUILD_ID_SIZE_MAX`.
const BUILD_ID_SIZE: usize = 20;

/// Selects a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VmaQuery {
    /// The mapping that contains the address.
    At(u64),
    /// The first mapping that ends after the address.
    Next(u64),
    /// The first executable file mapping that ends after the address.
    NextExecutableFile(u64),
    /// The first file mapping that ends after the address.
    NextFile(u64),
    /// The first executable mapping that ends after the address.
    NextExecutable(u64),
}

impl VmaQuery {
    fn address_and_flags(self) -> (u64, u64) {
        use procmap_query_flags::{
            PROCMAP_QUERY_COVERING_OR_NEXT_VMA as NEXT, PROCMAP_QUERY_FILE_BACKED_VMA as FILE,
            PROCMAP_QUERY_VMA_EXECUTABLE as EXECUTABLE,
        };
        match self {
            VmaQuery::At(address) => (address, 0),
            VmaQuery::Next(address) => (address, NEXT as u64),
            VmaQuery::NextExecutableFile(address) => {
                (address, NEXT as u64 | FILE as u64 | EXECUTABLE as u64)
            }
            VmaQuery::NextFile(address) => (address, NEXT as u64 | FILE as u64),
            VmaQuery::NextExecutable(address) => (address, NEXT as u64 | EXECUTABLE as u64),
        }
    }
}

/// Finds a mapping; `None` if there is no such mapping.
///
/// `maps` is an open `maps` file. The error is `ESRCH` if the address space that the file was
/// opened for is gone.
pub(crate) fn query(maps: BorrowedFd<'_>, query: VmaQuery) -> Result<Option<Vma>, Errno> {
    Ok(run(maps, query, &mut [], &mut [])?.map(|output| output.vma))
}

/// Like [`query`], and returns the mapping's name, which is empty for a mapping without one.
pub(crate) fn query_name<'n>(
    maps: BorrowedFd<'_>,
    query: VmaQuery,
    name: &'n mut [u8; NAME_SIZE],
) -> Result<Option<(Vma, &'n [u8])>, Errno> {
    // The kernel allocates a buffer of the given size, so a small one is faster.
    let output = match run(maps, query, &mut name[..USUAL_NAME], &mut []) {
        Err(Errno::NAMETOOLONG) => run(maps, query, name, &mut []),
        output => output,
    }?;
    let Some(output) = output else {
        return Ok(None);
    };
    // The length includes the NUL.
    let length = output.name_length.saturating_sub(1);
    Ok(Some((
        output.vma,
        name.get(..length).ok_or(Errno::OVERFLOW)?,
    )))
}

/// Returns the build id of the file mapped at an address, which the kernel reads from the file;
/// `None` if it has none.
pub(crate) fn build_id(maps: BorrowedFd<'_>, address: u64) -> Result<Option<Vec<u8>>, Errno> {
    let mut id = [0; BUILD_ID_SIZE];
    Ok(run(maps, VmaQuery::At(address), &mut [], &mut id)?
        .and_then(|output| id.get(..output.build_id_length))
        .filter(|id| !id.is_empty())
        .map(<[u8]>::to_vec))
}

/// Returns the page size of the mapping at an address; `None` if nothing is mapped there.
pub(crate) fn page_size(maps: BorrowedFd<'_>, address: u64) -> Result<Option<u64>, Errno> {
    let output = run(maps, VmaQuery::At(address), &mut [], &mut [])?;
    Ok(output.map(|output| output.page_size))
}

/// The output fields of one query.
struct Output {
    vma: Vma,
    page_size: u64,
    name_length: usize,
    build_id_length: usize,
}

fn run(
    maps: BorrowedFd<'_>,
    query: VmaQuery,
    name: &mut [u8],
    build_id: &mut [u8],
) -> Result<Option<Output>, Errno> {
    let (query_addr, query_flags) = query.address_and_flags();
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
    // SAFETY: the opcode encodes "read and write" and the size of `procmap_query`. The kernel reads
    // and writes one such structure, which `query` is.
    let request = unsafe { Updater::<PROCMAP_QUERY, _>::new(&mut query) };
    // SAFETY: besides that structure the kernel writes at most `vma_name_size` bytes at
    // `vma_name_addr` and `build_id_size` bytes at `build_id_addr`. These are the lengths and
    // addresses of two slices that stay mutably borrowed during the call. A descriptor that is not
    // a `maps` file returns `ENOTTY`.
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
    Ok(Some(Output {
        vma,
        page_size: query.vma_page_size,
        name_length: query.vma_name_size as usize,
        build_id_length: query.build_id_size as usize,
    }))
}
