//! Where the kernel put a program when it started it, as `PROC/PID/auxv` says. That file is for its
//! process's user alone: who may trace other users' processes, but may not read their files, finds
//! the same in `stat` and among the mappings.

use rustix::io::Errno;

use super::address_space::AddressSpace;
use super::auxv;
use super::file::Directory;
use super::procmap_query::Which;
use super::stat;
use crate::error::Refusal;

/// The name of the mapping of the image that the kernel itself provides.
pub(crate) const VDSO: &[u8] = b"[vdso]";

/// No address of a 32-bit program is above. Of a 64-bit one the vDSO is, if nothing else.
const END_OF_32_BITS: u64 = 1 << 32;

/// How a process's program was started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start {
    /// Whether the kernel is done with it. In between, and once the process has ended, nothing else
    /// is known.
    pub(crate) is_done: bool,
    /// An address in the executable.
    pub(crate) executable: Option<u64>,
    /// Where the vDSO is.
    pub(crate) vdso: Option<u64>,
    pub(crate) is_64_bit: bool,
}

/// Reads how the program of a pinned process was started.
pub(crate) fn read(process: &Directory, space: &AddressSpace<'_>) -> Result<Start, Refusal> {
    match auxv::read(process, &mut Vec::new()) {
        Ok(Some(auxv)) => Ok(Start {
            is_done: true,
            executable: auxv.phdr,
            vdso: auxv.sysinfo_ehdr,
            is_64_bit: auxv.is_64_bit,
        }),
        Err(refusal) if !refusal.is(Errno::SRCH) => by_other_files(process, space),
        Ok(None) | Err(_) => Ok(Start {
            is_done: false,
            executable: None,
            vdso: None,
            is_64_bit: has_64_bits(space)?,
        }),
    }
}

fn by_other_files(process: &Directory, space: &AddressSpace<'_>) -> Result<Start, Refusal> {
    let start_code = stat::read_start_code(process)?;
    Ok(Start {
        is_done: start_code != Some(0),
        executable: start_code.filter(|&address| !matches!(address, 0 | stat::NOT_TOLD)),
        vdso: vdso_by_name(space)?,
        is_64_bit: has_64_bits(space)?,
    })
}

fn vdso_by_name(space: &AddressSpace<'_>) -> Result<Option<u64>, Refusal> {
    let (mut address, mut name) = (0, Vec::new());
    while let Some(vma) = space.find(Which::NextCode(address))? {
        if !vma.file.is_file()
            && let Some((now, _)) = space.find_named(Which::At(vma.start), &mut name)?
            && name == VDSO
        {
            return Ok(Some(now.start));
        }
        address = vma.end;
    }
    Ok(None)
}

fn has_64_bits(space: &AddressSpace<'_>) -> Result<bool, Refusal> {
    Ok(space.find(Which::NextCode(END_OF_32_BITS))?.is_some())
}
