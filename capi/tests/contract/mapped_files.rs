//! `GetMappedFileName`.

use std::ptr::null_mut;

use crate::api::*;
use crate::support::child::{Program, Subject};

/// Maps a file, shared memory and private memory, and says where.
const MAPS: &str = r#"
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
int main(int argc, char **argv) {
    int fd = open("/proc/self/exe", O_RDONLY);
    int memory = memfd_create("named", 0);
    if (ftruncate(memory, 8192)) return 1;
    void *file = mmap(0, 8192, PROT_READ, MAP_PRIVATE, fd, 4096);
    void *memfd = mmap(0, 8192, PROT_READ, MAP_SHARED, memory, 0);
    void *shared = mmap(0, 8192, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    void *private = mmap(0, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *hole = mmap(0, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(hole, 8192);
    printf("%zx %zx %zx %zx %zx\n", (size_t)file, (size_t)memfd, (size_t)shared,
        (size_t)private, (size_t)hole);
    fflush(stdout);
    getchar();
}"#;

struct Maps {
    subject: Subject,
    path: String,
    file: usize,
    memfd: usize,
    shared: usize,
    private: usize,
    hole: usize,
    _program: Program,
}

fn maps() -> Maps {
    let program = Program::compile_as("maps".as_ref(), MAPS, &[]);
    let subject = program.start();
    let said: Vec<usize> = subject
        .said
        .split_whitespace()
        .map(|word| usize::from_str_radix(word, 16).unwrap())
        .collect();
    let path = std::fs::read_link(format!("/proc/{}/exe", subject.id())).unwrap();
    Maps {
        path: path.to_str().unwrap().to_owned(),
        subject,
        file: said[0],
        memfd: said[1],
        shared: said[2],
        private: said[3],
        hole: said[4],
        _program: program,
    }
}

fn at(address: usize) -> Address {
    std::ptr::without_provenance_mut(address)
}

#[test]
fn get_mapped_file_name_for_any_address_inside_a_file_mapping() {
    let maps = maps();
    let open = Opened::new(QUERY, maps.subject.id().get());
    for address in [maps.file, maps.file + 1, maps.file + 8191] {
        let mut name = [0u8; 4096];
        let length =
            done(|api| (api.GetMappedFileNameA)(open.0, at(address), name.as_mut_ptr(), 4096));
        assert_eq!(
            (text(&name), length as usize),
            (maps.path.clone(), maps.path.len())
        );
        let mut name = [0u16; 4096];
        done(|api| (api.GetMappedFileNameW)(open.0, at(address), name.as_mut_ptr(), 4096));
        assert_eq!(wide_text(&name), maps.path);
    }
    let mut name = [0u8; 4096];
    done(|api| (api.GetMappedFileNameA)(open.0, at(maps.memfd), name.as_mut_ptr(), 4096));
    assert_eq!(text(&name), "/memfd:named");
}

#[test]
fn get_mapped_file_name_unexp_net_err_for_private_memory_and_none() {
    let maps = maps();
    let open = Opened::new(QUERY, maps.subject.id().get());
    for address in [maps.private, maps.hole, 0, 8, usize::MAX] {
        let mut name = [0u8; 64];
        let code =
            failed(|api| (api.GetMappedFileNameA)(open.0, at(address), name.as_mut_ptr(), 64));
        assert_eq!(code, UNEXP_NET_ERR, "{address:#x}");
    }
}

#[test]
fn get_mapped_file_name_file_invalid_for_shared_memory_with_no_file() {
    let maps = maps();
    let open = Opened::new(QUERY, maps.subject.id().get());
    let mut name = [0u8; 64];
    let code =
        failed(|api| (api.GetMappedFileNameA)(open.0, at(maps.shared), name.as_mut_ptr(), 64));
    assert_eq!(code, FILE_INVALID);
}

#[test]
fn get_mapped_file_name_checks_its_arguments_in_order() {
    let maps = maps();
    let open = Opened::new(QUERY, maps.subject.id().get());
    let address = at(maps.file);
    let name: fn(Handle, Address, *mut u8, u32) -> Code = |handle, address, to, size| {
        failed(|api| (api.GetMappedFileNameA)(handle, address, to, size))
    };
    assert_eq!(name(nowhere(), address, null_mut(), 0), INVALID_HANDLE);
    let other = Opened::new(LIMITED | VM_READ, maps.subject.id().get());
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
    assert_eq!(name(open.0, address, nowhere(), 9), NOACCESS);
    assert_eq!(name(open.0, address, read_only(), 9), NOACCESS);
}

#[test]
fn get_mapped_file_name_truncates_ends_with_nul_and_returns_the_size() {
    let maps = maps();
    let open = Opened::new(QUERY, maps.subject.id().get());
    let mut name = [b'x'; 8];
    let length = done(|api| (api.GetMappedFileNameA)(open.0, at(maps.file), name.as_mut_ptr(), 4));
    assert_eq!((text(&name).as_str(), length), (&maps.path[..3], 4));
    assert_eq!(name[4..], *b"xxxx");
}

#[test]
fn a_process_that_has_ended_partial_copy_for_its_mapped_files() {
    let mut maps = maps();
    let open = Opened::new(QUERY, maps.subject.id().get());
    maps.subject.kill();
    for reaped in [false, true] {
        if reaped {
            maps.subject.reap();
        }
        let code =
            failed(|api| (api.GetMappedFileNameA)(open.0, at(maps.file), [0; 64].as_mut_ptr(), 64));
        assert_eq!(code, PARTIAL_COPY, "reaped: {reaped}");
    }
}
