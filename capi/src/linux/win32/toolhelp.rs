//! `CreateToolhelp32Snapshot`, and `Process32First`, `Thread32First`, `Module32First` and their
//! `Next` functions.

use std::mem::offset_of;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::sync::Arc;

use psapi::{Fields, ModuleFilter, ProcessStatus};

use super::snapshot::{Entries, ProcessRow, Snapshot, ThreadRow};
use crate::convert::{to_dword, to_pointer};
use crate::linux::handle_table::Object;
use crate::linux::handles::object;
use crate::linux::state;
use crate::linux::win32::name::{NameUnit, encode_fixed};
use crate::system::system;
use crate::types::{BOOL, DWORD, HANDLE, ModuleEntry, ProcessEntry, THREADENTRY32, TRUE};
use crate::user_memory;
use crate::win32_error::{Result, Win32Error};

const TH32CS_SNAPHEAPLIST: DWORD = 1;
const TH32CS_SNAPPROCESS: DWORD = 2;
const TH32CS_SNAPTHREAD: DWORD = 4;
const TH32CS_SNAPMODULE: DWORD = 8;
const TH32CS_SNAPMODULE32: DWORD = 0x10;
const TH32CS_INHERIT: DWORD = 0x8000_0000;

/// Implements `CreateToolhelp32Snapshot`. Heaps are accepted, because programs request everything,
/// but no function reads them.
pub fn create(flags: DWORD, id: DWORD) -> Result<HANDLE> {
    const LISTS: DWORD = TH32CS_SNAPHEAPLIST
        | TH32CS_SNAPPROCESS
        | TH32CS_SNAPTHREAD
        | TH32CS_SNAPMODULE
        | TH32CS_SNAPMODULE32;
    if flags & !(LISTS | TH32CS_INHERIT) != 0 || flags & LISTS == 0 {
        return Err(Win32Error::INVALID_PARAMETER);
    }
    let mut snapshot = Snapshot {
        owner: match id {
            0 => std::process::id(),
            _ => id,
        },
        ..Snapshot::default()
    };
    if flags & (TH32CS_SNAPPROCESS | TH32CS_SNAPTHREAD) != 0 {
        let fields = match flags & TH32CS_SNAPPROCESS {
            0 => Fields::STAT,
            _ => Fields::STAT | Fields::IMAGE,
        };
        let capture = system()
            .capture(fields)
            .map_err(|error| Win32Error::from_system_error(&error))?;
        let processes = capture.into_processes();
        if flags & TH32CS_SNAPTHREAD != 0 {
            snapshot.threads = Entries::new(threads(&processes)?);
        }
        if flags & TH32CS_SNAPPROCESS != 0 {
            snapshot.processes = Entries::new(processes.iter().map(process_row).collect());
        }
    }
    if flags & (TH32CS_SNAPMODULE | TH32CS_SNAPMODULE32) != 0 {
        let process = system()
            .process(snapshot.owner)
            .map_err(|error| Win32Error::from_system_error(&error))?;
        let modules = process
            .modules(ModuleFilter::All)
            .map_err(|error| Win32Error::from_memory_error(&error))?;
        snapshot.modules = Entries::new(modules);
    }
    state::with(|state| state.handles.insert(Object::Snapshot(Arc::new(snapshot))))
}

fn process_row(status: &ProcessStatus) -> ProcessRow {
    ProcessRow {
        id: status.id.get(),
        parent: status.parent.map_or(0, |parent| parent.get()),
        threads: status.threads.unwrap_or(1),
        base_priority: base_priority(status),
        name: status.display_name().unwrap_or_default().into_vec(),
    }
}

fn threads(processes: &[ProcessStatus]) -> Result<Vec<ThreadRow>> {
    let mut threads = Vec::new();
    for process in processes {
        let ids = system()
            .thread_ids(process.id)
            .map_err(|error| Win32Error::from_system_error(&error))?;
        // A process that has ended in the meantime has no threads.
        threads.extend(ids.into_iter().flatten().map(|id| ThreadRow {
            id,
            process: process.id.get(),
            base_priority: base_priority(process),
        }));
    }
    Ok(threads)
}

/// Returns the base priority of the priority class that corresponds to the nice value.
fn base_priority(status: &ProcessStatus) -> i32 {
    match status.nice.unwrap_or(0) {
        ..=-10 => 13,
        -9..=-1 => 10,
        0 => 8,
        1..=9 => 6,
        10.. => 4,
    }
}

fn snapshot(handle: HANDLE) -> Result<Arc<Snapshot>> {
    match object(handle)? {
        Object::Snapshot(snapshot) => Ok(snapshot),
        _ => Err(Win32Error::INVALID_HANDLE),
    }
}

/// Checks the size that the caller stored at the start of its structure.
fn check_size<T>(to: *mut T) -> Result<DWORD> {
    let size = user_memory::read(to.cast::<DWORD>().cast_const())?;
    if (size as usize) < size_of::<T>() {
        return Err(Win32Error::BAD_LENGTH);
    }
    Ok(size)
}

/// Implements `Process32First`.
pub fn process_first<U: NameUnit>(handle: HANDLE, to: *mut ProcessEntry<U>) -> Result<BOOL> {
    let snapshot = snapshot(handle)?;
    let size = check_size(to)?;
    write_process(snapshot.processes.first(), to, size)
}

/// Implements `Process32Next`.
pub fn process_next<U: NameUnit>(handle: HANDLE, to: *mut ProcessEntry<U>) -> Result<BOOL> {
    let snapshot = snapshot(handle)?;
    let size = check_size(to)?;
    write_process(snapshot.processes.next(), to, size)
}

fn write_process<U: NameUnit>(
    row: Option<&ProcessRow>,
    to: *mut ProcessEntry<U>,
    size: DWORD,
) -> Result<BOOL> {
    let row = row.ok_or(Win32Error::NO_MORE_FILES)?;
    let entry = ProcessEntry {
        dwSize: size,
        cntUsage: 0,
        th32ProcessID: row.id,
        #[cfg(target_pointer_width = "64")]
        Reserved: 0,
        th32DefaultHeapID: 0,
        th32ModuleID: 0,
        cntThreads: row.threads,
        th32ParentProcessID: row.parent,
        pcPriClassBase: row.base_priority,
        dwFlags: 0,
        szExeFile: encode_fixed(&row.name),
    };
    // The padding after the text is not initialized.
    let length = offset_of!(ProcessEntry<U>, szExeFile) + size_of_val(&entry.szExeFile);
    user_memory::write_prefix(to, &entry, length)?;
    Ok(TRUE)
}

/// Implements `Thread32First`.
pub fn thread_first(handle: HANDLE, to: *mut THREADENTRY32) -> Result<BOOL> {
    let snapshot = snapshot(handle)?;
    let size = check_size(to)?;
    write_thread(snapshot.threads.first(), to, size)
}

/// Implements `Thread32Next`.
pub fn thread_next(handle: HANDLE, to: *mut THREADENTRY32) -> Result<BOOL> {
    let snapshot = snapshot(handle)?;
    let size = check_size(to)?;
    write_thread(snapshot.threads.next(), to, size)
}

fn write_thread(row: Option<&ThreadRow>, to: *mut THREADENTRY32, size: DWORD) -> Result<BOOL> {
    let row = row.ok_or(Win32Error::NO_MORE_FILES)?;
    let entry = THREADENTRY32 {
        dwSize: size,
        cntUsage: 0,
        th32ThreadID: row.id,
        th32OwnerProcessID: row.process,
        tpBasePri: row.base_priority,
        tpDeltaPri: 0,
        dwFlags: 0,
    };
    user_memory::write(to, &entry)?;
    Ok(TRUE)
}

/// Implements `Module32First`.
pub fn module_first<U: NameUnit>(handle: HANDLE, to: *mut ModuleEntry<U>) -> Result<BOOL> {
    let snapshot = snapshot(handle)?;
    let size = check_size(to)?;
    write_module(snapshot.owner, snapshot.modules.first(), to, size)
}

/// Implements `Module32Next`.
pub fn module_next<U: NameUnit>(handle: HANDLE, to: *mut ModuleEntry<U>) -> Result<BOOL> {
    let snapshot = snapshot(handle)?;
    let size = check_size(to)?;
    write_module(snapshot.owner, snapshot.modules.next(), to, size)
}

fn write_module<U: NameUnit>(
    owner: DWORD,
    module: Option<&psapi::Module>,
    to: *mut ModuleEntry<U>,
    size: DWORD,
) -> Result<BOOL> {
    let module = module.ok_or(Win32Error::NO_MORE_FILES)?;
    let entry = ModuleEntry {
        dwSize: size,
        // As the API defines, this field is always 1, and the use counts are not kept.
        th32ModuleID: 1,
        th32ProcessID: owner,
        GlblcntUsage: 0xFFFF,
        ProccntUsage: 0xFFFF,
        #[cfg(target_pointer_width = "64")]
        Reserved: 0,
        modBaseAddr: to_pointer(module.base),
        modBaseSize: to_dword(module.size),
        #[cfg(target_pointer_width = "64")]
        Reserved2: 0,
        hModule: to_pointer(module.base),
        szModule: encode_fixed(module.name().as_bytes()),
        szExePath: encode_fixed(module.path.as_os_str().as_bytes()),
    };
    let length = offset_of!(ModuleEntry<U>, szExePath) + size_of_val(&entry.szExePath);
    user_memory::write_prefix(to, &entry, length)?;
    Ok(TRUE)
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;
    use crate::linux::handles::{close, current};
    use crate::types::{CHAR, MODULEENTRY32, PROCESSENTRY32, PROCESSENTRY32W, WCHAR};

    /// A value of zeros, with its size in the first field.
    fn sized<T>() -> T {
        let mut value = std::mem::MaybeUninit::<T>::zeroed();
        // SAFETY: this is called for structures that start with a `DWORD`, and for which zeros are
        // valid.
        unsafe {
            value
                .as_mut_ptr()
                .cast::<DWORD>()
                .write(size_of::<T>() as DWORD);
            value.assume_init()
        }
    }

    /// Returns all entries of a snapshot.
    fn all<T: Copy>(
        snapshot: HANDLE,
        first: fn(HANDLE, *mut T) -> Result<BOOL>,
        next: fn(HANDLE, *mut T) -> Result<BOOL>,
    ) -> Vec<T> {
        let (mut entry, mut entries) = (sized::<T>(), Vec::new());
        let mut result = first(snapshot, &mut entry);
        while result == Ok(TRUE) {
            entries.push(entry);
            result = next(snapshot, &mut entry);
        }
        assert_eq!(result, Err(Win32Error::NO_MORE_FILES));
        entries
    }

    fn text<U: NameUnit>(units: &[U]) -> String {
        let end = units.iter().position(|unit| *unit == U::NUL).unwrap();
        String::from_utf8(U::decode(&units[..end])).unwrap()
    }

    fn start_child() -> Child {
        let mut command = Command::new("cat");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // After an answer, the child runs its program.
        std::io::Write::write_all(child.stdin.as_mut().unwrap(), b"x").unwrap();
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut [0]).unwrap();
        child
    }

    #[test]
    fn lists_processes() {
        let mut child = start_child();
        let image = std::fs::read_link(format!("/proc/{}/exe", child.id())).unwrap();
        let image = image.file_name().unwrap().to_str().unwrap().to_owned();
        let snapshot = create(TH32CS_SNAPPROCESS, 0).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        // The snapshot still has the process.
        let narrow = all::<PROCESSENTRY32>(snapshot, process_first, process_next);
        let wide = all::<PROCESSENTRY32W>(snapshot, process_first, process_next);
        let is_child = |id: DWORD| id == child.id();
        let row = narrow
            .iter()
            .find(|row| is_child(row.th32ProcessID))
            .unwrap();
        assert_eq!(row.th32ParentProcessID, std::process::id());
        assert_eq!(row.cntThreads, 1);
        // SAFETY: `getpriority` has no preconditions. The child inherits the nice value.
        if unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) } == 0 {
            assert_eq!(row.pcPriClassBase, 8);
        }
        assert_eq!(text(&row.szExeFile), image);
        let row = wide.iter().find(|row| is_child(row.th32ProcessID)).unwrap();
        assert_eq!(text(&row.szExeFile), image);
        assert_eq!(narrow.len(), wide.len());
        let threads = all(snapshot, thread_first, thread_next);
        assert_eq!(threads.len(), 0);
        close(snapshot).unwrap();
    }

    #[test]
    fn lists_threads_of_all_processes() {
        let mut child = start_child();
        let snapshot = create(TH32CS_SNAPTHREAD, 0).unwrap();
        let threads = all(snapshot, thread_first, thread_next);
        let of = |id: u32| {
            let of_process = threads
                .iter()
                .filter(move |row| row.th32OwnerProcessID == id);
            of_process.map(|row| row.th32ThreadID).collect::<Vec<_>>()
        };
        assert_eq!(of(child.id()), [child.id()]);
        // SAFETY: `gettid` has no preconditions.
        let own = unsafe { libc::gettid() } as u32;
        assert!(of(std::process::id()).contains(&own));
        close(snapshot).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn lists_modules_of_process() {
        let mut child = start_child();
        let image = std::fs::read_link(format!("/proc/{}/exe", child.id())).unwrap();
        let snapshot = create(TH32CS_SNAPMODULE | TH32CS_SNAPMODULE32, child.id()).unwrap();
        let modules = all::<MODULEENTRY32>(snapshot, module_first, module_next);
        assert_eq!(text(&modules[0].szExePath), image.to_str().unwrap());
        let name = image.file_name().unwrap();
        assert_eq!(text(&modules[0].szModule), name.to_str().unwrap());
        assert!(modules.iter().all(|row| row.th32ProcessID == child.id()));
        assert!(modules.iter().all(|row| row.modBaseAddr == row.hModule));
        let maps = std::fs::read_to_string(format!("/proc/{}/maps", child.id())).unwrap();
        let line = maps
            .lines()
            .find(|line| line.ends_with(image.to_str().unwrap()));
        let start = line.unwrap().split('-').next().unwrap();
        let start = usize::from_str_radix(start, 16).unwrap();
        assert_eq!(modules[0].modBaseAddr.addr(), start);
        let wide = all::<ModuleEntry<WCHAR>>(snapshot, module_first, module_next);
        assert_eq!(wide.len(), modules.len());
        close(snapshot).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let gone = create(TH32CS_SNAPMODULE, child.id());
        assert_eq!(gone, Err(Win32Error::INVALID_PARAMETER));
    }

    #[test]
    fn size_must_be_set() {
        let snapshot = create(TH32CS_SNAPPROCESS, 0).unwrap();
        let mut entry = sized::<PROCESSENTRY32>();
        for size in [0, size_of::<PROCESSENTRY32>() as DWORD - 1] {
            entry.dwSize = size;
            assert_eq!(
                process_first(snapshot, &mut entry),
                Err(Win32Error::BAD_LENGTH)
            );
            assert_eq!(
                process_next(snapshot, &mut entry),
                Err(Win32Error::BAD_LENGTH)
            );
        }
        entry.dwSize = 1000;
        assert_eq!(process_first(snapshot, &mut entry), Ok(TRUE));
        assert_eq!(entry.dwSize, 1000);
        let nowhere = std::ptr::null_mut::<ProcessEntry<CHAR>>();
        assert_eq!(process_first(snapshot, nowhere), Err(Win32Error::NOACCESS));
        close(snapshot).unwrap();
        assert_eq!(
            process_first(snapshot, nowhere),
            Err(Win32Error::INVALID_HANDLE)
        );
    }

    #[test]
    fn rejects_other_handles_and_flags() {
        for flags in [0, 0x20, TH32CS_INHERIT, DWORD::MAX] {
            assert_eq!(create(flags, 0), Err(Win32Error::INVALID_PARAMETER));
        }
        assert_eq!(
            create(TH32CS_SNAPMODULE, DWORD::MAX),
            Err(Win32Error::INVALID_PARAMETER)
        );
        let mut entry = sized::<THREADENTRY32>();
        assert_eq!(
            thread_first(current(), &mut entry),
            Err(Win32Error::INVALID_HANDLE)
        );
        let snapshot = create(TH32CS_SNAPHEAPLIST, 0).unwrap();
        let process = crate::linux::handles::resolve(snapshot, 0);
        assert_eq!(process.err(), Some(Win32Error::INVALID_HANDLE));
        close(snapshot).unwrap();
    }
}
