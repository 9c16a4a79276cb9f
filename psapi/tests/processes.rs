//! Processes and their status, compared with facts that the tests arrange.

use std::ffi::OsStr;
#[cfg(target_os = "linux")]
use std::ffi::OsString;
#[cfg(target_os = "linux")]
use std::os::unix::ffi::OsStrExt as _;
#[cfg(target_os = "linux")]
use std::os::unix::process::CommandExt as _;
use std::process::Command;
#[cfg(target_os = "linux")]
use std::time::Duration;

use psapi::{Capture, ErrorKind, Fields, ProcessId, ProcessStatus, System};
#[cfg(target_os = "linux")]
use psapi::{Owner, ProcessState};
#[cfg(target_os = "linux")]
use rustix::thread::CapabilitySet;
#[cfg(target_os = "linux")]
use rustix::time::{ClockId, clock_gettime};

#[cfg(target_os = "linux")]
use testing::privilege::{NOBODY, is_root, unprivileged, with_capabilities};
use testing::{Program, TestProcess, programs};
#[cfg(target_os = "linux")]
use testing::{proc_file, skip};

/// The name that the kernel has for a program.
const NAME: &str = if cfg!(windows) {
    "subject.exe"
} else {
    "subject"
};

#[cfg(target_os = "linux")]
fn boot_time() -> Duration {
    let now = clock_gettime(ClockId::Boottime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

#[test]
fn lists_only_live_processes() {
    let system = System::new();
    let mut subject = Program::compile(programs::WAITS, &[]).start();
    let ids = system.process_ids().unwrap();
    assert!(ids.contains(&subject.id()));
    assert!(ids.contains(&ProcessId::new(std::process::id())));
    assert!(ids.is_sorted());
    let id = subject.id();
    subject.reap();
    assert!(!system.process_ids().unwrap().contains(&id));
}

#[test]
fn status_matches_started_command() {
    let program = Program::compile(programs::WAITS, &[]);
    let mut command = Command::new(&program.path);
    command.args(["--flag", "", "two words", r#"a "quoted" \\ text\"#, "é🦀"]);
    let subject = TestProcess::start(&mut command);

    let fields = Fields::IMAGE | Fields::COMMAND_LINE | Fields::USER;
    let capture = System::new().capture(fields).unwrap();
    let status = capture.process(subject.id()).unwrap();
    assert_eq!(status.name.as_deref(), Some(OsStr::new(NAME)));
    assert_eq!(status.display_name().as_deref(), Some(OsStr::new(NAME)));
    assert_eq!(status.kernel_thread, Some(false));
    let own_id = ProcessId::new(std::process::id());
    assert_eq!(status.parent, Some(own_id));
    assert!(status.threads >= Some(1));
    let own = capture.process(own_id).unwrap();
    assert!(status.start.unwrap() >= own.start.unwrap());
    assert_eq!(status.session, own.session);
    let image = status.image.as_ref().unwrap();
    assert_eq!((&image.path, image.deleted), (&program.path, false));
    let arguments: Vec<&OsStr> = status.command_line.as_ref().unwrap().arguments().collect();
    let expected = ["--flag", "", "two words", r#"a "quoted" \\ text\"#, "é🦀"];
    assert_eq!(arguments[1..], expected);
    assert!(status.user.is_some());
    assert_eq!(status.user, own.user);
    assert_eq!(status.unreadable, Fields::empty());
    // Fields that were not requested are absent.
    assert_eq!((status.memory, status.exact), (None, None));

    let process = System::new().process(subject.id()).unwrap();
    let alone = process.status(fields).unwrap();
    assert_eq!((alone.start, &alone.image), (status.start, &status.image));
    assert_eq!(alone.command_line, status.command_line);
    assert_eq!(process.image_file().unwrap().as_ref(), Some(image));
    let line = process.command_line().unwrap();
    assert_eq!(Some(&line), status.command_line.as_ref());
}

#[cfg(target_os = "linux")]
#[test]
fn status_matches_proc_files() {
    let before = boot_time();
    let program = Program::compile(programs::WAITS, &[]);
    let mut command = Command::new(&program.path);
    let subject = TestProcess::start(command.args(["--flag", ""]).process_group(0));
    let after = boot_time();
    let process = System::new().process(subject.id()).unwrap();
    let fields = Fields::CGROUP | Fields::USER;
    let status = process.status(fields).unwrap();
    assert_eq!(status.group, Some(subject.id()));
    assert_eq!(status.threads, Some(1));
    let tick = Duration::from_millis(10);
    let start = status.start.unwrap().since_boot().unwrap();
    assert!(
        start + tick >= before && start <= after,
        "{before:?} {start:?} {after:?}"
    );
    let user = status.user.and_then(Owner::ids).unwrap();
    assert_eq!(user.user, rustix::process::getuid().as_raw());
    assert_eq!(user.effective_group, rustix::process::getegid().as_raw());
    let cgroup = status.cgroup.as_ref().unwrap();
    let lines = proc_file(subject.id(), "cgroup");
    assert_eq!(
        cgroup.entries().count(),
        lines.iter().filter(|&&b| b == b'\n').count()
    );
    assert_eq!(
        process.command_line().unwrap().as_bytes(),
        proc_file(subject.id(), "cmdline")
    );
    assert_eq!(&process.cgroup().unwrap(), cgroup);
}

/// Each argument keeps units of UTF-16 that are no text.
#[cfg(windows)]
#[test]
fn unpaired_surrogates_are_kept() {
    use std::ffi::OsString;
    use std::os::windows::ffi::OsStringExt as _;
    let odd = OsString::from_wide(&[0x61, 0xD83D, 0x20, 0xDCA9]);
    // The file systems below Wine keep no such names, but arguments are passed on.
    let program = Program::compile(programs::WAITS, &[]);
    let subject = TestProcess::start(Command::new(&program.path).arg(&odd));
    let process = System::new().process(subject.id()).unwrap();
    let line = process.command_line().unwrap();
    assert_eq!(line.arguments().nth(1), Some(&*odd));
}

#[test]
fn counts_threads_of_process() {
    let subject = Program::compile(programs::HAS_SIX_MORE_THREADS, &[]).start();
    let process = System::new().process(subject.id()).unwrap();
    let threads = process.status(Fields::STAT).unwrap().threads.unwrap();
    // Windows itself starts threads that load libraries.
    assert!(threads == 7 || cfg!(windows) && threads > 7, "{threads}");
    let ids = System::new().thread_ids(subject.id()).unwrap().unwrap();
    assert_eq!(ids.len(), threads as usize);
}

#[test]
fn ended_process_fails_with_ended() {
    let system = System::new();
    let mut subject = Program::compile(programs::WAITS, &[]).start();
    let process = system.process(subject.id()).unwrap();
    assert!(!process.has_ended().unwrap());
    subject.reap();
    assert!(process.has_ended().unwrap());
    for kind in [
        process.status(Fields::all()).unwrap_err().kind(),
        process.memory_counters().unwrap_err().kind(),
        process.image_file().unwrap_err().kind(),
        process.command_line().unwrap_err().kind(),
    ] {
        assert_eq!(kind, ErrorKind::Ended);
    }
    let capture = system.capture(Fields::all()).unwrap();
    assert_eq!(capture.process(subject.id()), None);
    let error = system.process(subject.id()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSuchProcess, "{error}");
}

#[test]
fn capture_keeps_rows_of_kernel() {
    let has_name = |row: &ProcessStatus| row.name.is_some() || row.id.get() == 0;
    let mut capture = Capture::new(Fields::all());
    // Under Wine, a process that another test is starting has no name yet.
    testing::wait_until(|| {
        capture.refresh(&System::new()).unwrap();
        capture.processes().iter().all(has_name)
    });
    let rows = capture.processes();
    assert!(rows.is_sorted_by_key(|row| row.id));
    // Pid 0 is the idle process of Windows.
    for row in rows.iter().filter(|row| row.kernel_thread == Some(true)) {
        assert_eq!((&row.image, row.exact), (&None, None));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn odd_names_are_kept() {
    let program = Program::compile(programs::ODD_NAME, &[]);
    let subject = program.start();
    let status = System::new()
        .process(subject.id())
        .unwrap()
        .status(Fields::MEMORY)
        .unwrap();
    assert_eq!(
        status.name.as_deref(),
        Some(OsStr::from_bytes(b"a) Z (b\n\\n\xff"))
    );
    assert_ne!(status.state, Some(ProcessState::Zombie));
    assert!(status.memory.is_some_and(|memory| memory.working_set > 0));
}

#[cfg(target_os = "linux")]
#[test]
fn state_follows_signals() {
    let program = Program::compile(programs::HAS_SIX_MORE_THREADS, &[]);
    let mut subject = program.start();
    let process = System::new().process(subject.id()).unwrap();
    assert_eq!(process.status(Fields::STAT).unwrap().threads, Some(7));

    let pid = rustix::process::Pid::from_raw(subject.id().get() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    while process.status(Fields::STAT).unwrap().state != Some(ProcessState::Stopped) {
        std::thread::yield_now();
    }
    assert!(!process.has_ended().unwrap());

    subject.kill();
    let status = process.status(Fields::all()).unwrap();
    assert_eq!(status.state, Some(ProcessState::Zombie));
    assert_eq!(status.memory, None);
    // The group leader can be a zombie before the other threads have exited.
    while !process.has_ended().unwrap() {
        std::thread::yield_now();
    }
    assert_eq!(
        process.memory_counters().unwrap_err().kind(),
        ErrorKind::Ended
    );
    assert_eq!(process.exact_memory().unwrap_err().kind(), ErrorKind::Ended);
}

#[test]
fn thread_id_is_no_process() {
    let thread = std::thread::spawn(|| {
        #[cfg(target_os = "linux")]
        let id = ProcessId::new(rustix::thread::gettid().as_raw_nonzero().get() as u32);
        #[cfg(windows)]
        // SAFETY: the call has no preconditions.
        let id = unsafe { windows_sys::Win32::System::Threading::GetCurrentThreadId() };
        System::new().process(id).map(|process| process.id())
    });
    let refused = thread.join().unwrap().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NoSuchProcess);
    assert_eq!(refused.remedy(), None, "it is not hidden");
}

#[test]
fn unused_id_is_named_in_error() {
    for id in [0, 4_194_305, u32::MAX] {
        let error = System::new().process(id).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoSuchProcess);
        assert_eq!(error.process(), Some(ProcessId::new(id)));
        let text = error.to_string();
        assert!(text.contains(&format!("process {id}")), "{text}");
        assert!(text.ends_with("no such process"), "{text}");
        assert_eq!(error.remedy(), None);
    }
}

/// A process that reuses the id is not mistaken for the pinned one.
#[cfg(target_os = "linux")]
#[test]
fn pinned_process_survives_id_reuse() {
    let system = System::new();
    let mut subject = Program::compile(programs::WAITS, &[]).start();
    let id = subject.id();
    let process = system.process(id).unwrap();
    assert_eq!(
        process.status(Fields::STAT).unwrap().name.as_deref(),
        Some(OsStr::new(NAME))
    );
    subject.reap();
    for kind in [
        process.status(Fields::all()).unwrap_err().kind(),
        process.memory_counters().unwrap_err().kind(),
        process.exact_memory().unwrap_err().kind(),
        process.image_file().unwrap_err().kind(),
        process.command_line().unwrap_err().kind(),
        process.cgroup().unwrap_err().kind(),
    ] {
        assert_eq!(kind, ErrorKind::Ended);
    }

    // Makes the kernel reuse the id at once.
    let mut newcomer = None;
    for _ in 0..100 {
        if std::fs::write("/proc/sys/kernel/ns_last_pid", (id.get() - 1).to_string()).is_err() {
            return skip("needs root to reuse a process id");
        }
        let child = Command::new("sleep").arg("1000").spawn().unwrap();
        let taken = child.id() == id.get();
        newcomer = Some(Reaped(child));
        if taken {
            break;
        }
    }
    let newcomer = newcomer.unwrap();
    if newcomer.0.id() != id.get() {
        return skip("other processes took the id in 100 attempts");
    }
    assert_eq!(
        process.memory_counters().unwrap_err().kind(),
        ErrorKind::Ended
    );
    assert_eq!(
        process.status(Fields::all()).unwrap_err().kind(),
        ErrorKind::Ended
    );
    assert!(process.has_ended().unwrap());
    let name = system
        .process(id)
        .unwrap()
        .status(Fields::STAT)
        .unwrap()
        .name;
    assert_ne!(name, Some(OsString::from("subject")));
}

#[cfg(target_os = "linux")]
struct Reaped(std::process::Child);

#[cfg(target_os = "linux")]
impl Drop for Reaped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn deleted_mark_is_not_in_path() {
    let system = System::new();
    let program = Program::compile_as(OsStr::new("kept (deleted)"), programs::WAITS, &[]);
    let subject = program.start();
    let image = system
        .process(subject.id())
        .unwrap()
        .image_file()
        .unwrap()
        .unwrap();
    assert_eq!((&image.path, image.deleted), (&program.path, false));

    let program = Program::compile_as(OsStr::from_bytes(b"caf\xe9"), programs::WAITS, &[]);
    let subject = program.start();
    std::fs::remove_file(&program.path).unwrap();
    let process = system.process(subject.id()).unwrap();
    let image = process.image_file().unwrap().unwrap();
    assert_eq!((&image.path, image.deleted), (&program.path, true));
    let status = process.status(Fields::IMAGE).unwrap();
    assert_eq!(
        status.display_name().as_deref(),
        Some(OsStr::from_bytes(b"caf\xe9"))
    );
}

#[cfg(target_os = "linux")]
#[test]
fn kernel_threads_have_no_image() {
    let capture = System::new().capture(Fields::all()).unwrap();
    let Some(kthreadd) = capture
        .process(ProcessId::new(2))
        .filter(|status| status.kernel_thread == Some(true))
    else {
        return skip("process 2 is not a kernel thread: this is a container");
    };
    assert_eq!(
        kthreadd.display_name().as_deref(),
        Some(OsStr::new("[kthreadd]"))
    );
    assert_eq!((&kthreadd.image, kthreadd.exact), (&None, None));
    let memory = kthreadd.memory.unwrap();
    assert_eq!((memory.working_set, memory.commit), (0, 0));
    let process = System::new().process(2).unwrap();
    if is_root() {
        assert_eq!(process.image_file().unwrap(), None);
        assert_eq!(
            process.exact_memory().unwrap_err().kind(),
            ErrorKind::NoAddressSpace
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn unreadable_fields_keep_the_row() {
    if !is_root() {
        return skip("needs root for another user's process");
    }
    let program = Program::compile(programs::WAITS, &[]);
    let subject = program.start();
    unprivileged(|| {
        let system = System::new();
        let capture = system.capture(Fields::all()).unwrap();
        let status = capture.process(subject.id()).unwrap();
        assert_eq!(status.name.as_deref(), Some(OsStr::new(NAME)));
        assert!(status.memory.is_some_and(|memory| memory.working_set > 0));
        assert_eq!((&status.image, status.exact), (&None, None));
        assert_eq!(status.unreadable, Fields::IMAGE | Fields::EXACT);

        let process = system.process(subject.id()).unwrap();
        for error in [
            process.image_file().unwrap_err(),
            process.exact_memory().unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::AccessDenied);
            assert!(error.to_string().contains("CAP_SYS_PTRACE"), "{error}");
        }
    });
}

#[cfg(target_os = "linux")]
#[test]
fn user_is_owner_of_process() {
    if !is_root() {
        return skip("needs root to start a process as another user");
    }
    let program = Program::compile(programs::WAITS, &[]);
    let subject = TestProcess::start(Command::new(&program.path).uid(NOBODY).gid(NOBODY));
    let status = System::new()
        .process(subject.id())
        .unwrap()
        .status(Fields::USER)
        .unwrap();
    let user = status.user.and_then(Owner::ids).unwrap();
    assert_eq!(
        (user.user, user.effective_user, user.group),
        (NOBODY, NOBODY, NOBODY)
    );
    assert_eq!(status.memory, None);
}

/// A second mount of `/proc`, with a mount option. It is unmounted on drop.
#[cfg(target_os = "linux")]
struct ProcMount(tempfile::TempDir);

#[cfg(target_os = "linux")]
impl ProcMount {
    fn new(option: &str) -> Option<Self> {
        let directory = testing::public_directory();
        let mounted = Command::new("mount")
            .args(["-t", "proc", "-o", option, "proc"])
            .arg(directory.path())
            .status();
        match mounted {
            Ok(status) if status.success() => Some(ProcMount(directory)),
            _ => {
                skip(&format!(
                    "cannot mount /proc with {option}: needs root and Linux 5.8"
                ));
                None
            }
        }
    }
}

#[cfg(target_os = "linux")]
impl Drop for ProcMount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn hidepid_hides_processes() {
    let program = Program::compile(programs::WAITS, &[]);
    let subject = program.start();

    // With 2, and since Linux 5.8 with 4, other users' processes are absent.
    for option in ["hidepid=2", "hidepid=4"] {
        let Some(proc) = ProcMount::new(option) else {
            continue;
        };
        let links = testing::public_directory();
        let link = links.path().join("proc");
        std::os::unix::fs::symlink(proc.0.path(), &link).unwrap();
        unprivileged(|| {
            for root in [proc.0.path(), &link] {
                let system = System::builder().proc_root(root).build();
                let error = system.process(subject.id()).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::NoSuchProcess);
                assert!(error.to_string().contains("hidepid"), "{error}");
                assert!(system.may_hide_processes());
                // An id that no process can have is not reported as hidden.
                assert_eq!(system.process(0).unwrap_err().remedy(), None);
                if let Ok(capture) = system.capture(Fields::all()) {
                    assert!(capture.process(subject.id()).is_none());
                }
            }
        });
        // A caller that sees all processes gets no hint about hidden ones. In a container, process
        // 1 can be inaccessible even to its root.
        let check = || {
            let system = System::builder().proc_root(proc.0.path()).build();
            system.process(subject.id()).unwrap();
            let hides = !proc.0.path().join("1").exists();
            assert_eq!(system.may_hide_processes(), hides);
            let absent = system.process(4_194_305).unwrap_err();
            assert_eq!(absent.remedy().is_some(), hides, "{absent}");
        };
        check();
        with_capabilities(CapabilitySet::SYS_PTRACE, check);
    }

    // The group of `gid=` sees all processes.
    if let Some(proc) = ProcMount::new("hidepid=2,gid=65534") {
        unprivileged(|| {
            let system = System::builder().proc_root(proc.0.path()).build();
            assert!(!system.may_hide_processes());
            system.process(subject.id()).unwrap();
        });
    }

    // With 1, processes are listed but their files are unreadable.
    let Some(proc) = ProcMount::new("hidepid=1") else {
        return;
    };
    unprivileged(|| {
        let system = System::builder().proc_root(proc.0.path()).build();
        let capture = system.capture(Fields::all()).unwrap();
        let status = capture.process(subject.id()).unwrap();
        assert_eq!(
            (&status.name, status.memory, status.start),
            (&None, None, None)
        );
        assert_eq!(status.unreadable, Fields::all());
        let error = system.process(subject.id()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AccessDenied);
        assert!(error.to_string().contains("hidepid"), "{error}");
    });
}

#[test]
fn current_process_is_this_one() {
    let process = System::new().current_process().unwrap();
    assert_eq!(process.id().get(), std::process::id());
    let image = process.image_file().unwrap().unwrap();
    assert_eq!(image.path, std::env::current_exe().unwrap());
}

#[cfg(target_os = "linux")]
#[test]
fn process_outlives_group_leader() {
    let program = Program::compile(programs::LEADER_EXITS, &[]);
    let subject = TestProcess::start(Command::new(&program.path).arg("16"));
    // The zombie is the group leader.
    subject.wait_for_state('Z');
    let system = System::new();
    let process = system.process(subject.id()).unwrap();
    let status = process.status(Fields::all()).unwrap();
    assert_eq!(status.state, Some(ProcessState::Zombie));
    assert!(!process.has_ended().unwrap());

    let capture = system.capture(Fields::all()).unwrap();
    for status in [&status, capture.process(subject.id()).unwrap()] {
        let memory = status.memory.unwrap();
        assert!(memory.rss_anon >= Some(16 << 20), "{memory:?}");
        assert!(status.exact.is_some_and(|exact| exact.uss >= 16 << 20));
        assert_eq!(status.image.as_ref().unwrap().path, program.path);
    }
    assert!(process.memory_counters().unwrap().rss_anon >= Some(16 << 20));
    assert!(process.exact_memory().unwrap().uss >= 16 << 20);
    assert_eq!(process.image_file().unwrap().unwrap().path, program.path);
    let modules = process.modules(psapi::ModuleFilter::All).unwrap();
    assert_eq!(modules[0].path, program.path);
    assert!(
        process
            .mappings()
            .unwrap()
            .iter()
            .any(|mapping| mapping.size() >= 16 << 20)
    );
    assert!(process.mapped_file(modules[0].base).unwrap().is_some());
}
