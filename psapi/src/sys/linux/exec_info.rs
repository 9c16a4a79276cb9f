//! Reads where `execve` placed the program and the vDSO, from `PROC/PID/auxv`.
//!
//! Only the process's own user can read that file. For a caller that may trace the process but not
//! read its files, `stat` and the names of the mappings give the same addresses.

use rustix::io::Errno;

use crate::error::SourceError;
use crate::sys::linux::address_space::AddressSpace;
use crate::sys::linux::calls::procmap_query::VmaQuery;
use crate::sys::linux::dir::Dir;
use crate::sys::linux::proc::auxv;
use crate::sys::linux::proc::maps::Vma;
use crate::sys::linux::proc::stat;

/// The name of the vDSO's mapping.
pub(crate) const VDSO: &[u8] = b"[vdso]";

/// The first address beyond those of 32-bit programs. In a 64-bit program, at least the vDSO is
/// above it.
const END_OF_32_BITS: u64 = 1 << 32;

/// The results of a process's last `execve`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ExecInfo {
    /// False during `execve` and after the process has ended; `executable` and `vdso` are then
    /// unknown.
    pub(crate) is_complete: bool,
    /// An address in the executable.
    pub(crate) executable: Option<u64>,
    /// The address of the vDSO.
    pub(crate) vdso: Option<u64>,
    pub(crate) is_64_bit: bool,
}

/// Reads the results of a pinned process's last `execve`.
pub(crate) fn read(process: &Dir, space: &AddressSpace<'_>) -> Result<ExecInfo, SourceError> {
    match auxv::read(process, &mut Vec::new()) {
        Ok(Some(auxv)) => Ok(ExecInfo {
            is_complete: true,
            executable: auxv.phdr,
            vdso: auxv.sysinfo_ehdr,
            is_64_bit: auxv.is_64_bit,
        }),
        Err(error) if !error.is(Errno::SRCH) => read_without_auxv(process, space),
        Ok(None) | Err(_) => Ok(ExecInfo {
            is_complete: false,
            executable: None,
            vdso: None,
            is_64_bit: has_high_addresses(space)?,
        }),
    }
}

fn read_without_auxv(process: &Dir, space: &AddressSpace<'_>) -> Result<ExecInfo, SourceError> {
    let start_code = stat::read_start_code(process)?;
    Ok(ExecInfo {
        is_complete: start_code != Some(0),
        executable: start_code.filter(|&address| !matches!(address, 0 | stat::HIDDEN_ADDRESS)),
        vdso: find_vdso(space)?.map(|vma| vma.start),
        is_64_bit: has_high_addresses(space)?,
    })
}

/// Finds the vDSO by the name of its mapping.
pub(crate) fn find_vdso(space: &AddressSpace<'_>) -> Result<Option<Vma>, SourceError> {
    let (mut address, mut name) = (0, Vec::new());
    while let Some(vma) = space.find(VmaQuery::NextExecutable(address))? {
        if !vma.file.is_file()
            && let Some((now, _)) = space.find_named(VmaQuery::At(vma.start), &mut name)?
            && name == VDSO
        {
            return Ok(Some(now));
        }
        address = vma.end;
    }
    Ok(None)
}

fn has_high_addresses(space: &AddressSpace<'_>) -> Result<bool, SourceError> {
    Ok(space
        .find(VmaQuery::NextExecutable(END_OF_32_BITS))?
        .is_some())
}
