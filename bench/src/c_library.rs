//! The C library, loaded by `dlopen`.

use std::ffi::c_void;
use std::path::PathBuf;
use std::process::{Command, Stdio};

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

/// Functions of the loaded library.
pub struct CLibrary {
    enum_processes: EnumProcesses,
    open_process: OpenProcess,
    get_process_memory_info: GetProcessMemoryInfo,
    query_working_set: QueryWorkingSet,
    _library: Library,
}

/// Returns the path of the library.
pub fn path() -> anyhow::Result<PathBuf> {
    helper::path("libpsapi.so")
}

impl CLibrary {
    pub fn load() -> anyhow::Result<Self> {
        // SAFETY: the initializers of the library have no preconditions. The types agree with the
        // published headers, and `_library` keeps the library loaded as long as the functions.
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

    /// Fills a buffer with process ids and returns their number.
    pub fn processes(&self, ids: &mut [u32]) -> anyhow::Result<usize> {
        let mut needed = 0;
        // SAFETY: the buffer is valid for writes of the size that is passed along.
        let done = unsafe {
            (self.enum_processes)(ids.as_mut_ptr(), size_of_val(ids) as u32, &mut needed)
        };
        ensure!(done != 0, "EnumProcesses failed");
        Ok(needed as usize / size_of::<u32>())
    }

    /// Opens a process. The handle stays open until this program ends.
    pub fn open(&self, id: u32) -> anyhow::Result<Handle> {
        // SAFETY: `OpenProcess` takes no pointers.
        let handle = unsafe { (self.open_process)(RIGHTS, 0, id) };
        ensure!(!handle.is_null(), "OpenProcess failed");
        Ok(handle)
    }

    /// Returns `PROCESS_MEMORY_COUNTERS_EX2` as an array of its 64-bit fields.
    pub fn memory(&self, process: Handle) -> anyhow::Result<[u64; 12]> {
        let mut counters = [0; 12];
        // SAFETY: the array is valid for writes of 96 bytes, which is the size of the structure.
        let done = unsafe { (self.get_process_memory_info)(process, counters.as_mut_ptr(), 96) };
        ensure!(done != 0, "GetProcessMemoryInfo failed");
        Ok(counters)
    }

    /// Fills a buffer with the number of working set blocks, followed by the blocks.
    pub fn working_set(&self, process: Handle, blocks: &mut [usize]) -> anyhow::Result<()> {
        // SAFETY: the buffer is valid for writes of the size that is passed along.
        let done = unsafe {
            (self.query_working_set)(process, blocks.as_mut_ptr(), size_of_val(blocks) as u32)
        };
        ensure!(done != 0, "QueryWorkingSet failed");
        Ok(())
    }
}

/// Makes 100,000 random calls in a process of its own. Returns the numbers of descriptors and bytes
/// that leak; a crash is an error.
pub fn random_calls() -> anyhow::Result<[f64; 2]> {
    let output = Command::new(helper::path("bench-random-calls")?)
        .arg(path()?)
        .args(["100000", "1"])
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(
        output.status.success(),
        "the random calls ended with {}",
        output.status
    );
    let text = String::from_utf8(output.stdout)?;
    let numbers: Result<Vec<f64>, _> = text.lines().map(str::parse).collect();
    let numbers = numbers?.try_into();
    numbers.map_err(|_| anyhow::anyhow!("unexpected output of bench-random-calls: {text:?}"))
}
