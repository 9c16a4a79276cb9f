//! `EnumProcessModules(Ex)`, `GetModuleBaseName`, `GetModuleFileNameEx`, `GetModuleInformation`.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::ptr::null_mut;

use crate::api::*;
use crate::support::child::{Program, Subject};
use crate::support::privilege::{is_root, skip};

const RIGHTS: u32 = QUERY | VM_READ;

/// A program that says where its libraries are, in the linker's order.
const LISTS: &str = r#"
#define _GNU_SOURCE
#include <link.h>
#include <stdio.h>
static int say(struct dl_phdr_info *info, size_t size, void *data) {
    unsigned long first = ~0ul, last = 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD) continue;
        unsigned long start = segment->p_vaddr & ~4095ul;
        unsigned long end = (segment->p_vaddr + segment->p_memsz + 4095) & ~4095ul;
        if (start < first) first = start;
        if (end > last) last = end;
    }
    printf("%lx %lx ", (unsigned long)info->dlpi_addr + first, last - first);
    return 0;
}
int main(void) {
    dl_iterate_phdr(say, 0);
    extern char _start[];
    printf("%lx\n", (unsigned long)_start);
    fflush(stdout);
    getchar();
}"#;

/// The program, and what it says: base and size of each image, and where it starts.
struct Lister {
    subject: Subject,
    path: PathBuf,
    images: Vec<(usize, usize)>,
    start: usize,
    _program: Program,
}

fn lister(name: &str) -> Lister {
    let program = Program::compile_as(name.as_ref(), LISTS, &[]);
    let subject = program.start();
    let said: Vec<usize> = subject
        .said
        .split_whitespace()
        .map(|word| usize::from_str_radix(word, 16).unwrap())
        .collect();
    let (&start, images) = said.split_last().unwrap();
    Lister {
        path: fs::read_link(format!("/proc/{}/exe", subject.id())).unwrap(),
        images: images.chunks(2).map(|pair| (pair[0], pair[1])).collect(),
        start,
        subject,
        _program: program,
    }
}

impl Lister {
    fn open(&self) -> Opened {
        Opened::new(RIGHTS, self.subject.id().get())
    }
}

/// The modules, with room for so many, and how much room all would need.
fn modules(handle: Handle, room: usize, filter: u32) -> (Vec<usize>, usize) {
    let mut modules = vec![null_mut(); room];
    let mut needed = 0;
    let (to, cb) = (modules.as_mut_ptr(), (8 * room) as u32);
    done(|api| (api.EnumProcessModulesEx)(handle, to, cb, &mut needed, filter));
    let modules = modules.into_iter().map(|module: Address| module.addr());
    (modules.collect(), needed as usize / 8)
}

#[test]
fn enum_process_modules_has_the_executable_first_and_the_rest_in_load_order() {
    let lister = lister("lists");
    let open = lister.open();
    let mut list = [null_mut(); 64];
    let mut needed = 0;
    done(|api| (api.EnumProcessModules)(open.0, list.as_mut_ptr(), 512, &mut needed));
    let found: Vec<usize> = list[..needed as usize / 8]
        .iter()
        .map(|module| module.addr())
        .collect();
    let said: Vec<usize> = lister.images.iter().map(|&(base, _)| base).collect();
    assert!(said.len() >= 3, "the program, the vDSO, the C library");
    assert_eq!(found, said);
}

#[test]
fn enum_process_modules_needed_is_what_is_required_for_all() {
    let lister = lister("lists");
    let open = lister.open();
    let all = lister.images.len();
    assert_eq!(modules(open.0, 1, 0), (vec![lister.images[0].0], all));
    // A size query.
    let mut needed = 0;
    done(|api| (api.EnumProcessModules)(open.0, null_mut(), 0, &mut needed));
    assert_eq!(needed as usize, 8 * all);
    // Whole modules only.
    let mut two = [null_mut(); 2];
    done(|api| (api.EnumProcessModules)(open.0, two.as_mut_ptr(), 15, &mut needed));
    assert_eq!(two[0].addr(), lister.images[0].0);
    assert!(two[1].is_null());
}

#[test]
fn enum_process_modules_noaccess_with_what_fits_already_written() {
    let lister = lister("lists");
    let open = lister.open();
    let mut needed = 0;
    for cb in [1, 7, 8] {
        let code = failed(|api| (api.EnumProcessModules)(open.0, null_mut(), cb, &mut needed));
        assert_eq!(code, NOACCESS);
    }
    for to in [null_mut(), nowhere(), read_only()] {
        let code = failed(|api| (api.EnumProcessModules)(open.0, to, 8, &mut needed));
        assert_eq!(code, NOACCESS);
        let mut one = [null_mut()];
        let to: *mut u32 = to.cast();
        let code = failed(|api| (api.EnumProcessModules)(open.0, one.as_mut_ptr(), 8, to));
        assert_eq!(code, NOACCESS);
        assert_eq!(one[0].addr(), lister.images[0].0);
    }
}

#[test]
fn enum_process_modules_partial_copy_for_a_kernel_thread() {
    if !is_root() {
        skip("needs root for a process of the kernel's");
        return;
    }
    // `kthreadd`, where this is not a pid namespace of its own.
    if fs::read_to_string("/proc/2/comm").ok().as_deref() != Some("kthreadd\n") {
        skip("there is no kernel thread to ask");
        return;
    }
    let open = Opened::new(RIGHTS, 2);
    let mut needed = 0;
    let code = failed(|api| (api.EnumProcessModules)(open.0, null_mut(), 0, &mut needed));
    assert_eq!(code, PARTIAL_COPY);
    let code = failed(|api| (api.GetModuleBaseNameA)(open.0, null_mut(), [0; 9].as_mut_ptr(), 9));
    assert_eq!(code, PARTIAL_COPY);
}

#[test]
fn enum_process_modules_ex_filters_by_class() {
    let lister = lister("lists");
    let open = lister.open();
    let all = lister.images.len();
    // This program, as its tests, is of the machine's own class.
    let (own, other) = if cfg!(target_pointer_width = "64") {
        (2, 1)
    } else {
        (1, 2)
    };
    for filter in [0, own, 3, 4 | own, 7] {
        assert_eq!(modules(open.0, 0, filter).1, all, "{filter}");
    }
    assert_eq!(modules(open.0, 0, other).1, 0);
}

#[test]
fn enum_process_modules_ex_invalid_parameter_for_a_filter_with_both_low_bits_clear() {
    let open = Opened::new(RIGHTS, std::process::id());
    let mut needed = 0;
    for filter in [4, 8, 0x8000_0000] {
        let code =
            failed(|api| (api.EnumProcessModulesEx)(open.0, null_mut(), 0, &mut needed, filter));
        assert_eq!(code, INVALID_PARAMETER, "{filter}");
    }
}

#[test]
fn get_module_base_name_and_file_name_ex_of_each_module() {
    let lister = lister("lists ü");
    let open = lister.open();
    let maps = fs::read_to_string(format!("/proc/{}/maps", lister.subject.id())).unwrap();
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
            done(|api| (api.GetModuleFileNameExA)(open.0, module, narrow.as_mut_ptr(), 4096));
        assert_eq!(
            (text(&narrow).as_str(), length as usize),
            (path, path.len())
        );
        let length =
            done(|api| (api.GetModuleFileNameExW)(open.0, module, wide.as_mut_ptr(), 4096));
        assert_eq!(wide_text(&wide), path);
        assert_eq!(length as usize, path.encode_utf16().count());
        done(|api| (api.GetModuleBaseNameA)(open.0, module, narrow.as_mut_ptr(), 4096));
        assert_eq!(text(&narrow), name);
        done(|api| (api.GetModuleBaseNameW)(open.0, module, wide.as_mut_ptr(), 4096));
        assert_eq!(wide_text(&wide), name);
    }
}

#[test]
fn get_module_base_name_null_means_the_executable() {
    let lister = lister("lists ü");
    let open = lister.open();
    let mut name = [0u8; 64];
    let length = done(|api| (api.GetModuleBaseNameA)(open.0, null_mut(), name.as_mut_ptr(), 64));
    assert_eq!((text(&name).as_str(), length), ("lists ü", 8));
    let mut path = [0u8; 4096];
    done(|api| (api.GetModuleFileNameExA)(open.0, null_mut(), path.as_mut_ptr(), 4096));
    assert_eq!(text(&path), lister.path.to_str().unwrap());
    let mut own = [0u8; 4096];
    let me = (api().GetCurrentProcess)();
    done(|api| (api.GetModuleFileNameExA)(me, null_mut(), own.as_mut_ptr(), 4096));
    assert_eq!(
        text(&own).as_bytes(),
        std::env::current_exe().unwrap().as_os_str().as_bytes()
    );
}

#[test]
fn get_module_base_name_invalid_handle_for_what_is_no_modules_base() {
    let lister = lister("lists");
    let open = lister.open();
    let base = lister.images[0].0;
    for value in [8, base + 1, base + 4096, usize::MAX] {
        let module = std::ptr::without_provenance_mut(value);
        let mut room = [0u8; 64];
        let code = failed(|api| (api.GetModuleBaseNameA)(open.0, module, room.as_mut_ptr(), 64));
        assert_eq!(code, INVALID_HANDLE);
        let code = failed(|api| (api.GetModuleFileNameExA)(open.0, module, room.as_mut_ptr(), 64));
        assert_eq!(code, INVALID_HANDLE);
        let mut information = ModuleInformation::default();
        let code = failed(|api| (api.GetModuleInformation)(open.0, module, &mut information, 24));
        assert_eq!(code, INVALID_HANDLE);
    }
}

#[test]
fn get_module_base_name_truncates_ends_with_nul_and_returns_the_size() {
    let lister = lister("lists");
    let open = lister.open();
    for (size, expected, returned) in [(4, "lis", 4), (5, "list", 5), (6, "lists", 5), (1, "", 1)] {
        let mut name = [b'x'; 8];
        let length =
            done(|api| (api.GetModuleBaseNameA)(open.0, null_mut(), name.as_mut_ptr(), size));
        assert_eq!((text(&name).as_str(), length), (expected, returned));
        assert!(name[size as usize..].iter().all(|&byte| byte == b'x'));
        let mut name = [7u16; 8];
        let length =
            done(|api| (api.GetModuleBaseNameW)(open.0, null_mut(), name.as_mut_ptr(), size));
        assert_eq!((wide_text(&name).as_str(), length), (expected, returned));
    }
    let mut path = [b'x'; 8];
    let length = done(|api| (api.GetModuleFileNameExA)(open.0, null_mut(), path.as_mut_ptr(), 3));
    assert_eq!(
        (text(&path).as_str(), length),
        (&lister.path.to_str().unwrap()[..2], 3)
    );
}

#[test]
fn get_module_base_name_noaccess_for_what_can_t_be_written_to() {
    let open = Opened::new(RIGHTS, std::process::id());
    for to in [null_mut(), nowhere(), read_only()] {
        let code = failed(|api| (api.GetModuleBaseNameA)(open.0, null_mut(), to, 64));
        assert_eq!(code, NOACCESS);
        let code = failed(|api| (api.GetModuleFileNameExA)(open.0, null_mut(), to, 64));
        assert_eq!(code, NOACCESS);
        let code = failed(|api| (api.GetModuleInformation)(open.0, null_mut(), to.cast(), 24));
        assert_eq!(code, NOACCESS);
    }
}

#[test]
fn get_module_information_tells_base_size_and_entry_point() {
    let lister = lister("lists");
    let open = lister.open();
    let mut entries = Vec::new();
    for &(base, size) in &lister.images {
        let mut information = ModuleInformation::default();
        let module = std::ptr::without_provenance_mut(base);
        done(|api| (api.GetModuleInformation)(open.0, module, &mut information, 24));
        assert_eq!(information.base, base);
        // The vDSO's last page is partly the kernel's own: what its headers say counts.
        assert_eq!(information.size as usize, size);
        // Most libraries have none, and the vDSO has one on older kernels alone.
        let entry = information.entry;
        assert!(entry == 0 || (base..base + size).contains(&entry));
        entries.push(entry);
    }
    assert_eq!(entries[0], lister.start);
}

#[test]
fn get_module_information_insufficient_buffer_for_a_short_one() {
    let open = Opened::new(RIGHTS, std::process::id());
    let mut information = ModuleInformation::default();
    for cb in [0, 8, 23] {
        let code =
            failed(|api| (api.GetModuleInformation)(open.0, null_mut(), &mut information, cb));
        assert_eq!(code, INSUFFICIENT_BUFFER);
        // The length is looked at before the pointer.
        let code = failed(|api| (api.GetModuleInformation)(open.0, null_mut(), null_mut(), cb));
        assert_eq!(code, INSUFFICIENT_BUFFER);
    }
    assert_eq!(information, ModuleInformation::default());
    done(|api| (api.GetModuleInformation)(open.0, null_mut(), &mut information, 100));
}

#[test]
fn modules_need_query_information_and_vm_read() {
    let id = std::process::id();
    for access in [QUERY, VM_READ, LIMITED | VM_READ] {
        let open = Opened::new(access, id);
        let mut room = [0u8; 64];
        let to = room.as_mut_ptr();
        let codes = [
            failed(|api| (api.EnumProcessModules)(open.0, null_mut(), 0, null_mut())),
            failed(|api| (api.EnumProcessModulesEx)(open.0, null_mut(), 0, null_mut(), 3)),
            failed(|api| (api.GetModuleBaseNameA)(open.0, null_mut(), to, 64)),
            failed(|api| (api.GetModuleFileNameExA)(open.0, null_mut(), to, 64)),
            failed(|api| (api.GetModuleInformation)(open.0, null_mut(), null_mut(), 0)),
        ];
        assert_eq!(codes, [ACCESS_DENIED; 5], "{access:#x}");
    }
}

#[test]
fn a_process_that_has_ended_partial_copy_for_its_modules() {
    let mut lister = lister("lists");
    let open = lister.open();
    lister.subject.kill();
    for reaped in [false, true] {
        if reaped {
            lister.subject.reap();
        }
        let mut room = [0u8; 64];
        let to = room.as_mut_ptr();
        let mut needed = 0;
        let codes = [
            failed(|api| (api.EnumProcessModules)(open.0, null_mut(), 0, &mut needed)),
            failed(|api| (api.GetModuleBaseNameA)(open.0, null_mut(), to, 64)),
            failed(|api| (api.GetModuleFileNameExA)(open.0, null_mut(), to, 64)),
            failed(|api| (api.GetModuleInformation)(open.0, null_mut(), to.cast(), 24)),
        ];
        assert_eq!(codes, [PARTIAL_COPY; 4], "reaped: {reaped}");
    }
}
