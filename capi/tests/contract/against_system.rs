//! Every function, compared with the system's own of the same name: result, last error and output.
//!
//! Each call has at most one wrong argument, because Wine checks arguments in another order than
//! Windows. No pointer is null, because Wine's functions crash.

use std::collections::BTreeSet;
use std::ffi::{c_char, c_void};
use std::os::windows::io::AsRawHandle as _;
use std::ptr::{null_mut, without_provenance_mut};

use crate::api::*;

use testing::{Program, programs};

/// The last error before a call.
const BEFORE: u32 = 4711;

/// The bytes of a buffer before a call.
const FILL: u8 = 0xa5;

const AMPLE: u32 = 1024;

/// Functions that differ under Wine, the cases in which they do, and what Wine's do. A case matches
/// if it begins with the given text.
const WINE: &[(&[&str], &[&str], &str)] = &[
    (
        &["InitializeProcessForWsWatch", "EmptyWorkingSet"],
        &[""],
        "succeed for every handle, and do nothing",
    ),
    (
        &["GetWsChanges", "GetWsChangesEx"],
        &[""],
        "are not implemented",
    ),
    (
        &["QueryWorkingSet", "QueryWorkingSetEx"],
        &[""],
        "do not describe other processes, and fail before the handle is checked",
    ),
    (
        &[
            "EnumDeviceDrivers",
            "GetDeviceDriverBaseNameA",
            "GetDeviceDriverBaseNameW",
            "GetDeviceDriverFileNameA",
            "GetDeviceDriverFileNameW",
        ],
        &[""],
        "know no driver, and fail without an error code",
    ),
    (
        &["EnumPageFilesA", "EnumPageFilesW"],
        &[""],
        "fail without an error code",
    ),
    (
        &["GetModuleBaseNameA", "GetModuleBaseNameW"],
        &["null, 1", "null, 4", "module"],
        "do not end a truncated name with NUL, or write past the buffer",
    ),
    (
        &["GetMappedFileNameW"],
        &["image", "in image", "in library"],
        "returns the whole length of a truncated name, and sets the last error",
    ),
    (&["GetModuleFileNameExA"], &[""], "writes a NUL if it fails"),
    (
        &["GetProcessMemoryInfo"],
        &["child, PROCESS_MEMORY_COUNTERS_EX"],
        "stores the size of the smaller structure",
    ),
    (
        &[
            "EnumProcessModules",
            "EnumProcessModulesEx",
            "GetModuleBaseNameA",
            "GetModuleBaseNameW",
            "GetModuleFileNameExW",
            "GetModuleInformation",
        ],
        &["LIMITED+VM_READ"],
        "do not need PROCESS_QUERY_INFORMATION",
    ),
    (
        &[
            "EnumProcessModules",
            "EnumProcessModulesEx",
            "GetModuleBaseNameA",
            "GetModuleBaseNameW",
            "GetModuleFileNameExW",
            "GetModuleInformation",
            "GetMappedFileNameA",
            "GetMappedFileNameW",
        ],
        &["ended"],
        "fail with another error",
    ),
    (
        &[
            "GetProcessImageFileNameA",
            "GetProcessImageFileNameW",
            "GetProcessMemoryInfo",
        ],
        &["ended"],
        "succeed",
    ),
];

/// What a call did.
#[derive(Debug, PartialEq, Eq)]
struct Observed {
    result: u32,
    code: u32,
    output: Vec<u8>,
}

/// The names of the calls that differ.
#[derive(Default)]
struct Comparison {
    calls: usize,
    differing: BTreeSet<String>,
}

impl Comparison {
    /// Makes a call with both libraries. It returns its result.
    fn call(&mut self, name: String, call: impl Fn(&Api, &mut Output) -> u32) {
        let observe = |api: &Api| {
            let mut output = Output::default();
            (api.SetLastError)(BEFORE);
            let result = call(api, &mut output);
            Observed {
                result,
                code: (api.GetLastError)(),
                output: output.bytes(),
            }
        };
        self.calls += 1;
        let (ours, systems) = (observe(api()), observe(system_api()));
        if ours != systems {
            eprintln!("{name}\n  ours     {ours}\n  system's {systems}");
            self.differing.insert(name);
        }
    }

    /// Compares a function that returns a name, with buffers of several sizes.
    fn names(
        &mut self,
        function: &str,
        case: &str,
        sizes: &[u32],
        call: impl Fn(&Api, *mut c_void, u32) -> u32,
    ) {
        for &size in sizes {
            self.call(format!("{function}, {case}, {size}"), |api, output| {
                call(api, output.buffer(), size)
            });
        }
    }
}

impl std::fmt::Display for Observed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let end = self.output.iter().rposition(|&byte| byte != FILL);
        let output = &self.output[..end.map_or(0, |end| end + 1)];
        let shown = &output[..output.len().min(80)];
        write!(f, "{}, error {}, {shown:02x?}", self.result, self.code)
    }
}

/// What a call can write: a buffer that is aligned as every structure of the API, and a number.
struct Output {
    buffer: Vec<usize>,
    number: u32,
}

impl Default for Output {
    fn default() -> Self {
        Output {
            buffer: vec![usize::from_ne_bytes([FILL; WORD]); AMPLE as usize],
            number: 0x5555,
        }
    }
}

impl Output {
    fn buffer<T>(&mut self) -> *mut T {
        self.buffer.as_mut_ptr().cast()
    }

    fn bytes(&self) -> Vec<u8> {
        let buffer = self.buffer.iter().flat_map(|word| word.to_ne_bytes());
        self.number
            .to_ne_bytes()
            .into_iter()
            .chain(buffer)
            .collect()
    }
}

fn words(count: usize) -> u32 {
    (count * WORD) as u32
}

#[test]
fn functions_behave_as_system() {
    let program = Program::compile_as("lists".as_ref(), programs::PRINTS_MODULES, &[]);
    let child = program.start();
    let id = child.id().get();
    let mut compare = Comparison::default();

    let all = OpenHandle::new(ALL_ACCESS, id);
    compare_valid(&mut compare, all.0, "child");
    let rights = [
        ("no right", STANDARD_RIGHTS_REQUIRED),
        ("VM_READ", VM_READ),
        ("SET_QUOTA", SET_QUOTA),
        ("LIMITED", LIMITED),
        ("LIMITED+VM_READ", LIMITED | VM_READ),
        ("LIMITED+SET_QUOTA", LIMITED | SET_QUOTA),
        ("QUERY", QUERY),
        ("QUERY+VM_READ", QUERY | VM_READ),
    ];
    for (name, access) in rights {
        compare_handle(&mut compare, OpenHandle::new(access, id).0, name);
    }
    let file = std::fs::File::open(&program.path).unwrap();
    let invalid = [
        ("null handle", null_mut()),
        ("thread", without_provenance_mut(usize::MAX - 1)),
        ("unused handle", without_provenance_mut(0x7ff0)),
        ("file", file.as_raw_handle()),
    ];
    for (name, handle) in invalid {
        compare_handle(&mut compare, handle, name);
    }
    let mut ended = program.start();
    let open = OpenHandle::new(ALL_ACCESS, ended.id().get());
    ended.kill();
    ended.reap();
    compare_handle(&mut compare, open.0, "ended");
    compare_system(&mut compare);

    assert!(compare.calls > 300, "{}", compare.calls);
    let expected = if is_wine() { WINE } else { &[] };
    let mut unexpected = compare.differing.clone();
    for (functions, cases, what) in expected {
        for function in *functions {
            for case in *cases {
                let start = format!("{function}, {case}");
                let count = unexpected.len();
                unexpected.retain(|name| !name.starts_with(&start));
                assert_ne!(
                    unexpected.len(),
                    count,
                    "Wine no longer differs: {start}: {what}"
                );
            }
        }
    }
    assert!(unexpected.is_empty(), "different: {unexpected:#?}");
}

/// Returns true if the system is Wine, whose `ntdll.dll` has a function that tells so.
fn is_wine() -> bool {
    // SAFETY: the library is in every process, and the function is not called.
    unsafe {
        let ntdll = libloading::Library::new("ntdll.dll").unwrap();
        ntdll
            .get::<unsafe extern "system" fn()>(b"wine_get_version")
            .is_ok()
    }
}

/// Compares all functions of a process for a handle with all rights.
fn compare_valid(compare: &mut Comparison, handle: Handle, who: &str) {
    let mut bases = [null_mut::<c_void>(); 64];
    let mut needed = 0;
    succeed(|api| (api.EnumProcessModules)(handle, bases.as_mut_ptr(), words(64), &mut needed));
    let bases = &bases[..needed as usize / WORD];
    for cb in [0, 1, words(1), words(1) + 1, words(2), words(64)] {
        compare.call(
            format!("EnumProcessModules, {who}, {cb} bytes"),
            |api, to| (api.EnumProcessModules)(handle, to.buffer(), cb, &mut to.number) as u32,
        );
    }
    for filter in 0..=4 {
        compare.call(
            format!("EnumProcessModulesEx, {who}, filter {filter}"),
            |api, to| {
                (api.EnumProcessModulesEx)(handle, to.buffer(), words(64), &mut to.number, filter)
                    as u32
            },
        );
    }
    let mut modules = vec![
        ("null".to_owned(), null_mut()),
        ("inside".to_owned(), bases[0].wrapping_byte_add(4096)),
        ("address 8".to_owned(), without_provenance_mut(8)),
    ];
    let listed = bases.iter().enumerate();
    modules.extend(listed.map(|(index, &base)| (format!("module {index}"), base)));
    for (name, module) in &modules {
        compare_module(compare, handle, *module, name);
    }
    let addresses = [
        ("null", null_mut()),
        ("unmapped", without_provenance_mut(usize::MAX)),
        ("image", bases[0]),
        ("in image", bases[0].wrapping_byte_add(5)),
        ("in library", bases[1].wrapping_byte_add(4096)),
    ];
    for (name, address) in addresses {
        compare.names(
            "GetMappedFileNameA",
            name,
            &[1, 4, AMPLE],
            |api, to, size| (api.GetMappedFileNameA)(handle, address, to.cast(), size),
        );
        compare.names(
            "GetMappedFileNameW",
            name,
            &[1, 4, AMPLE],
            |api, to, size| (api.GetMappedFileNameW)(handle, address, to.cast(), size),
        );
    }
    compare.names(
        "GetProcessImageFileNameA",
        who,
        &[0, 1, 4, AMPLE],
        |api, to, size| (api.GetProcessImageFileNameA)(handle, to.cast(), size),
    );
    compare.names(
        "GetProcessImageFileNameW",
        who,
        &[0, 1, 4, AMPLE],
        |api, to, size| (api.GetProcessImageFileNameW)(handle, to.cast(), size),
    );
    let small = 8 + words(8);
    for (name, cb) in [
        ("0", 0),
        ("short", small - 1),
        ("PROCESS_MEMORY_COUNTERS", small),
        ("PROCESS_MEMORY_COUNTERS + 1", small + 1),
        ("PROCESS_MEMORY_COUNTERS_EX", small + words(1)),
    ] {
        compare.call(format!("GetProcessMemoryInfo, {who}, {name}"), |api, to| {
            (api.GetProcessMemoryInfo)(handle, to.buffer(), cb) as u32
        });
    }
}

/// Compares the functions of a module.
fn compare_module(compare: &mut Comparison, handle: Handle, module: Address, name: &str) {
    let sizes = [1, 4, AMPLE];
    compare.names("GetModuleBaseNameA", name, &sizes, |api, to, size| {
        (api.GetModuleBaseNameA)(handle, module, to.cast(), size)
    });
    compare.names("GetModuleBaseNameW", name, &sizes, |api, to, size| {
        (api.GetModuleBaseNameW)(handle, module, to.cast(), size)
    });
    compare.names("GetModuleFileNameExA", name, &sizes, |api, to, size| {
        (api.GetModuleFileNameExA)(handle, module, to.cast(), size)
    });
    compare.names("GetModuleFileNameExW", name, &sizes, |api, to, size| {
        (api.GetModuleFileNameExW)(handle, module, to.cast(), size)
    });
    let whole = size_of::<ModuleInformation>() as u32;
    for (size, cb) in [
        ("0", 0),
        ("short", whole - 1),
        ("whole", whole),
        ("long", whole + 8),
    ] {
        compare.call(
            format!("GetModuleInformation, {name}, {size}"),
            |api, to| module_information(api, handle, module, to, cb),
        );
    }
}

fn module_information(api: &Api, handle: Handle, module: Address, to: &mut Output, cb: u32) -> u32 {
    let result = (api.GetModuleInformation)(handle, module, to.buffer(), cb) as u32;
    // Between `SizeOfImage` and the next field are unused bytes.
    if WORD == 8 && result != 0 {
        to.buffer[1] &= 0xffff_ffff;
    }
    result
}

/// Compares all functions of a process for a handle that is invalid, or lacks rights.
fn compare_handle(compare: &mut Comparison, handle: Handle, who: &str) {
    compare.call(format!("EnumProcessModules, {who}"), |api, to| {
        (api.EnumProcessModules)(handle, to.buffer(), words(64), &mut to.number) as u32
    });
    compare.call(format!("EnumProcessModulesEx, {who}"), |api, to| {
        (api.EnumProcessModulesEx)(handle, to.buffer(), words(64), &mut to.number, 3) as u32
    });
    compare.names("GetModuleBaseNameA", who, &[AMPLE], |api, to, size| {
        (api.GetModuleBaseNameA)(handle, null_mut(), to.cast(), size)
    });
    compare.names("GetModuleBaseNameW", who, &[AMPLE], |api, to, size| {
        (api.GetModuleBaseNameW)(handle, null_mut(), to.cast(), size)
    });
    compare.names("GetModuleFileNameExA", who, &[AMPLE], |api, to, size| {
        (api.GetModuleFileNameExA)(handle, null_mut(), to.cast(), size)
    });
    compare.names("GetModuleFileNameExW", who, &[AMPLE], |api, to, size| {
        (api.GetModuleFileNameExW)(handle, null_mut(), to.cast(), size)
    });
    compare.call(format!("GetModuleInformation, {who}"), |api, to| {
        module_information(api, handle, null_mut(), to, AMPLE)
    });
    compare.names("GetMappedFileNameA", who, &[AMPLE], |api, to, size| {
        (api.GetMappedFileNameA)(handle, null_mut(), to.cast(), size)
    });
    compare.names("GetMappedFileNameW", who, &[AMPLE], |api, to, size| {
        (api.GetMappedFileNameW)(handle, null_mut(), to.cast(), size)
    });
    compare.names(
        "GetProcessImageFileNameA",
        who,
        &[AMPLE],
        |api, to, size| (api.GetProcessImageFileNameA)(handle, to.cast(), size),
    );
    compare.names(
        "GetProcessImageFileNameW",
        who,
        &[AMPLE],
        |api, to, size| (api.GetProcessImageFileNameW)(handle, to.cast(), size),
    );
    compare.call(format!("GetProcessMemoryInfo, {who}"), |api, to| {
        (api.GetProcessMemoryInfo)(handle, to.buffer(), 8 + words(8)) as u32
    });
    compare.call(format!("QueryWorkingSet, {who}"), |api, to| {
        let result = (api.QueryWorkingSet)(handle, to.buffer(), words(1)) as u32;
        // The number of pages.
        to.buffer[0] = 0;
        result
    });
    compare.call(format!("QueryWorkingSetEx, {who}"), |api, to| {
        to.buffer[0] = 0;
        (api.QueryWorkingSetEx)(handle, to.buffer(), words(2)) as u32
    });
    compare.call(format!("InitializeProcessForWsWatch, {who}"), |api, _| {
        (api.InitializeProcessForWsWatch)(handle) as u32
    });
    compare.call(format!("GetWsChanges, {who}"), |api, to| {
        (api.GetWsChanges)(handle, to.buffer(), words(64)) as u32
    });
    compare.call(format!("GetWsChangesEx, {who}"), |api, to| {
        to.number = words(64);
        (api.GetWsChangesEx)(handle, to.buffer(), &mut to.number) as u32
    });
    compare.call(format!("EmptyWorkingSet, {who}"), |api, _| {
        (api.EmptyWorkingSet)(handle) as u32
    });
}

/// Compares the functions without a process.
fn compare_system(compare: &mut Comparison) {
    for cb in [0, 3, 4, 5, 8] {
        compare.call(format!("EnumProcesses, {cb}"), |api, to| {
            (api.EnumProcesses)(to.buffer(), cb, &mut to.number) as u32
        });
    }
    for (name, cb) in [("0", 0), ("1", words(1)), ("all", words(64))] {
        compare.call(format!("EnumDeviceDrivers, {name}"), |api, to| {
            (api.EnumDeviceDrivers)(to.buffer(), cb, &mut to.number) as u32
        });
    }
    let (mut drivers, mut needed) = ([null_mut::<c_void>(); 64], 0);
    succeed(|api| (api.EnumDeviceDrivers)(drivers.as_mut_ptr(), words(64), &mut needed));
    for (name, base) in [
        ("unknown", without_provenance_mut(8)),
        ("first", drivers[0]),
    ] {
        compare.names(
            "GetDeviceDriverBaseNameA",
            name,
            &[1, AMPLE],
            |api, to, size| (api.GetDeviceDriverBaseNameA)(base, to.cast(), size),
        );
        compare.names(
            "GetDeviceDriverBaseNameW",
            name,
            &[1, AMPLE],
            |api, to, size| (api.GetDeviceDriverBaseNameW)(base, to.cast(), size),
        );
        compare.names(
            "GetDeviceDriverFileNameA",
            name,
            &[1, AMPLE],
            |api, to, size| (api.GetDeviceDriverFileNameA)(base, to.cast(), size),
        );
        compare.names(
            "GetDeviceDriverFileNameW",
            name,
            &[1, AMPLE],
            |api, to, size| (api.GetDeviceDriverFileNameW)(base, to.cast(), size),
        );
    }
    let whole = if WORD == 8 { 104 } else { 56 };
    for (name, cb) in [
        ("0", 0),
        ("short", whole - 1),
        ("whole", whole),
        ("long", whole + 8),
    ] {
        compare.call(format!("GetPerformanceInfo, {name}"), |api, to| {
            let result = (api.GetPerformanceInfo)(to.buffer(), cb) as u32;
            if result != 0 {
                // After the size are unused bytes.
                if WORD == 8 {
                    to.buffer[0] &= 0xffff_ffff;
                }
                // Only the size, the commit limit, the physical memory and the page size are stable.
                for index in [1, 3, 5, 6, 7, 8, 9, 11, 12, 13] {
                    to.buffer[index] = 0;
                }
            }
            result
        });
    }
    compare.call("EnumPageFilesA, ".into(), |api, to| {
        to.number = 0;
        let context = (&raw mut to.number).cast();
        (api.EnumPageFilesA)(Some(count_narrow), context) as u32
    });
    compare.call("EnumPageFilesW, ".into(), |api, to| {
        to.number = 0;
        let context = (&raw mut to.number).cast();
        (api.EnumPageFilesW)(Some(count_wide), context) as u32
    });
}

unsafe extern "system" fn count_narrow(
    context: *mut c_void,
    _: *mut PageFileInformation,
    _: *const c_char,
) -> i32 {
    // SAFETY: the context is the counter of the caller.
    unsafe { *context.cast::<u32>() += 1 };
    1
}

unsafe extern "system" fn count_wide(
    context: *mut c_void,
    _: *mut PageFileInformation,
    _: *const u16,
) -> i32 {
    // SAFETY: the context is the counter of the caller.
    unsafe { *context.cast::<u32>() += 1 };
    1
}
