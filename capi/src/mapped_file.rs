//! `GetMappedFileName`.

use psapi::{ErrorKind, MappedFileKind};

use crate::boundary::Answer;
use crate::code::Code;
use crate::handles::resolve;
use crate::text::{Room, Unit};
use crate::types::rights::PROCESS_QUERY_INFORMATION;
use crate::types::{DWORD, HANDLE, LPVOID};

pub fn name<U: Unit>(process: HANDLE, address: LPVOID, to: *mut U, units: DWORD) -> Answer<DWORD> {
    let target = resolve(process, PROCESS_QUERY_INFORMATION)?;
    if units == 0 {
        return Err(Code::INSUFFICIENT_BUFFER);
    }
    if to.is_null() {
        return Err(Code::INVALID_PARAMETER);
    }
    match target.process.mapped_file(address.addr() as u64) {
        Ok(Some(file)) if file.kind == MappedFileKind::SharedMemory => Err(Code::FILE_INVALID),
        Ok(Some(file)) => Room { to, units }.fill(file.path),
        Ok(None) => Err(Code::UNEXP_NET_ERR),
        // A kernel thread: there is nothing mapped anywhere.
        Err(error) if error.kind() == ErrorKind::NoAddressSpace => Err(Code::UNEXP_NET_ERR),
        Err(error) => Err(Code::of_memory(&error)),
    }
}
