//! Calls of every function that the library exports, with random arguments of the right kinds.
//!
//! Handles, lengths and pointers are valid, stale, random or null. Pointers also point to unmapped
//! memory, to read-only memory, or close to the end of a buffer.

mod function;
mod kinds;
mod random;
mod resources;
mod system;

use std::ffi::c_void;
use std::mem::ManuallyDrop;
use std::path::Path;

use libloading::Library;

use function::{Function, MAX_ARGUMENTS, find, functions};
use kinds::Kind::{self, *};
use random::Random;
use resources::{Resources, keep, one_of};

/// The result of a series of calls.
#[derive(Debug)]
pub struct Report {
    /// The number of calls that succeeded.
    pub succeeded: u64,
    /// The number of descriptors opened since the first half of the calls and not closed.
    pub descriptors: i64,
    /// The growth of measured memory since the first half of the calls, in bytes.
    pub memory: i64,
}

/// Writable memory, followed by an inaccessible page. Another page is read-only.
struct Arena {
    start: usize,
    size: usize,
    read_only: usize,
}

impl Arena {
    fn new(size: usize) -> Self {
        Arena {
            start: system::writable_memory(size),
            size,
            read_only: system::read_only_page(),
        }
    }

    fn read_usize(&self, address: usize) -> Option<usize> {
        let within = (self.start..=self.start + self.size - size_of::<usize>()).contains(&address);
        let pointer: *const usize = std::ptr::with_exposed_provenance(address);
        // SAFETY: the address is in the arena, which is readable, and any bytes are a valid
        // `usize`.
        within.then(|| unsafe { pointer.read_unaligned() })
    }
}

struct Caller {
    random: Random,
    arena: Arena,
    child: system::Child,
    modules: Vec<usize>,
    drivers: Vec<usize>,
    heap: usize,
    kept: Resources,
}

const ARENA: usize = 1 << 20;

/// An address above those of programs.
const KERNEL: usize = if cfg!(target_pointer_width = "64") {
    1 << 47
} else {
    1 << 31
};

/// The pseudo handle of the current process.
const OWN: usize = usize::MAX;

impl Caller {
    fn argument(&mut self, kind: Kind) -> usize {
        let wild = [0, 1, 8, usize::MAX, usize::MAX - 7, KERNEL, !(KERNEL - 1)];
        let random = &mut self.random;
        match kind {
            // One in eight is invalid.
            Process | Module | Driver | Region | Local | Block | Heap | Library | Snapshot
            | Token
                if random.below(8) == 0 =>
            {
                random.one_of(&wild)
            }
            Process if random.below(4) == 0 => OWN,
            Process => one_of(random, &self.kept.processes),
            Module if random.below(4) == 0 => 0,
            Module => one_of(random, &self.modules),
            Driver => one_of(random, &self.drivers),
            Local => one_of(random, &self.kept.locals),
            Block => one_of(random, &self.kept.blocks),
            Heap => self.heap,
            Library if random.below(2) == 0 => one_of(random, &self.modules),
            Library => one_of(random, &self.kept.libraries),
            Survivor => random.one_of(&[0, 1, 8, KERNEL]),
            Unreadable => random.one_of(&wild),
            Snapshot => one_of(random, &self.kept.snapshots),
            SnapshotFlags => random.one_of(&[0, 2, 4, 8, 0x10, 0xf, 0x8000_0001, 0x20]),
            Token => one_of(random, &self.kept.tokens),
            CodePage => random.one_of(&[0, 1, 3, 65001, 437]),
            False => 0,
            Region if random.below(2) == 0 => 0,
            Region => {
                one_of(random, &self.kept.regions).wrapping_add(random.one_of(&[0, 0, 0, 1, 4096]))
            }
            Pointer => match random.below(8) {
                0 => random.one_of(&wild),
                1 => self.arena.read_only + random.below(4096),
                2 => self.arena.start + self.arena.size - random.below(64),
                3 => self.arena.start + self.arena.size + random.below(4096),
                _ => self.arena.start + random.below(self.arena.size),
            },
            Address => match random.below(4) {
                0 => random.one_of(&wild),
                1 => self.arena.start + random.below(self.arena.size),
                2 => one_of(random, &self.modules) + random.below(1 << 16),
                _ => random.next() as usize,
            },
            Length => match random.below(4) {
                0 => random.one_of(&[0, 1, 7, 8, 15, 16, 24, 32, 72, 80, 96, 104]),
                1 => random.below(4096),
                2 => random.below(2 * ARENA),
                _ => random.one_of(&[u32::MAX as usize, 1 << 31, ARENA]),
            },
            Id => match random.below(4) {
                0 => random.one_of(&[0, u32::MAX as usize, 1 << 22]),
                1 => self.child.id() as usize,
                _ => std::process::id() as usize,
            },
            Access => random.one_of(&[0, 0x400, 0x410, 0x1000, 0x1100, 0x1f_ffff, 0x200_0000]),
            Number => random.one_of(&[0, 1, 2, 3, 4, 5, 87, 998, 0xffff_ffff]),
            // A null pointer, or a callback that stops the enumeration.
            CallbackA | CallbackW => random.one_of(&[0, stop as *const c_void as usize]),
            Size => random.one_of(&[0, 1, 4096, 65536, 65537, 1 << 20, usize::MAX, KERNEL / 2]),
            Protection => random.one_of(&[0, 1, 2, 4, 8, 0x10, 0x20, 0x40, 0x80, 0x104]),
            HowToAllocate => random.one_of(&[0, 0x1000, 0x2000, 0x3000, 0x3000, 0x8000]),
            HowToFree => random.one_of(&[0, 0x4000, 0x8000, 0x8000, 0xc000]),
            Milliseconds => 0,
            MessageFlags => random.one_of(&[0, 0x1000, 0x1100, 0x1200, 0x1300, 0x12ff, 0x800]),
        }
    }

    fn call(&mut self, named: &Function) -> bool {
        let mut arguments = [0; 8];
        for (argument, &kind) in arguments.iter_mut().zip(named.kinds) {
            *argument = self.argument(kind);
        }
        // SAFETY: the library must be safe for any arguments: this test checks just that.
        // Functions that change memory get addresses of memory that this program does not need.
        let result = unsafe { named.call(arguments) };
        let [a, _, c, _, e, ..] = arguments;
        let done = match named.name {
            "VirtualAlloc" | "OpenProcess" | "GetModuleHandleA" | "LoadLibraryA"
            | "LoadLibraryW" | "GetProcAddress" | "HeapAlloc" => result != 0,
            "CreateToolhelp32Snapshot" => result != usize::MAX,
            "WaitForSingleObject" => result as u32 != u32::MAX,
            _ => result as u32 != 0,
        };
        match named.name {
            "OpenProcess" if done => {
                keep(&mut self.kept.processes, &mut self.random, result);
                self.kept.open.push(result);
            }
            "CreateToolhelp32Snapshot" if done => {
                keep(&mut self.kept.snapshots, &mut self.random, result);
                self.kept.open.push(result);
            }
            "OpenProcessToken" if done => {
                if let Some(token) = self.arena.read_usize(c) {
                    keep(&mut self.kept.tokens, &mut self.random, token);
                    self.kept.open.push(token);
                }
            }
            "CloseHandle" if done => self.kept.open.retain(|&handle| handle != a),
            "LoadLibraryA" | "LoadLibraryW" if done => self.kept.libraries.push(result),
            "GetModuleHandleExA" | "GetModuleHandleExW" if done => {
                self.kept.libraries.extend(self.arena.read_usize(c));
            }
            "HeapAlloc" if done => self.kept.blocks.push(result),
            "HeapFree" if done => self.kept.blocks.retain(|&block| block != c),
            // Memory that is only committed was reserved by an earlier call.
            "VirtualAlloc" if done && (a == 0 || c & 0x2000 != 0) => self.kept.regions.push(result),
            "VirtualFree" if done && c == 0x8000 => self.kept.regions.retain(|&region| region != a),
            "FormatMessageA" | "FormatMessageW" if done && a & 0x100 != 0 => {
                self.kept.locals.extend(self.arena.read_usize(e));
            }
            "LocalFree" if result == 0 => self.kept.locals.retain(|&local| local != a),
            _ => {}
        }
        done
    }

    /// Opens a process where the library does not export the function for it.
    fn open_process(&mut self) {
        system::open_process(&mut self.kept, &mut self.random, self.child.id());
    }

    /// Closes all handles and frees all memory. Anything that remains is a leak.
    fn release(&mut self, functions: &[Function]) {
        system::release(&mut self.kept, self.heap, functions);
        // The watch of the current process has no handle to close. A new watch drops the records of
        // the old one. Unprivileged callers cannot watch.
        let mut arguments = [0; MAX_ARGUMENTS];
        arguments[0] = OWN;
        // SAFETY: the only argument is the pseudo handle of the current process.
        unsafe { find(functions, "InitializeProcessForWsWatch").call(arguments) };
    }
}

extern "system" fn stop(_: *mut c_void, _: *mut c_void, _: *const c_void) -> i32 {
    0
}

/// Makes random calls of the library at a path, and measures this process's memory and descriptors.
pub fn make(path: &Path, calls: u64, seed: u64, memory: fn() -> i64) -> Report {
    // SAFETY: the only initializer of the library registers fork handlers, which is always allowed.
    let library = unsafe { Library::new(path) }.expect("load the library");
    // The library stays loaded: otherwise leak checkers would report its caches.
    let library = ManuallyDrop::new(library);
    let functions = functions(&library, system::HELPERS);
    assert_eq!(
        functions.len(),
        system::exported(path),
        "the library exports names that are not listed"
    );
    let mut caller = Caller {
        random: Random(seed),
        arena: Arena::new(ARENA),
        child: system::start_child(),
        modules: bases(&functions, "EnumProcessModules"),
        drivers: bases(&functions, "EnumDeviceDrivers"),
        heap: system::heap(&functions),
        kept: Resources::default(),
    };
    let mut succeeded = 0;
    let mut before = (0, 0);
    for call in 0..calls {
        if caller.kept.are_many() {
            caller.release(&functions);
        }
        // By now, the library has most likely opened what it keeps open, such as its own `maps`.
        if call == calls / 2 {
            caller.release(&functions);
            before = (system::open_handles(), memory());
        }
        caller.open_process();
        let named = caller.random.below(functions.len());
        succeeded += u64::from(caller.call(&functions[named]));
    }
    caller.release(&functions);
    let report = Report {
        succeeded,
        descriptors: system::open_handles() - before.0,
        memory: memory() - before.1,
    };
    let _ = caller.child.kill();
    let _ = caller.child.wait();
    report
}

/// Returns the base addresses that a function lists for this process or the kernel.
fn bases(functions: &[Function], name: &str) -> Vec<usize> {
    let function = find(functions, name);
    let mut bases = vec![0usize; 1024];
    let mut needed = 0u32;
    let (to, cb) = (
        bases.as_mut_ptr().expose_provenance(),
        size_of_val(&bases[..]),
    );
    let needed_at = (&raw mut needed).expose_provenance();
    let arguments = match name {
        "EnumDeviceDrivers" => [to, cb, needed_at, 0, 0, 0, 0, 0],
        _ => [OWN, to, cb, needed_at, 0, 0, 0, 0],
    };
    // SAFETY: the buffer has `cb` bytes, and `needed_at` points to a `u32`.
    unsafe { function.call(arguments) };
    bases.truncate(needed as usize / size_of::<usize>());
    bases
}
