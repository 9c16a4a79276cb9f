//! `GetMappedFileName`.

use std::ptr::null_mut;

use crate::api::*;

use testing::{Program, TestProcess, programs};

/// A process with five kinds of mappings, and their addresses.
struct Maps {
    process: TestProcess,
    path: String,
    file: usize,
    /// 0 on Windows.
    memfd: usize,
    shared: usize,
    private: usize,
    /// An address without a mapping.
    hole: usize,
    _program: Program,
}

fn maps() -> Maps {
    let program = Program::compile_as("maps".as_ref(), programs::MAPS_FIVE_KINDS, &[]);
    let process = program.start();
    let addresses: Vec<usize> = process
        .line
        .split_whitespace()
        .map(|address| usize::from_str_radix(address, 16).unwrap())
        .collect();
    #[cfg(windows)]
    let path = {
        let open = OpenHandle::new(QUERY | VM_READ, process.id().get());
        system_mapped_name(open.0, at(addresses[0]))
    };
    #[cfg(target_os = "linux")]
    let path = path_of(&process, &program).to_str().unwrap().to_owned();
    Maps {
        path,
        process,
        file: addresses[0],
        memfd: addresses[1],
        shared: addresses[2],
        private: addresses[3],
        hole: addresses[4],
        _program: program,
    }
}

fn at(address: usize) -> Address {
    std::ptr::without_provenance_mut(address)
}

#[test]
fn finds_file_at_any_mapped_address() {
    let maps = maps();
    let open = OpenHandle::new(QUERY, maps.process.id().get());
    for address in [maps.file, maps.file + 1, maps.file + 8191] {
        let mut name = [0u8; 4096];
        let length =
            succeed(|api| (api.GetMappedFileNameA)(open.0, at(address), name.as_mut_ptr(), 4096));
        assert_eq!(
            (text(&name), length as usize),
            (maps.path.clone(), bytes(&maps.path))
        );
        let mut name = [0u16; 4096];
        succeed(|api| (api.GetMappedFileNameW)(open.0, at(address), name.as_mut_ptr(), 4096));
        assert_eq!(wide_text(&name), maps.path);
    }
    if cfg!(windows) {
        return;
    }
    let mut name = [0u8; 4096];
    succeed(|api| (api.GetMappedFileNameA)(open.0, at(maps.memfd), name.as_mut_ptr(), 4096));
    assert_eq!(text(&name), "/memfd:named");
}

#[test]
fn private_memory_is_unexp_net_err() {
    let maps = maps();
    let open = OpenHandle::new(QUERY, maps.process.id().get());
    for address in [maps.private, maps.hole, 0, 8, usize::MAX] {
        let mut name = [0u8; 64];
        let code = fail(|api| (api.GetMappedFileNameA)(open.0, at(address), name.as_mut_ptr(), 64));
        assert_eq!(code, UNEXP_NET_ERR, "{address:#x}");
    }
}

#[test]
fn shared_anonymous_memory_is_file_invalid() {
    let maps = maps();
    let open = OpenHandle::new(QUERY, maps.process.id().get());
    let mut name = [0u8; 64];
    let code = fail(|api| (api.GetMappedFileNameA)(open.0, at(maps.shared), name.as_mut_ptr(), 64));
    assert_eq!(code, FILE_INVALID);
}

#[test]
fn checks_arguments_in_order() {
    let maps = maps();
    let open = OpenHandle::new(QUERY, maps.process.id().get());
    let address = at(maps.file);
    let name: fn(Handle, Address, *mut u8, u32) -> Code = |handle, address, pointer, size| {
        fail(|api| (api.GetMappedFileNameA)(handle, address, pointer, size))
    };
    assert_eq!(name(unmapped(), address, null_mut(), 0), INVALID_HANDLE);
    let other = OpenHandle::new(LIMITED | VM_READ, maps.process.id().get());
    assert_eq!(name(other.0, address, null_mut(), 0), ACCESS_DENIED);
    assert_eq!(
        name(open.0, address, [0; 9].as_mut_ptr(), 0),
        INSUFFICIENT_BUFFER
    );
    assert_eq!(name(open.0, address, null_mut(), 0), INSUFFICIENT_BUFFER);
    assert_eq!(name(open.0, address, null_mut(), 9), INVALID_PARAMETER);
    assert_eq!(
        name(open.0, at(maps.hole), null_mut(), 9),
        INVALID_PARAMETER
    );
    assert_eq!(name(open.0, address, unmapped(), 9), NOACCESS);
    assert_eq!(name(open.0, address, read_only(), 9), NOACCESS);
}

#[test]
fn truncated_name_ends_with_nul() {
    let maps = maps();
    let open = OpenHandle::new(QUERY, maps.process.id().get());
    let mut name = [b'x'; 8];
    let length =
        succeed(|api| (api.GetMappedFileNameA)(open.0, at(maps.file), name.as_mut_ptr(), 4));
    assert_eq!((text(&name).as_str(), length), (&maps.path[..3], 4));
    assert_eq!(name[4..], *b"xxxx");
}

#[test]
fn exited_process_is_partial_copy() {
    let mut maps = maps();
    let open = OpenHandle::new(QUERY, maps.process.id().get());
    maps.process.kill();
    for reaped in [false, true] {
        if reaped {
            maps.process.reap();
        }
        let code =
            fail(|api| (api.GetMappedFileNameA)(open.0, at(maps.file), [0; 64].as_mut_ptr(), 64));
        assert_eq!(code, PARTIAL_COPY, "reaped: {reaped}");
    }
}
