//! `GetProcessImageFileName`.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::ptr::null_mut;

use crate::api::*;
use crate::support::child::Program;

const WAITS: &str = r#"
#include <stdio.h>
int main(void) { puts("."); fflush(stdout); getchar(); }"#;

#[test]
fn get_process_image_file_name_is_the_file_that_it_runs() {
    let program = Program::compile_as("naïve".as_ref(), WAITS, &[]);
    let subject = program.start();
    let path = fs::read_link(format!("/proc/{}/exe", subject.id())).unwrap();
    let path = path.to_str().unwrap();
    let open = Opened::new(LIMITED, subject.id().get());
    let mut name = [0u8; 4096];
    let length = done(|api| (api.GetProcessImageFileNameA)(open.0, name.as_mut_ptr(), 4096));
    assert_eq!((text(&name).as_str(), length as usize), (path, path.len()));
    let mut name = [0u16; 4096];
    let length = done(|api| (api.GetProcessImageFileNameW)(open.0, name.as_mut_ptr(), 4096));
    assert_eq!(wide_text(&name), path);
    assert_eq!(length as usize, path.encode_utf16().count());
}

#[test]
fn what_is_not_unicode_is_byte_exact_in_a_and_replaced_in_w() {
    let program = Program::compile_as(OsStr::from_bytes(b"b\xffd"), WAITS, &[]);
    let subject = program.start();
    let open = Opened::new(LIMITED, subject.id().get());
    let mut name = [0u8; 4096];
    let length = done(|api| (api.GetProcessImageFileNameA)(open.0, name.as_mut_ptr(), 4096));
    assert!(name[..length as usize].ends_with(b"/b\xffd"));
    let mut name = [0u16; 4096];
    done(|api| (api.GetProcessImageFileNameW)(open.0, name.as_mut_ptr(), 4096));
    assert!(wide_text(&name).ends_with("/b\u{fffd}d"));
}

#[test]
fn get_process_image_file_name_insufficient_buffer_when_too_small_0_included() {
    let open = Opened::new(LIMITED, std::process::id());
    let path = std::env::current_exe().unwrap();
    let length = path.as_os_str().len() as u32;
    let mut name = [7u8; 4096];
    for size in [0, 1, length] {
        let code = failed(|api| (api.GetProcessImageFileNameA)(open.0, name.as_mut_ptr(), size));
        assert_eq!(code, INSUFFICIENT_BUFFER, "{size}");
        let code = failed(|api| (api.GetProcessImageFileNameA)(open.0, null_mut(), size));
        assert_eq!(code, INSUFFICIENT_BUFFER, "{size}");
    }
    assert_eq!(name, [7; 4096]);
    done(|api| (api.GetProcessImageFileNameA)(open.0, name.as_mut_ptr(), length + 1));
    assert_eq!(text(&name), path.to_str().unwrap());
}

#[test]
fn get_process_image_file_name_noaccess() {
    let open = Opened::new(LIMITED, std::process::id());
    for to in [null_mut(), nowhere(), read_only()] {
        let code = failed(|api| (api.GetProcessImageFileNameA)(open.0, to, 4096));
        assert_eq!(code, NOACCESS);
        let code = failed(|api| (api.GetProcessImageFileNameW)(open.0, to.cast(), 4096));
        assert_eq!(code, NOACCESS);
    }
}

#[test]
fn get_process_image_file_name_needs_the_limited_right() {
    let open = Opened::new(VM_READ | SET_QUOTA, std::process::id());
    let code = failed(|api| (api.GetProcessImageFileNameA)(open.0, null_mut(), 0));
    assert_eq!(code, ACCESS_DENIED);
    // The right is looked at first, and the handle before it.
    let code = failed(|api| (api.GetProcessImageFileNameA)(nowhere(), null_mut(), 0));
    assert_eq!(code, INVALID_HANDLE);
}

#[test]
fn get_process_image_file_name_access_denied_where_the_kernel_does_not_tell() {
    let subject = match crate::support::privilege::is_root() {
        true => 1,
        // Nobody's own may be told to nobody.
        false => return,
    };
    let code = as_nobody(|| {
        let open = Opened::new(LIMITED, subject);
        failed(|api| (api.GetProcessImageFileNameA)(open.0, [0; 9].as_mut_ptr(), 9))
    });
    assert_eq!(code, ACCESS_DENIED);
}

#[test]
fn a_process_that_has_ended_gen_failure_for_its_image_name() {
    let program = Program::compile_as("waits".as_ref(), WAITS, &[]);
    let mut subject = program.start();
    let open = Opened::new(LIMITED, subject.id().get());
    subject.kill();
    for reaped in [false, true] {
        if reaped {
            subject.reap();
        }
        let code =
            failed(|api| (api.GetProcessImageFileNameA)(open.0, [0; 4096].as_mut_ptr(), 4096));
        assert_eq!(code, GEN_FAILURE, "reaped: {reaped}");
    }
}
