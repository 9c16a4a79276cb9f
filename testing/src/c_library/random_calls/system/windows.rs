//! Windows: the functions of `windows.h` are in `kernel32.dll`, which the calls do not test.

use std::ffi::c_void;
use std::os::windows::ffi::OsStrExt as _;
use std::path::Path;
use std::ptr::null_mut;

use libloading::Library;

use super::super::function::Function;
use super::super::kinds::Prototype;
use super::super::random::Random;
use super::super::resources::{Resources, keep};
use crate::{Program, TestProcess, programs};

/// The library has no other functions.
pub const HELPERS: &[Prototype] = &[];

/// Declares functions of `kernel32.dll`, which are found by name.
macro_rules! kernel32 {
    ($(fn $name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {$(
        #[allow(non_snake_case, reason = "the names are those of kernel32")]
        fn $name($($argument: $type),*) -> $result {
            // SAFETY: the library is in every process, and stays loaded.
            let library = unsafe { Library::new("kernel32.dll") }.expect("load kernel32.dll");
            let name = concat!(stringify!($name), "\0");
            // SAFETY: the function has this type. The callers pass valid arguments.
            unsafe {
                let function = library
                    .get::<unsafe extern "system" fn($($type),*) -> $result>(name.as_bytes())
                    .expect("a function of kernel32.dll");
                function($($argument),*)
            }
        }
    )*};
}

kernel32! {
    fn CloseHandle(handle: usize) -> i32;
    fn GetCurrentProcess() -> usize;
    fn GetModuleHandleW(name: *const u16) -> usize;
    fn GetProcessHandleCount(process: usize, count: *mut u32) -> i32;
    fn OpenProcess(access: u32, inherit: i32, id: u32) -> usize;
    fn VirtualAlloc(address: *mut c_void, size: usize, kind: u32, protection: u32) -> *mut c_void;
}

const MEM_COMMIT: u32 = 0x1000;
const MEM_RESERVE: u32 = 0x2000;
const PAGE_READONLY: u32 = 0x02;
const PAGE_READWRITE: u32 = 0x04;

/// Returns the number of names that the library exports: `NumberOfNames` in its image.
pub fn exported(library: &Path) -> usize {
    let name: Vec<u16> = library.as_os_str().encode_wide().chain([0]).collect();
    let base = GetModuleHandleW(name.as_ptr());
    assert_ne!(base, 0, "the library is loaded under another path");
    let field = |offset: usize| {
        let field: *const u32 = std::ptr::with_exposed_provenance(base + offset);
        // SAFETY: the field is in the headers or the export directory of a loaded image.
        unsafe { field.read_unaligned() as usize }
    };
    let optional_header = field(0x3c) + 24;
    let directories = if cfg!(target_pointer_width = "64") {
        112
    } else {
        96
    };
    field(field(optional_header + directories) + 24)
}

/// Maps writable memory, followed by an inaccessible page.
pub fn writable_memory(size: usize) -> usize {
    let start = VirtualAlloc(null_mut(), size + 4096, MEM_RESERVE, PAGE_READWRITE);
    let start = VirtualAlloc(start, size, MEM_COMMIT, PAGE_READWRITE);
    assert!(!start.is_null(), "no memory");
    start.expose_provenance()
}

/// Maps a page that can only be read.
pub fn read_only_page() -> usize {
    let page = VirtualAlloc(null_mut(), 4096, MEM_RESERVE | MEM_COMMIT, PAGE_READONLY);
    assert!(!page.is_null(), "no memory");
    page.expose_provenance()
}

/// Returns the number of open handles.
pub fn open_handles() -> i64 {
    let mut count = 0;
    assert_ne!(GetProcessHandleCount(GetCurrentProcess(), &mut count), 0);
    count.into()
}

/// A process that waits until it is killed.
pub struct Child {
    process: TestProcess,
    _program: Program,
}

impl Child {
    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.process.id().get()
    }

    /// Ends the process.
    pub fn kill(&mut self) -> std::io::Result<()> {
        self.process.kill();
        Ok(())
    }

    /// Does nothing: the process has ended.
    pub fn wait(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Starts a process that waits until it is killed.
pub fn start_child() -> Child {
    let program = Program::compile(programs::WAITS, &[]);
    Child {
        process: program.start(),
        _program: program,
    }
}

/// Returns no heap: no function takes one.
pub fn heap(_: &[Function]) -> usize {
    0
}

/// Opens a process with random rights in one of four calls.
pub fn open_process(kept: &mut Resources, random: &mut Random, child: u32) {
    if random.below(4) != 0 {
        return;
    }
    let access = random.one_of(&[0x400, 0x410, 0x1000, 0x1100, 0x1f_ffff, 0x200_0000]);
    let id = random.one_of(&[child, std::process::id()]);
    let handle = OpenProcess(access, 0, id);
    if handle != 0 {
        keep(&mut kept.processes, random, handle);
        kept.open.push(handle);
    }
}

/// Closes all handles. Anything that remains is a leak.
pub fn release(kept: &mut Resources, _heap: usize, _: &[Function]) {
    for handle in kept.open.drain(..) {
        assert_ne!(CloseHandle(handle), 0, "cannot close a handle");
    }
    kept.processes.clear();
}
