//! What a process reads and writes, its open descriptors, the contents of its memory, and the CPU
//! time of the machine.

#[cfg(target_os = "linux")]
use std::fs::File;
#[cfg(target_os = "linux")]
use std::io::{Read as _, Write as _};
#[cfg(target_os = "linux")]
use std::process::{Command, Stdio};

use psapi::{ErrorKind, Process, System};

#[cfg(target_os = "linux")]
use testing::privilege::{is_root, unprivileged};
#[cfg(target_os = "linux")]
use testing::skip;
use testing::{Program, programs};

fn own() -> Process {
    System::new().current_process().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn counts_reads_and_writes() {
    // The command has read its own program before it waits for input.
    let mut child = Command::new("cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let process = System::new().process(child.id()).unwrap();
    let echo = |child: &mut std::process::Child, text: &[u8]| {
        child.stdin.as_mut().unwrap().write_all(text).unwrap();
        let mut copy = vec![0; text.len()];
        let output = child.stdout.as_mut().unwrap();
        output.read_exact(&mut copy).unwrap();
        assert_eq!(copy, text);
    };
    echo(&mut child, b"start");
    let before = process.io_counters().unwrap();
    echo(&mut child, &[b'x'; 1000]);
    let after = process.io_counters().unwrap();
    assert_eq!(after.written - before.written, 1000);
    assert_eq!(after.write_calls - before.write_calls, 1);
    // The kernel counts a read only when it returns, which can be before or after this moment.
    assert!(after.read - before.read >= 1000);
    assert!(after.read_calls > before.read_calls);
    if is_root() {
        let error = unprivileged(|| process.io_counters().unwrap_err());
        assert_eq!(error.kind(), ErrorKind::AccessDenied, "{error}");
        let error = unprivileged(|| process.handle_count().unwrap_err());
        assert_eq!(error.kind(), ErrorKind::AccessDenied, "{error}");
    } else {
        skip("needs root to change the user");
    }
    drop(child.stdin.take());
    child.wait().unwrap();
    let error = process.io_counters().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ended, "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn counts_open_descriptors() {
    let mut child = Command::new("sh")
        .args(["-c", "exec 7</dev/null 8</dev/null; echo; read line"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    let process = System::new().process(child.id()).unwrap();
    let listed = || {
        let directory = format!("/proc/{}/fd", child.id());
        std::fs::read_dir(directory).unwrap().count() as u64
    };
    assert_eq!(process.handle_count().unwrap(), listed());
    assert!(listed() >= 5);
    child.kill().unwrap();
    child.wait().unwrap();
    let error = process.handle_count().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ended, "{error}");
}

/// Three pages of memory, of which the last cannot be read.
struct Pages {
    start: *mut u8,
    page: usize,
}

impl Pages {
    #[cfg(target_os = "linux")]
    fn new() -> Self {
        use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect};
        let page = rustix::param::page_size();
        let both = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: the mapping is new, and nothing else uses it.
        let start = unsafe {
            let start = mmap_anonymous(std::ptr::null_mut(), 3 * page, both, MapFlags::PRIVATE);
            let start = start.unwrap();
            start.cast::<u8>().write_bytes(7, 3 * page);
            mprotect(start.byte_add(2 * page), page, MprotectFlags::empty()).unwrap();
            start
        };
        Pages {
            start: start.cast(),
            page,
        }
    }

    #[cfg(windows)]
    fn new() -> Self {
        use windows_sys::Win32::System::Memory::{
            MEM_COMMIT, PAGE_NOACCESS, PAGE_READWRITE, VirtualAlloc, VirtualProtect,
        };
        let page = 4096;
        let mut before = 0;
        // SAFETY: the memory is new, and nothing else uses it.
        let start = unsafe {
            let start = VirtualAlloc(std::ptr::null(), 3 * page, MEM_COMMIT, PAGE_READWRITE);
            assert!(!start.is_null());
            start.cast::<u8>().write_bytes(7, 3 * page);
            let last = start.byte_add(2 * page);
            assert_ne!(VirtualProtect(last, page, PAGE_NOACCESS, &mut before), 0);
            start
        };
        Pages {
            start: start.cast(),
            page,
        }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: nothing uses the memory any longer.
        #[cfg(target_os = "linux")]
        unsafe {
            rustix::mm::munmap(self.start.cast(), 3 * self.page).unwrap()
        };
        // SAFETY: nothing uses the memory any longer.
        #[cfg(windows)]
        unsafe {
            use windows_sys::Win32::System::Memory::{MEM_RELEASE, VirtualFree};
            VirtualFree(self.start.cast(), 0, MEM_RELEASE)
        };
    }
}

#[test]
fn reads_memory_up_to_protected_page() {
    let pages = Pages::new();
    let page = pages.page;
    let mut buffer = vec![0; 3 * page];
    let at = pages.start.addr() as u64;
    assert_eq!(own().read_memory(at, &mut buffer).unwrap(), 2 * page);
    assert!(buffer[..2 * page].iter().all(|&byte| byte == 7));
    assert_eq!(own().read_memory(at + 1, &mut buffer[..5]).unwrap(), 5);
    assert_eq!(own().read_memory(at, &mut []).unwrap(), 0);
    for nowhere in [0, at + 2 * page as u64, u64::MAX, u64::MAX - 7] {
        assert_eq!(own().read_memory(nowhere, &mut buffer).unwrap(), 0);
    }
}

#[test]
fn ended_process_has_no_counters() {
    let mut child = Program::compile(programs::WAITS, &[]).start();
    let process = System::new().process(child.id()).unwrap();
    let counters = process.io_counters().unwrap();
    assert!(counters.read_calls > 0 || cfg!(windows), "{counters:?}");
    let handles = process.handle_count().unwrap();
    // Standard input, output and error.
    assert!(handles >= 3, "{handles}");
    child.reap();
    for error in [
        process.io_counters().unwrap_err(),
        process.handle_count().unwrap_err(),
        process.read_memory(0x1_0000, &mut [0; 8]).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Ended, "{error}");
    }
}

#[test]
fn cpu_times_grow() {
    let system = System::new();
    let busy = || {
        let times = system.cpu_times().unwrap();
        times.user + times.kernel + times.idle
    };
    let before = busy();
    // The test itself is work for a processor.
    testing::wait_until(|| busy() > before);
    let processors = system.online_processors().unwrap();
    assert!(processors.is_sorted());
    assert!(processors.len() >= std::thread::available_parallelism().unwrap().get());
}

#[cfg(target_os = "linux")]
#[test]
fn foreign_memory_is_denied() {
    if !is_root() {
        return skip("needs root to change the user");
    }
    let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
    let process = System::new().process(child.id()).unwrap();
    let error = unprivileged(|| process.read_memory(0, &mut [0; 8]).unwrap_err());
    assert_eq!(error.kind(), ErrorKind::AccessDenied, "{error}");
    child.kill().unwrap();
    child.wait().unwrap();
    let error = process.read_memory(0, &mut [0; 8]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ended, "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn cpu_times_match_kernel() {
    let kernel = || {
        let mut text = String::new();
        let mut file = File::open("/proc/stat").unwrap();
        file.read_to_string(&mut text).unwrap();
        let fields = text.lines().next().unwrap().split_whitespace().skip(1);
        fields
            .map(|field| field.parse::<u64>().unwrap())
            .take(8)
            .sum::<u64>()
            * 10
    };
    if rustix::param::clock_ticks_per_second() != 100 {
        return skip("the kernel has other clock ticks");
    }
    let before = kernel();
    let times = System::new().cpu_times().unwrap();
    let sum = times.user
        + times.nice.unwrap()
        + times.kernel
        + times.idle
        + times.io_wait.unwrap()
        + times.interrupts
        + times.soft_interrupts
        + times.stolen.unwrap();
    let after = kernel();
    let sum = sum.as_millis() as u64;
    // The idle time of a sleeping processor can fall by one tick.
    assert!(
        (before - 20..=after + 20).contains(&sum),
        "{before} {sum} {after}"
    );
}
