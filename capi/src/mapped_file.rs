//! `GetMappedFileName`.

use psapi::{ErrorKind, MappedFileKind};

use crate::platform::handles::resolve;
use crate::text::{CodeUnit, OutBuffer};
use crate::types::rights::PROCESS_QUERY_INFORMATION;
use crate::types::{DWORD, HANDLE, LPVOID};
use crate::win32_error::{Result, Win32Error};

/// Implements `GetMappedFileName`.
pub fn name<U: CodeUnit>(
    process: HANDLE,
    address: LPVOID,
    to: *mut U,
    capacity: DWORD,
) -> Result<DWORD> {
    let target = resolve(process, PROCESS_QUERY_INFORMATION)?;
    if capacity == 0 {
        return Err(Win32Error::INSUFFICIENT_BUFFER);
    }
    if to.is_null() {
        return Err(Win32Error::INVALID_PARAMETER);
    }
    match target.process.mapped_file(address.addr() as u64) {
        Ok(Some(file)) if file.kind == MappedFileKind::SharedMemory => {
            Err(Win32Error::FILE_INVALID)
        }
        Ok(Some(file)) => {
            let path = file.device_path.unwrap_or(file.path);
            OutBuffer::new(to, capacity).write_truncated(path)
        }
        Ok(None) => Err(Win32Error::UNEXP_NET_ERR),
        // A kernel thread has no address space, so nothing is mapped at any address.
        Err(error) if error.kind() == ErrorKind::NoAddressSpace => Err(Win32Error::UNEXP_NET_ERR),
        Err(error) => Err(Win32Error::from_memory_error(&error)),
    }
}
