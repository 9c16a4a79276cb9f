//! Calls of every function that the library exports, with random arguments of the right kinds:
//! handles, lengths and pointers that are good, stale, made up, NULL, of nothing, of what may not be
//! written to, or of what ends too early.

use std::ffi::c_void;
use std::fs;
use std::mem::ManuallyDrop;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::ptr::null_mut;

use libloading::Library;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect};

/// What came of it.
#[derive(Debug)]
pub struct Report {
    /// How many calls did not fail.
    pub succeeded: u64,
    /// Descriptors that are open at the end and were not before.
    pub descriptors: i64,
    /// What was measured of its memory, in bytes, more than after the first tenth of the calls.
    pub memory: i64,
}

/// What an argument is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Process,
    Module,
    Driver,
    /// The caller's memory.
    Pointer,
    /// In the target.
    Address,
    Length,
    Id,
    Access,
    Number,
    CallbackA,
    CallbackW,
    /// Memory of `VirtualAlloc`, or what is none.
    Region,
    Size,
    Protection,
    HowToAllocate,
    HowToFree,
    Milliseconds,
    MessageFlags,
    /// Of `FormatMessage`, or what is none.
    Local,
}

use Kind::*;

/// The functions of `psapi.h`, each of which has a second name.
const FUNCTIONS: &[(&str, &[Kind])] = &[
    ("EnumProcesses", &[Pointer, Length, Pointer]),
    ("EnumProcessModules", &[Process, Pointer, Length, Pointer]),
    (
        "EnumProcessModulesEx",
        &[Process, Pointer, Length, Pointer, Number],
    ),
    ("GetModuleBaseNameA", &[Process, Module, Pointer, Length]),
    ("GetModuleBaseNameW", &[Process, Module, Pointer, Length]),
    ("GetModuleFileNameExA", &[Process, Module, Pointer, Length]),
    ("GetModuleFileNameExW", &[Process, Module, Pointer, Length]),
    ("GetModuleInformation", &[Process, Module, Pointer, Length]),
    ("EnumDeviceDrivers", &[Pointer, Length, Pointer]),
    ("GetDeviceDriverBaseNameA", &[Driver, Pointer, Length]),
    ("GetDeviceDriverBaseNameW", &[Driver, Pointer, Length]),
    ("GetDeviceDriverFileNameA", &[Driver, Pointer, Length]),
    ("GetDeviceDriverFileNameW", &[Driver, Pointer, Length]),
    ("GetMappedFileNameA", &[Process, Address, Pointer, Length]),
    ("GetMappedFileNameW", &[Process, Address, Pointer, Length]),
    ("GetProcessImageFileNameA", &[Process, Pointer, Length]),
    ("GetProcessImageFileNameW", &[Process, Pointer, Length]),
    ("GetProcessMemoryInfo", &[Process, Pointer, Length]),
    ("QueryWorkingSet", &[Process, Pointer, Length]),
    ("QueryWorkingSetEx", &[Process, Pointer, Length]),
    ("InitializeProcessForWsWatch", &[Process]),
    ("GetWsChanges", &[Process, Pointer, Length]),
    ("GetWsChangesEx", &[Process, Pointer, Pointer]),
    ("EmptyWorkingSet", &[Process]),
    ("EnumPageFilesA", &[CallbackA, Pointer]),
    ("EnumPageFilesW", &[CallbackW, Pointer]),
    ("GetPerformanceInfo", &[Pointer, Length]),
];

const HELPERS: &[(&str, &[Kind])] = &[
    ("OpenProcess", &[Access, Number, Id]),
    ("CloseHandle", &[Process]),
    ("GetCurrentProcess", &[]),
    ("GetCurrentProcessId", &[]),
    ("GetLastError", &[]),
    ("SetLastError", &[Number]),
    ("GetModuleHandleA", &[Pointer]),
    ("GetModuleHandleW", &[Pointer]),
    ("GetModuleFileNameA", &[Module, Pointer, Length]),
    ("GetModuleFileNameW", &[Module, Pointer, Length]),
    (
        "QueryFullProcessImageNameA",
        &[Process, Number, Pointer, Pointer],
    ),
    (
        "QueryFullProcessImageNameW",
        &[Process, Number, Pointer, Pointer],
    ),
    ("Sleep", &[Milliseconds]),
    ("GetTickCount", &[]),
    ("GetTickCount64", &[]),
    ("GetSystemInfo", &[Pointer]),
    ("VirtualAlloc", &[Region, Size, HowToAllocate, Protection]),
    ("VirtualFree", &[Region, Size, HowToFree]),
    ("VirtualProtect", &[Region, Size, Protection, Pointer]),
    ("VirtualLock", &[Region, Size]),
    ("VirtualUnlock", &[Region, Size]),
    (
        "FormatMessageA",
        &[
            MessageFlags,
            Pointer,
            Number,
            Number,
            Pointer,
            Length,
            Pointer,
        ],
    ),
    (
        "FormatMessageW",
        &[
            MessageFlags,
            Pointer,
            Number,
            Number,
            Pointer,
            Length,
            Pointer,
        ],
    ),
    ("LocalFree", &[Local]),
];

/// Each as a function of so many words, which it takes as many of as it has arguments.
type Function = unsafe extern "C" fn(usize, usize, usize, usize, usize, usize, usize) -> usize;

struct Named {
    name: &'static str,
    kinds: &'static [Kind],
    function: Function,
}

/// All names that the library exports; panics if this file does not know one.
fn functions(library: &Library, path: &Path) -> Vec<Named> {
    let mut all = Vec::new();
    for &(name, kinds) in FUNCTIONS.iter().chain(HELPERS) {
        for prefix in ["", "K32"] {
            let symbol = format!("{prefix}{name}\0");
            // SAFETY: the calling conventions of all platforms that this runs on hand a function
            // the first of its arguments also if it is given more.
            if let Ok(function) = unsafe { library.get::<Function>(symbol.as_bytes()) } {
                all.push(Named {
                    name,
                    kinds,
                    function: *function,
                });
            }
        }
    }
    let listed = Command::new("nm")
        .args(["--dynamic", "--defined-only"])
        .arg(path)
        .output()
        .expect("nm runs");
    let exported = String::from_utf8_lossy(&listed.stdout).lines().count();
    assert_eq!(all.len(), exported, "exports that this test does not know");
    all
}

/// A generator whose every seed is a good one (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ word >> 31
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

/// Memory that anything may be written to, and then some that nothing may be.
struct Arena {
    start: usize,
    size: usize,
    read_only: usize,
}

impl Arena {
    fn new(size: usize) -> Self {
        let flags = MapFlags::PRIVATE;
        let both = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: it is new memory that nobody else uses; it stays until the end.
        unsafe {
            let start = mmap_anonymous(null_mut(), size + 4096, both, flags).expect("memory");
            let end = start.byte_add(size);
            mprotect(end, 4096, MprotectFlags::empty()).expect("a guard");
            let read_only = mmap_anonymous(null_mut(), 4096, ProtFlags::READ, flags);
            Arena {
                start: start.addr(),
                size,
                read_only: read_only.expect("memory").addr(),
            }
        }
    }

    fn word(&self, address: usize) -> Option<usize> {
        let within = (self.start..self.start + self.size - 8).contains(&address);
        let place: *const usize = std::ptr::with_exposed_provenance(address);
        // SAFETY: it is in this memory, where any bytes are a number.
        within.then(|| unsafe { place.read_unaligned() })
    }
}

struct Caller {
    random: Random,
    arena: Arena,
    child: Child,
    /// Open and closed ones.
    processes: Vec<usize>,
    open: Vec<usize>,
    modules: Vec<usize>,
    drivers: Vec<usize>,
    regions: Vec<usize>,
    locals: Vec<usize>,
}

/// As many handles, regions and the like as are kept.
const KEPT: usize = 64;

const ARENA: usize = 1 << 20;

/// The pseudo handle of the own process.
const OWN: usize = usize::MAX;

impl Caller {
    fn argument(&mut self, kind: Kind) -> usize {
        let wild = [
            0,
            1,
            8,
            usize::MAX,
            usize::MAX - 7,
            1 << 47,
            0xffff_8000_0000_0000,
        ];
        let random = &mut self.random;
        match kind {
            // One in eight is none.
            Process | Module | Driver | Region | Local if random.below(8) == 0 => {
                random.one_of(&wild)
            }
            Process if random.below(4) == 0 => OWN,
            Process => one_of(random, &self.processes),
            Module if random.below(4) == 0 => 0,
            Module => one_of(random, &self.modules),
            Driver => one_of(random, &self.drivers),
            Local => one_of(random, &self.locals),
            Region if random.below(2) == 0 => 0,
            Region => {
                one_of(random, &self.regions).wrapping_add(random.one_of(&[0, 0, 0, 1, 4096]))
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
            // One that says stop at once.
            CallbackA | CallbackW => random.one_of(&[0, stop as *const c_void as usize]),
            Size => random.one_of(&[0, 1, 4096, 65536, 65537, 1 << 20, usize::MAX, 1 << 46]),
            Protection => random.one_of(&[0, 1, 2, 4, 8, 0x10, 0x20, 0x40, 0x80, 0x104]),
            HowToAllocate => random.one_of(&[0, 0x1000, 0x2000, 0x3000, 0x3000, 0x8000]),
            HowToFree => random.one_of(&[0, 0x4000, 0x8000, 0x8000, 0xc000]),
            Milliseconds => 0,
            MessageFlags => random.one_of(&[0, 0x1000, 0x1100, 0x1200, 0x1300, 0x12ff, 0x800]),
        }
    }

    fn call(&mut self, named: &Named) -> bool {
        let mut arguments = [0; 7];
        for (argument, &kind) in arguments.iter_mut().zip(named.kinds) {
            *argument = self.argument(kind);
        }
        let [a, b, c, d, e, f, g] = arguments;
        // SAFETY: that this is safe whatever the arguments are is what is tried here; those that
        // would be used as they are, such as memory whose protection is changed, lead to nothing
        // that this program needs.
        let result = unsafe { (named.function)(a, b, c, d, e, f, g) };
        let done = match named.name {
            "VirtualAlloc" | "OpenProcess" | "GetModuleHandleA" => result != 0,
            _ => result as u32 != 0,
        };
        match named.name {
            "OpenProcess" if done => {
                keep(&mut self.processes, &mut self.random, result);
                self.open.push(result);
            }
            "CloseHandle" if done => self.open.retain(|&handle| handle != a),
            // What was committed was reserved before.
            "VirtualAlloc" if done && (a == 0 || c & 0x2000 != 0) => self.regions.push(result),
            "VirtualFree" if done && c == 0x8000 => self.regions.retain(|&region| region != a),
            "FormatMessageA" | "FormatMessageW" if done && a & 0x100 != 0 => {
                self.locals.extend(self.arena.word(e));
            }
            "LocalFree" if result == 0 => self.locals.retain(|&local| local != a),
            _ => {}
        }
        done
    }

    /// Gives back what was opened and allocated, so that what is left over has leaked.
    fn give_back(&mut self, functions: &[Named]) {
        let find = |name| {
            let named = functions.iter().find(|it| it.name == name);
            named.map_or_else(|| panic!("{name}"), |named| named.function)
        };
        let (close, free, local) = (find("CloseHandle"), find("VirtualFree"), find("LocalFree"));
        let watch = find("InitializeProcessForWsWatch");
        // SAFETY: they are what these functions take.
        unsafe {
            for handle in self.open.drain(..) {
                assert_ne!(
                    close(handle, 0, 0, 0, 0, 0, 0) as u32,
                    0,
                    "a handle was lost"
                );
            }
            for region in self.regions.drain(..) {
                assert_ne!(
                    free(region, 0, 0x8000, 0, 0, 0, 0) as u32,
                    0,
                    "a region was lost"
                );
            }
            for memory in self.locals.drain(..) {
                assert_eq!(local(memory, 0, 0, 0, 0, 0, 0), 0, "memory was lost");
            }
            // The watch on the own process has no handle to be closed with: one that begins anew lets
            // go of what the one before has recorded. Not every user may watch.
            watch(OWN, 0, 0, 0, 0, 0, 0);
        }
        self.processes.clear();
    }
}

fn one_of(random: &mut Random, all: &[usize]) -> usize {
    match all {
        [] => 0,
        all => random.one_of(all),
    }
}

fn keep(all: &mut Vec<usize>, random: &mut Random, value: usize) {
    match all.len() < KEPT {
        true => all.push(value),
        false => {
            let place = random.below(KEPT);
            all[place] = value;
        }
    }
}

extern "C" fn stop(_: *mut c_void, _: *mut c_void, _: *const c_void) -> i32 {
    0
}

fn descriptors() -> i64 {
    fs::read_dir("/proc/self/fd")
        .expect("the own descriptors")
        .count() as i64
}

/// Makes so many calls of the library in a file, and measures this process's memory.
pub fn make(path: &Path, calls: u64, seed: u64, memory: fn() -> i64) -> Report {
    // SAFETY: what it does when it is loaded is to register what a fork calls.
    let library = unsafe { Library::new(path) }.expect("the library loads");
    // It stays, so that what it keeps for the next call is no leak to who looks for some.
    let library = ManuallyDrop::new(library);
    let functions = functions(&library, path);
    let child = Command::new("cat").stdin(Stdio::piped()).spawn();
    let mut caller = Caller {
        random: Random(seed),
        arena: Arena::new(ARENA),
        child: child.expect("cat runs"),
        processes: Vec::new(),
        open: Vec::new(),
        modules: bases(&functions, "EnumProcessModules"),
        drivers: bases(&functions, "EnumDeviceDrivers"),
        regions: Vec::new(),
        locals: Vec::new(),
    };
    let mut succeeded = 0;
    let mut before = (0, 0);
    for call in 0..calls {
        if caller
            .open
            .len()
            .max(caller.regions.len())
            .max(caller.locals.len())
            > KEPT
        {
            caller.give_back(&functions);
        }
        if call == calls / 10 {
            caller.give_back(&functions);
            before = (descriptors(), memory());
        }
        let named = caller.random.below(functions.len());
        succeeded += u64::from(caller.call(&functions[named]));
    }
    caller.give_back(&functions);
    let report = Report {
        succeeded,
        descriptors: descriptors() - before.0,
        memory: memory() - before.1,
    };
    let _ = caller.child.kill();
    let _ = caller.child.wait();
    report
}

/// The addresses that one of the functions lists of this process, or of the kernel.
fn bases(functions: &[Named], name: &str) -> Vec<usize> {
    let named = functions.iter().find(|it| it.name == name);
    let function = named.unwrap_or_else(|| panic!("{name}")).function;
    let mut bases = vec![0usize; 1024];
    let mut needed = 0u32;
    let (to, cb) = (bases.as_mut_ptr().expose_provenance(), 8 * 1024);
    let needed_at = (&raw mut needed).expose_provenance();
    // SAFETY: there is room for as much as it is told.
    unsafe {
        match name {
            "EnumDeviceDrivers" => function(to, cb, needed_at, 0, 0, 0, 0),
            _ => function(OWN, to, cb, needed_at, 0, 0, 0),
        }
    };
    bases.truncate(needed as usize / 8);
    bases
}
