//! `EnumProcessModules(Ex)`, `GetModuleBaseName`, `GetModuleFileNameEx`, `GetModuleInformation`.

use std::path::PathBuf;
use std::ptr::null_mut;

use crate::api::*;

#[cfg(target_os = "linux")]
use testing::privilege::is_root;
#[cfg(target_os = "linux")]
use testing::skip;
use testing::{Program, TestProcess, programs};

const RIGHTS: u32 = QUERY | VM_READ;

/// The size of `MODULEINFO`.
const SIZE: u32 = size_of::<ModuleInformation>() as u32;

/// A process that printed the base and size of each of its modules, and its entry point.
struct Lister {
    process: TestProcess,
    path: PathBuf,
    images: Vec<(usize, usize)>,
    entry_point: usize,
    _program: Program,
}

fn lister(name: &str) -> Lister {
    let program = Program::compile_as(name.as_ref(), programs::PRINTS_MODULES, &[]);
    let process = program.start();
    let printed: Vec<usize> = process
        .line
        .split_whitespace()
        .map(|number| usize::from_str_radix(number, 16).unwrap())
        .collect();
    let (&entry_point, images) = printed.split_last().unwrap();
    Lister {
        path: path_of(&process, &program),
        images: images.chunks(2).map(|pair| (pair[0], pair[1])).collect(),
        entry_point,
        process,
        _program: program,
    }
}

impl Lister {
    fn open(&self) -> OpenHandle {
        OpenHandle::new(RIGHTS, self.process.id().get())
    }
}

/// Returns the contents of a buffer with `capacity` entries, and the number of all modules.
fn modules(handle: Handle, capacity: usize, filter: u32) -> (Vec<usize>, usize) {
    let mut modules = vec![null_mut(); capacity];
    let mut needed = 0;
    let (pointer, cb) = (modules.as_mut_ptr(), (WORD * capacity) as u32);
    succeed(|api| (api.EnumProcessModulesEx)(handle, pointer, cb, &mut needed, filter));
    let modules = modules.into_iter().map(|module: Address| module.addr());
    (modules.collect(), needed as usize / WORD)
}

#[test]
fn enum_lists_modules_in_load_order() {
    let lister = lister("lists");
    let open = lister.open();
    let mut list = [null_mut(); 64];
    let mut needed = 0;
    succeed(|api| {
        (api.EnumProcessModules)(open.0, list.as_mut_ptr(), (64 * WORD) as u32, &mut needed)
    });
    let found: Vec<usize> = list[..needed as usize / WORD]
        .iter()
        .map(|module| module.addr())
        .collect();
    let expected: Vec<usize> = lister.images.iter().map(|&(base, _)| base).collect();
    assert!(
        expected.len() >= 3,
        "the program and the libraries that every program has"
    );
    assert_eq!(found, expected);
}

#[test]
fn enum_reports_required_size() {
    let lister = lister("lists");
    let open = lister.open();
    let all = lister.images.len();
    assert_eq!(modules(open.0, 1, 0), (vec![lister.images[0].0], all));
    // Without a buffer, the call only returns the size.
    let mut needed = 0;
    succeed(|api| (api.EnumProcessModules)(open.0, null_mut(), 0, &mut needed));
    assert_eq!(needed as usize, WORD * all);
    // The call writes only whole entries.
    let mut two = [null_mut(); 2];
    succeed(|api| {
        (api.EnumProcessModules)(open.0, two.as_mut_ptr(), (2 * WORD - 1) as u32, &mut needed)
    });
    assert_eq!(two[0].addr(), lister.images[0].0);
    assert!(two[1].is_null());
}

/// If only the pointer to the size is invalid, the list itself is still written.
#[test]
fn enum_rejects_unwritable_memory() {
    let lister = lister("lists");
    let open = lister.open();
    let mut needed = 0;
    for cb in [1, WORD as u32 - 1, WORD as u32] {
        let code = fail(|api| (api.EnumProcessModules)(open.0, null_mut(), cb, &mut needed));
        assert_eq!(code, NOACCESS);
    }
    for pointer in [null_mut(), unmapped(), read_only()] {
        let code = fail(|api| (api.EnumProcessModules)(open.0, pointer, WORD as u32, &mut needed));
        assert_eq!(code, NOACCESS);
        let mut one = [null_mut()];
        let pointer: *mut u32 = pointer.cast();
        let code =
            fail(|api| (api.EnumProcessModules)(open.0, one.as_mut_ptr(), WORD as u32, pointer));
        assert_eq!(code, NOACCESS);
        assert_eq!(one[0].addr(), lister.images[0].0);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn kernel_thread_is_partial_copy() {
    if !is_root() {
        skip("needs root to open a kernel thread");
        return;
    }
    // Process 2 is `kthreadd`, except in a child pid namespace.
    if std::fs::read_to_string("/proc/2/comm").ok().as_deref() != Some("kthreadd\n") {
        skip("no kernel threads in this pid namespace");
        return;
    }
    let open = OpenHandle::new(RIGHTS, 2);
    let mut needed = 0;
    let code = fail(|api| (api.EnumProcessModules)(open.0, null_mut(), 0, &mut needed));
    assert_eq!(code, PARTIAL_COPY);
    let code = fail(|api| (api.GetModuleBaseNameA)(open.0, null_mut(), [0; 9].as_mut_ptr(), 9));
    assert_eq!(code, PARTIAL_COPY);
}

#[test]
fn enum_ex_filters_by_class() {
    let lister = lister("lists");
    let open = lister.open();
    let all = lister.images.len();
    // The lister is compiled for the same architecture as the test.
    let (own, other) = if cfg!(target_pointer_width = "64") {
        (2, 1)
    } else {
        (1, 2)
    };
    for filter in [0, own, 3, 4 | own, 7] {
        assert_eq!(modules(open.0, 0, filter).1, all, "{filter}");
    }
    // Windows ignores the filter of 32-bit programs.
    let is_ignored = cfg!(all(windows, target_pointer_width = "32"));
    let expected = if is_ignored { all } else { 0 };
    assert_eq!(modules(open.0, 0, other).1, expected);
}

/// A filter must have at least one of its two low bits set, unless it is 0.
#[test]
fn enum_ex_rejects_unknown_filter() {
    let open = OpenHandle::new(RIGHTS, std::process::id());
    let mut needed = 0;
    for filter in [4, 8, 0x8000_0000] {
        let code =
            fail(|api| (api.EnumProcessModulesEx)(open.0, null_mut(), 0, &mut needed, filter));
        assert_eq!(code, INVALID_PARAMETER, "{filter}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn names_match_proc_maps() {
    let lister = lister("lists ü");
    let open = lister.open();
    let maps = std::fs::read_to_string(format!("/proc/{}/maps", lister.process.id())).unwrap();
    for (base, _) in &lister.images {
        let line = maps
            .lines()
            .find(|line| line.starts_with(&format!("{base:x}-")))
            .unwrap();
        let path = line.splitn(6, ' ').last().unwrap().trim();
        let name = path.rsplit('/').next().unwrap();
        let module = std::ptr::without_provenance_mut(*base);
        let mut narrow = [0u8; 4096];
        let mut wide = [0u16; 4096];
        let length =
            succeed(|api| (api.GetModuleFileNameExA)(open.0, module, narrow.as_mut_ptr(), 4096));
        assert_eq!(
            (text(&narrow).as_str(), length as usize),
            (path, path.len())
        );
        let length =
            succeed(|api| (api.GetModuleFileNameExW)(open.0, module, wide.as_mut_ptr(), 4096));
        assert_eq!(wide_text(&wide), path);
        assert_eq!(length as usize, path.encode_utf16().count());
        succeed(|api| (api.GetModuleBaseNameA)(open.0, module, narrow.as_mut_ptr(), 4096));
        assert_eq!(text(&narrow), name);
        succeed(|api| (api.GetModuleBaseNameW)(open.0, module, wide.as_mut_ptr(), 4096));
        assert_eq!(wide_text(&wide), name);
    }
}

/// In the calling process, the loader also knows the paths.
#[cfg(windows)]
#[test]
fn names_match_loader() {
    // SAFETY: the library is in every process.
    let kernel32 = unsafe { libloading::Library::new("kernel32.dll") }.unwrap();
    type Query = unsafe extern "system" fn(Address, *mut u16, u32) -> u32;
    // SAFETY: the function has this type.
    let query = unsafe { kernel32.get::<Query>(b"GetModuleFileNameW") }.unwrap();
    let me = (api().GetCurrentProcess)();
    let (bases, count) = modules(me, 256, 0);
    for &base in &bases[..count] {
        let module = std::ptr::without_provenance_mut(base);
        let (mut expected, mut found) = ([0; 4096], [0; 4096]);
        // SAFETY: the buffer has this length.
        assert_ne!(unsafe { query(module, expected.as_mut_ptr(), 4096) }, 0);
        let length =
            succeed(|api| (api.GetModuleFileNameExW)(me, module, found.as_mut_ptr(), 4096));
        let path = wide_text(&found);
        assert_eq!(path.to_lowercase(), wide_text(&expected).to_lowercase());
        assert_eq!(length as usize, path.encode_utf16().count());
        succeed(|api| (api.GetModuleBaseNameW)(me, module, found.as_mut_ptr(), 4096));
        assert_eq!(path.rsplit('\\').next(), Some(&*wide_text(&found)));
    }
}

#[test]
fn null_module_is_executable() {
    let lister = lister("lists ü");
    let open = lister.open();
    let mut name = [0u8; 64];
    let length = succeed(|api| (api.GetModuleBaseNameA)(open.0, null_mut(), name.as_mut_ptr(), 64));
    let expected = file_name("lists ü");
    assert_eq!(text(&name), expected);
    assert_eq!(length as usize, bytes(&expected));
    let mut path = [0u8; 4096];
    succeed(|api| (api.GetModuleFileNameExA)(open.0, null_mut(), path.as_mut_ptr(), 4096));
    assert_eq!(text(&path), lister.path.to_str().unwrap());
    let mut own = [0u8; 4096];
    let me = (api().GetCurrentProcess)();
    succeed(|api| (api.GetModuleFileNameExA)(me, null_mut(), own.as_mut_ptr(), 4096));
    assert_eq!(
        text(&own),
        std::env::current_exe().unwrap().to_str().unwrap()
    );
}

#[test]
fn unknown_base_is_invalid_handle() {
    let lister = lister("lists");
    let open = lister.open();
    let base = lister.images[0].0;
    for value in [8, base + 1, base + 4096, usize::MAX] {
        let module = std::ptr::without_provenance_mut(value);
        let mut buffer = [0u8; 64];
        let code = fail(|api| (api.GetModuleBaseNameA)(open.0, module, buffer.as_mut_ptr(), 64));
        assert_eq!(code, INVALID_HANDLE);
        let code = fail(|api| (api.GetModuleFileNameExA)(open.0, module, buffer.as_mut_ptr(), 64));
        assert_eq!(code, INVALID_HANDLE);
        let mut information = ModuleInformation::default();
        let code = fail(|api| (api.GetModuleInformation)(open.0, module, &mut information, SIZE));
        assert_eq!(code, INVALID_HANDLE);
    }
}

#[test]
fn truncated_names_end_with_nul() {
    let lister = lister("lists");
    let open = lister.open();
    let whole = file_name("lists");
    let length = whole.len() as u32;
    let truncated = [4, length, 1].map(|size| (size, &whole[..size as usize - 1], size));
    for (size, expected, returned) in truncated.into_iter().chain([(length + 1, &*whole, length)]) {
        let mut name = [b'x'; 16];
        let length =
            succeed(|api| (api.GetModuleBaseNameA)(open.0, null_mut(), name.as_mut_ptr(), size));
        assert_eq!((text(&name).as_str(), length), (expected, returned));
        assert!(name[size as usize..].iter().all(|&byte| byte == b'x'));
        let mut name = [7u16; 16];
        let length =
            succeed(|api| (api.GetModuleBaseNameW)(open.0, null_mut(), name.as_mut_ptr(), size));
        assert_eq!((wide_text(&name).as_str(), length), (expected, returned));
    }
    let mut path = [b'x'; 16];
    let length =
        succeed(|api| (api.GetModuleFileNameExA)(open.0, null_mut(), path.as_mut_ptr(), 3));
    assert_eq!(
        (text(&path).as_str(), length),
        (&lister.path.to_str().unwrap()[..2], 3)
    );
}

#[test]
fn functions_reject_unwritable_memory() {
    let open = OpenHandle::new(RIGHTS, std::process::id());
    for pointer in [null_mut(), unmapped(), read_only()] {
        let code = fail(|api| (api.GetModuleBaseNameA)(open.0, null_mut(), pointer, 64));
        assert_eq!(code, NOACCESS);
        let code = fail(|api| (api.GetModuleFileNameExA)(open.0, null_mut(), pointer, 64));
        assert_eq!(code, NOACCESS);
        let code = fail(|api| (api.GetModuleInformation)(open.0, null_mut(), pointer.cast(), SIZE));
        assert_eq!(code, NOACCESS);
    }
}

#[test]
fn information_matches_image() {
    let lister = lister("lists");
    let open = lister.open();
    let mut entries = Vec::new();
    for &(base, size) in &lister.images {
        let mut information = ModuleInformation::default();
        let module = std::ptr::without_provenance_mut(base);
        succeed(|api| (api.GetModuleInformation)(open.0, module, &mut information, SIZE));
        assert_eq!(information.base, base);
        // The headers of the image define the size. The last page of the vDSO can extend past them.
        assert_eq!(information.size as usize, size);
        // Most libraries have no entry point, and the vDSO only has one on older kernels.
        let entry = information.entry;
        assert!(entry == 0 || (base..base + size).contains(&entry));
        entries.push(entry);
    }
    assert_eq!(entries[0], lister.entry_point);
}

#[test]
fn information_rejects_short_buffer() {
    let open = OpenHandle::new(RIGHTS, std::process::id());
    let mut information = ModuleInformation::default();
    for cb in [0, 8, SIZE - 1] {
        let code = fail(|api| (api.GetModuleInformation)(open.0, null_mut(), &mut information, cb));
        assert_eq!(code, INSUFFICIENT_BUFFER);
        // The length is checked before the pointer.
        let code = fail(|api| (api.GetModuleInformation)(open.0, null_mut(), null_mut(), cb));
        assert_eq!(code, INSUFFICIENT_BUFFER);
    }
    assert_eq!(information, ModuleInformation::default());
    succeed(|api| (api.GetModuleInformation)(open.0, null_mut(), &mut information, 100));
}

#[test]
fn modules_require_query_and_read() {
    let id = std::process::id();
    for access in [QUERY, VM_READ, LIMITED | VM_READ] {
        let open = OpenHandle::new(access, id);
        let mut buffer = [0u8; 64];
        let pointer = buffer.as_mut_ptr();
        let codes = [
            fail(|api| (api.EnumProcessModules)(open.0, null_mut(), 0, null_mut())),
            fail(|api| (api.EnumProcessModulesEx)(open.0, null_mut(), 0, null_mut(), 3)),
            fail(|api| (api.GetModuleBaseNameA)(open.0, null_mut(), pointer, 64)),
            fail(|api| (api.GetModuleFileNameExA)(open.0, null_mut(), pointer, 64)),
            fail(|api| (api.GetModuleInformation)(open.0, null_mut(), null_mut(), 0)),
        ];
        assert_eq!(codes, [ACCESS_DENIED; 5], "{access:#x}");
    }
}

#[test]
fn exited_process_is_partial_copy() {
    let mut lister = lister("lists");
    let open = lister.open();
    lister.process.kill();
    for reaped in [false, true] {
        if reaped {
            lister.process.reap();
        }
        let mut buffer = [0u8; 64];
        let pointer = buffer.as_mut_ptr();
        let mut needed = 0;
        let codes = [
            fail(|api| (api.EnumProcessModules)(open.0, null_mut(), 0, &mut needed)),
            fail(|api| (api.GetModuleBaseNameA)(open.0, null_mut(), pointer, 64)),
            fail(|api| (api.GetModuleFileNameExA)(open.0, null_mut(), pointer, 64)),
            fail(|api| (api.GetModuleInformation)(open.0, null_mut(), pointer.cast(), SIZE)),
        ];
        assert_eq!(codes, [PARTIAL_COPY; 4], "reaped: {reaped}");
    }
}

/// Callers take the first module for the executable.
#[cfg(target_os = "linux")]
#[test]
fn unmapped_program_is_not_replaced() {
    let program = Program::compile(programs::MOVES_ITSELF, &["-Wl,-z,separate-code,-z,now"]);
    for is_mapped in [true, false] {
        let behavior = if is_mapped { "all" } else { "unmapped" };
        let process = TestProcess::start(std::process::Command::new(&program.path).arg(behavior));
        let open = OpenHandle::new(RIGHTS, process.id().get());
        let (mut first, mut needed) = (null_mut(), 0);
        let mut path = [0u8; 4096];
        if is_mapped {
            succeed(|api| (api.EnumProcessModules)(open.0, &mut first, 8, &mut needed));
            succeed(|api| (api.GetModuleFileNameExA)(open.0, first, path.as_mut_ptr(), 4096));
            assert_eq!(text(&path), program.path.to_str().unwrap());
            succeed(|api| (api.GetModuleFileNameExA)(open.0, null_mut(), path.as_mut_ptr(), 4096));
            assert_eq!(text(&path), program.path.to_str().unwrap());
        } else {
            let code = fail(|api| (api.EnumProcessModules)(open.0, &mut first, 8, &mut needed));
            assert_eq!(code, PARTIAL_COPY);
            let code =
                fail(|api| (api.GetModuleBaseNameA)(open.0, null_mut(), path.as_mut_ptr(), 4096));
            assert_eq!(code, INVALID_HANDLE);
        }
    }
}
