//! The C library, as a C program that loads it has it.

use std::ffi::c_void;
use std::path::PathBuf;

use anyhow::ensure;
use libloading::Library;

use crate::helper;

pub type Handle = *mut c_void;

type EnumProcesses = unsafe extern "C" fn(*mut u32, u32, *mut u32) -> i32;
type OpenProcess = unsafe extern "C" fn(u32, i32, u32) -> Handle;
type GetProcessMemoryInfo = unsafe extern "C" fn(Handle, *mut u64, u32) -> i32;
type QueryWorkingSet = unsafe extern "C" fn(Handle, *mut usize, u32) -> i32;

/// `PROCESS_QUERY_INFORMATION | PROCESS_VM_READ`
const RIGHTS: u32 = 0x0410;

pub struct CLibrary {
    enum_processes: EnumProcesses,
    open_process: OpenProcess,
    get_process_memory_info: GetProcessMemoryInfo,
    query_working_set: QueryWorkingSet,
    _library: Library,
}

pub fn path() -> anyhow::Result<PathBuf> {
    helper::path("libpsapi.so")
}

impl CLibrary {
    pub fn load() -> anyhow::Result<Self> {
        // SAFETY: the types are those of the published headers; the functions are kept no longer
        // than the library.
        unsafe {
            let library = Library::new(path()?)?;
            Ok(CLibrary {
                enum_processes: *library.get(b"K32EnumProcesses")?,
                open_process: *library.get(b"OpenProcess")?,
                get_process_memory_info: *library.get(b"K32GetProcessMemoryInfo")?,
                query_working_set: *library.get(b"K32QueryWorkingSet")?,
                _library: library,
            })
        }
    }

    /// How many ids were written.
    pub fn processes(&self, ids: &mut [u32]) -> anyhow::Result<usize> {
        let mut needed = 0;
        // SAFETY: there is room for as much as it is told.
        let done = unsafe {
            (self.enum_processes)(ids.as_mut_ptr(), size_of_val(ids) as u32, &mut needed)
        };
        ensure!(done != 0, "EnumProcesses failed");
        Ok(needed as usize / size_of::<u32>())
    }

    /// Stays open until the end.
    pub fn open(&self, id: u32) -> anyhow::Result<Handle> {
        // SAFETY: it takes no pointer.
        let handle = unsafe { (self.open_process)(RIGHTS, 0, id) };
        ensure!(!handle.is_null(), "OpenProcess failed");
        Ok(handle)
    }

    /// `PROCESS_MEMORY_COUNTERS_EX2`, in words.
    pub fn memory(&self, process: Handle) -> anyhow::Result<[u64; 12]> {
        let mut words = [0; 12];
        // SAFETY: there is room for as much as it is told.
        let done = unsafe { (self.get_process_memory_info)(process, words.as_mut_ptr(), 96) };
        ensure!(done != 0, "GetProcessMemoryInfo failed");
        Ok(words)
    }

    /// The number of blocks, and then the blocks.
    pub fn working_set(&self, process: Handle, words: &mut [usize]) -> anyhow::Result<()> {
        // SAFETY: there is room for as much as it is told.
        let done = unsafe {
            (self.query_working_set)(process, words.as_mut_ptr(), size_of_val(words) as u32)
        };
        ensure!(done != 0, "QueryWorkingSet failed");
        Ok(())
    }
}
