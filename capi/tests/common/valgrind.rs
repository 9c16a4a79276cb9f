//! Programs under valgrind.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use super::workshop::{Ended, Workshop, run};

/// What valgrind exits with if it finds an error or a leak.
const FOUND: &str = "99";

/// Runs a program, which must come out without an error and a leak.
pub fn check(workshop: &Workshop, program: &Path, arguments: &[&str]) -> Ended {
    let mut command = workshop.command("valgrind");
    command.args(["--quiet", "--error-exitcode", FOUND]);
    command.args([
        "--leak-check=full",
        "--errors-for-leak-kinds=definite,indirect,possible",
    ]);
    command.arg("--show-leak-kinds=definite,indirect,possible");
    copy_in_two_steps(command.arg(program).args(arguments));
    let ended = run(&mut command);
    assert_ne!(ended.status.code(), FOUND.parse().ok(), "{}", ended.errors);
    ended
}

/// Has a command run without `process_vm_writev`, which the library writes to its caller's memory with:
/// for valgrind that is always some other process's memory, so that it would take all that the
/// library answers for uninitialised. Where it is not there, the library uses a pipe, which
/// valgrind understands.
fn copy_in_two_steps(command: &mut Command) {
    let filter = [
        // The number of the system call.
        statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0),
        libc::sock_filter {
            jf: 1,
            ..statement(
                libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
                libc::SYS_process_vm_writev as u32,
            )
        },
        statement(
            libc::BPF_RET | libc::BPF_K,
            libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32,
        ),
        statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW),
    ];
    // SAFETY: two system calls, which allocate nothing.
    unsafe { command.pre_exec(move || install(filter)) };
}

fn statement(code: u32, k: u32) -> libc::sock_filter {
    libc::sock_filter {
        code: code as u16,
        jt: 0,
        jf: 0,
        k,
    }
}

fn install(mut filter: [libc::sock_filter; 4]) -> io::Result<()> {
    let program = libc::sock_fprog {
        len: filter.len() as u16,
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: it changes what the process may do, and reads the program, which is there.
    let done = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(
                libc::PR_SET_SECCOMP,
                libc::SECCOMP_MODE_FILTER,
                &raw const program,
            ) == 0
    };
    match done {
        true => Ok(()),
        false => Err(io::Error::last_os_error()),
    }
}
