//! `GetProcessImageFileName`.

use std::ptr::null_mut;

use crate::api::*;

use testing::{Program, programs};

#[test]
fn returns_executable_path() {
    let program = Program::compile_as("naïve".as_ref(), programs::WAITS, &[]);
    let process = program.start();
    let open = OpenHandle::new(LIMITED, process.id().get());
    #[cfg(target_os = "linux")]
    let path = path_of(&process, &program).to_str().unwrap().to_owned();
    #[cfg(windows)]
    let path = system_image_name(open.0);
    #[cfg(windows)]
    assert!(path.ends_with(&program.path.to_str().unwrap()[2..]));
    let mut name = [0u8; 4096];
    let length = succeed(|api| (api.GetProcessImageFileNameA)(open.0, name.as_mut_ptr(), 4096));
    assert_eq!(text(&name), path);
    assert_eq!(length as usize, bytes(&path));
    let mut name = [0u16; 4096];
    let length = succeed(|api| (api.GetProcessImageFileNameW)(open.0, name.as_mut_ptr(), 4096));
    assert_eq!(wide_text(&name), path);
    assert_eq!(length as usize, path.encode_utf16().count());
}

#[cfg(target_os = "linux")]
#[test]
fn only_wide_names_replace_invalid_utf8() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let program = Program::compile_as(OsStr::from_bytes(b"b\xffd"), programs::WAITS, &[]);
    let process = program.start();
    let open = OpenHandle::new(LIMITED, process.id().get());
    let mut name = [0u8; 4096];
    let length = succeed(|api| (api.GetProcessImageFileNameA)(open.0, name.as_mut_ptr(), 4096));
    assert!(name[..length as usize].ends_with(b"/b\xffd"));
    let mut name = [0u16; 4096];
    succeed(|api| (api.GetProcessImageFileNameW)(open.0, name.as_mut_ptr(), 4096));
    assert!(wide_text(&name).ends_with("/b\u{fffd}d"));
}

#[test]
fn rejects_short_buffer() {
    let open = OpenHandle::new(LIMITED, std::process::id());
    #[cfg(target_os = "linux")]
    let path = std::env::current_exe()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    #[cfg(windows)]
    let path = system_image_name(open.0);
    let length = bytes(&path) as u32;
    let mut name = [7u8; 4096];
    for size in [0, 1, length] {
        let code = fail(|api| (api.GetProcessImageFileNameA)(open.0, name.as_mut_ptr(), size));
        assert_eq!(code, INSUFFICIENT_BUFFER, "{size}");
        let code = fail(|api| (api.GetProcessImageFileNameA)(open.0, null_mut(), size));
        assert_eq!(code, INSUFFICIENT_BUFFER, "{size}");
    }
    assert_eq!(name, [7; 4096]);
    succeed(|api| (api.GetProcessImageFileNameA)(open.0, name.as_mut_ptr(), length + 1));
    assert_eq!(text(&name), path);
}

#[test]
fn rejects_unwritable_memory() {
    let open = OpenHandle::new(LIMITED, std::process::id());
    for pointer in [null_mut(), unmapped(), read_only()] {
        let code = fail(|api| (api.GetProcessImageFileNameA)(open.0, pointer, 4096));
        assert_eq!(code, NOACCESS);
        let code = fail(|api| (api.GetProcessImageFileNameW)(open.0, pointer.cast(), 4096));
        assert_eq!(code, NOACCESS);
    }
}

#[test]
fn requires_limited_right() {
    let open = OpenHandle::new(VM_READ | SET_QUOTA, std::process::id());
    let code = fail(|api| (api.GetProcessImageFileNameA)(open.0, null_mut(), 0));
    assert_eq!(code, ACCESS_DENIED);
    // The handle is checked before the right.
    let code = fail(|api| (api.GetProcessImageFileNameA)(unmapped(), null_mut(), 0));
    assert_eq!(code, INVALID_HANDLE);
}

#[cfg(target_os = "linux")]
#[test]
fn denied_for_other_users_process() {
    // Without root, the test cannot become another user.
    if !testing::privilege::is_root() {
        return;
    }
    let code = unprivileged(|| {
        let open = OpenHandle::new(LIMITED, 1);
        fail(|api| (api.GetProcessImageFileNameA)(open.0, [0; 9].as_mut_ptr(), 9))
    });
    assert_eq!(code, ACCESS_DENIED);
}

#[test]
fn exited_process_is_gen_failure() {
    let program = Program::compile_as("waits".as_ref(), programs::WAITS, &[]);
    let mut process = program.start();
    let open = OpenHandle::new(LIMITED, process.id().get());
    process.kill();
    for reaped in [false, true] {
        if reaped {
            process.reap();
        }
        let code = fail(|api| (api.GetProcessImageFileNameA)(open.0, [0; 4096].as_mut_ptr(), 4096));
        assert_eq!(code, GEN_FAILURE, "reaped: {reaped}");
    }
}
