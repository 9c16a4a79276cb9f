//! Processes, against facts that the tests arrange.

mod support;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::Duration;

use psapi::{ErrorKind, Fields, ProcessId, ProcessState, System};
use rustix::thread::CapabilitySet;
use rustix::time::{ClockId, clock_gettime};

use support::child::{Program, Subject, proc_file};
use support::privilege::{NOBODY, as_nobody, as_nobody_with, is_root, skip};

const WAITS: &str = r#"
#include <stdio.h>
int main(void) { puts("ready"); fflush(stdout); getchar(); getchar(); return 0; }
"#;

fn boot_time() -> Duration {
    let now = clock_gettime(ClockId::Boottime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

#[test]
fn ids_are_those_of_the_processes_that_live() {
    let system = System::new();
    let mut subject = Program::compile(WAITS, &[]).start();
    let ids = system.process_ids().unwrap();
    assert!(ids.contains(&subject.id()));
    assert!(ids.contains(&ProcessId::new(std::process::id())));
    assert!(ids.is_sorted());
    let id = subject.id();
    subject.reap();
    assert!(!system.process_ids().unwrap().contains(&id));
}

#[test]
fn a_process_is_described_as_it_was_started() {
    let before = boot_time();
    let program = Program::compile(WAITS, &[]);
    let mut command = Command::new(&program.path);
    command.args(["--flag", "", "two words"]).process_group(0);
    let subject = Subject::start(&mut command);
    let after = boot_time();

    let fields = Fields::IMAGE | Fields::COMMAND_LINE | Fields::USER | Fields::CGROUP;
    let capture = System::new().capture(fields).unwrap();
    let status = capture.process(subject.id()).unwrap();
    assert_eq!(status.name.as_deref(), Some(OsStr::new("subject")));
    assert_eq!(status.kernel_thread, Some(false));
    assert_eq!(status.parent, Some(ProcessId::new(std::process::id())));
    assert_eq!(status.group, Some(subject.id()));
    assert_eq!(status.threads, Some(1));
    let tick = Duration::from_millis(10);
    let start = status.start.unwrap();
    assert!(
        start + tick >= before && start <= after,
        "{before:?} {start:?} {after:?}"
    );
    let image = status.image.as_ref().unwrap();
    assert_eq!((&image.path, image.deleted), (&program.path, false));
    let arguments: Vec<&OsStr> = status.command_line.as_ref().unwrap().arguments().collect();
    assert_eq!(arguments[1..], ["--flag", "", "two words"]);
    let user = status.user.unwrap();
    assert_eq!(user.user, rustix::process::getuid().as_raw());
    assert_eq!(user.effective_group, rustix::process::getegid().as_raw());
    let cgroup = status.cgroup.as_ref().unwrap();
    let lines = proc_file(subject.id(), "cgroup");
    assert_eq!(
        cgroup.entries().count(),
        lines.iter().filter(|&&b| b == b'\n').count()
    );
    assert_eq!(status.unreadable, Fields::empty());
    // What was not asked for is not there.
    assert_eq!((status.memory, status.exact), (None, None));

    let process = System::new().process(subject.id()).unwrap();
    let alone = process.status(fields).unwrap();
    assert_eq!((alone.start, &alone.image), (status.start, &status.image));
    assert_eq!(
        process.command_line().unwrap().as_bytes(),
        proc_file(subject.id(), "cmdline")
    );
    assert_eq!(&process.cgroup().unwrap(), cgroup);
}

#[test]
fn hostile_names_are_bytes() {
    let program = Program::compile(
        r#"
        #include <stdio.h>
        #include <sys/prctl.h>
        int main(void) {
            prctl(PR_SET_NAME, "a) Z (b\n\\n\xff", 0, 0, 0);
            puts("ready"); fflush(stdout); getchar(); return 0;
        }"#,
        &[],
    );
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

#[test]
fn state_and_threads_follow_the_process() {
    let program = Program::compile(
        r#"
        #include <pthread.h>
        #include <stdio.h>
        #include <unistd.h>
        static void *wait_forever(void *p) { for (;;) pause(); return p; }
        int main(void) {
            pthread_t t;
            for (int i = 0; i < 6; i++) pthread_create(&t, 0, wait_forever, 0);
            puts("ready"); fflush(stdout); getchar(); return 0;
        }"#,
        &[],
    );
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
    // The first thread may be a zombie before the others are gone.
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
fn a_thread_is_no_process() {
    let thread = std::thread::spawn(|| {
        let id = ProcessId::new(rustix::thread::gettid().as_raw_nonzero().get() as u32);
        System::new().process(id).map(|process| process.id())
    });
    let refused = thread.join().unwrap().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NoSuchProcess);
    assert_eq!(refused.remedy(), None, "it is not hidden");
}

#[test]
fn an_id_that_nobody_has_is_refused_by_name() {
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

#[test]
fn a_pinned_process_is_never_taken_for_a_newcomer() {
    let system = System::new();
    let mut subject = Program::compile(WAITS, &[]).start();
    let id = subject.id();
    let process = system.process(id).unwrap();
    assert_eq!(
        process.status(Fields::STAT).unwrap().name.as_deref(),
        Some(OsStr::new("subject"))
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

    // Have the kernel give the id out again, at once.
    let mut newcomer = None;
    for _ in 0..100 {
        if std::fs::write("/proc/sys/kernel/ns_last_pid", (id.get() - 1).to_string()).is_err() {
            return skip("the id can't be given out again: needs root");
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
        return skip("other processes took the id first, a hundred times");
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

struct Reaped(std::process::Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_image_is_told_from_its_mark_of_deletion() {
    let system = System::new();
    let program = Program::compile_as(OsStr::new("kept (deleted)"), WAITS, &[]);
    let subject = program.start();
    let image = system
        .process(subject.id())
        .unwrap()
        .image_file()
        .unwrap()
        .unwrap();
    assert_eq!((&image.path, image.deleted), (&program.path, false));

    let program = Program::compile_as(OsStr::from_bytes(b"caf\xe9"), WAITS, &[]);
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

#[test]
fn kernel_threads_are_marked_and_have_no_image() {
    let capture = System::new().capture(Fields::all()).unwrap();
    let Some(kthreadd) = capture
        .process(ProcessId::new(2))
        .filter(|status| status.kernel_thread == Some(true))
    else {
        return skip("process 2 is no kernel thread: this is a container");
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

#[test]
fn what_may_not_be_read_leaves_its_row() {
    if !is_root() {
        return skip("there is no process of another user to ask for: needs root");
    }
    let program = Program::compile(WAITS, &[]);
    let subject = program.start();
    as_nobody(|| {
        let system = System::new();
        let capture = system.capture(Fields::all()).unwrap();
        let status = capture.process(subject.id()).unwrap();
        assert_eq!(status.name.as_deref(), Some(OsStr::new("subject")));
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

#[test]
fn a_user_is_whom_the_process_runs_as() {
    if !is_root() {
        return skip("needs root to start a process as another user");
    }
    let program = Program::compile(WAITS, &[]);
    let subject = Subject::start(Command::new(&program.path).uid(NOBODY).gid(NOBODY));
    let status = System::new()
        .process(subject.id())
        .unwrap()
        .status(Fields::USER)
        .unwrap();
    let user = status.user.unwrap();
    assert_eq!(
        (user.user, user.effective_user, user.group),
        (NOBODY, NOBODY, NOBODY)
    );
    assert_eq!(status.memory, None);
}

/// A proc file system mounted at a place of the test's own, with an option.
struct ProcMount(tempfile::TempDir);

impl ProcMount {
    fn new(option: &str) -> Option<Self> {
        let place = support::child::public_directory();
        let mounted = Command::new("mount")
            .args(["-t", "proc", "-o", option, "proc"])
            .arg(place.path())
            .status();
        match mounted {
            Ok(status) if status.success() => Some(ProcMount(place)),
            _ => {
                skip(&format!(
                    "a proc file system can't be mounted with {option}: needs root, and Linux 5.8"
                ));
                None
            }
        }
    }
}

impl Drop for ProcMount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn processes_hidden_by_hidepid_break_nothing() {
    let program = Program::compile(WAITS, &[]);
    let subject = program.start();

    // 2, and since Linux 5.8 4: the processes of others are not there at all.
    for option in ["hidepid=2", "hidepid=4"] {
        let Some(proc) = ProcMount::new(option) else {
            continue;
        };
        let links = support::child::public_directory();
        let link = links.path().join("proc");
        std::os::unix::fs::symlink(proc.0.path(), &link).unwrap();
        as_nobody(|| {
            for root in [proc.0.path(), &link] {
                let system = System::builder().proc_root(root).build();
                let error = system.process(subject.id()).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::NoSuchProcess);
                assert!(error.to_string().contains("hidepid"), "{error}");
                assert!(system.may_hide_processes());
                // What no process can have is not hidden.
                assert_eq!(system.process(0).unwrap_err().remedy(), None);
                if let Ok(capture) = system.capture(Fields::all()) {
                    assert!(capture.process(subject.id()).is_none());
                }
            }
        });
        // Who sees all is not told that something may be hidden. The first process of a container may
        // be out of reach even for its root.
        let check = || {
            let system = System::builder().proc_root(proc.0.path()).build();
            system.process(subject.id()).unwrap();
            let hides = !proc.0.path().join("1").exists();
            assert_eq!(system.may_hide_processes(), hides);
            let absent = system.process(4_194_305).unwrap_err();
            assert_eq!(absent.remedy().is_some(), hides, "{absent}");
        };
        check();
        as_nobody_with(CapabilitySet::SYS_PTRACE, check);
    }

    // A group may see all.
    if let Some(proc) = ProcMount::new("hidepid=2,gid=65534") {
        as_nobody(|| {
            let system = System::builder().proc_root(proc.0.path()).build();
            assert!(!system.may_hide_processes());
            system.process(subject.id()).unwrap();
        });
    }

    // 1: they are listed, and nothing can be read of them.
    let Some(proc) = ProcMount::new("hidepid=1") else {
        return;
    };
    as_nobody(|| {
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
fn the_current_process_is_this_one() {
    let process = System::new().current_process().unwrap();
    assert_eq!(process.id().get(), std::process::id());
    let image = process.image_file().unwrap().unwrap();
    assert_eq!(image.path, std::env::current_exe().unwrap());
}

#[test]
fn a_process_outlives_its_first_thread() {
    let program = Program::compile(
        r#"
        #include <pthread.h>
        #include <stdio.h>
        #include <string.h>
        #include <sys/mman.h>
        #include <unistd.h>
        static void *go_on(void *first) {
            pthread_join(*(pthread_t *)first, 0);
            char *p = mmap(0, 16 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            memset(p, 1, 16 << 20);
            puts("alone"); fflush(stdout); for (;;) pause();
        }
        static pthread_t first;
        int main(void) {
            pthread_t t;
            first = pthread_self();
            pthread_create(&t, 0, go_on, &first);
            pthread_exit(0);
        }"#,
        &[],
    );
    let subject = program.start();
    // What the kernel says of the first thread.
    subject.await_state('Z');
    let system = System::new();
    let process = system.process(subject.id()).unwrap();
    let status = process.status(Fields::all()).unwrap();
    assert_eq!(status.state, Some(ProcessState::Zombie));
    assert!(!process.has_ended().unwrap());

    let capture = system.capture(Fields::all()).unwrap();
    for status in [&status, capture.process(subject.id()).unwrap()] {
        let memory = status.memory.unwrap();
        assert!(memory.rss_anon >= 16 << 20, "{memory:?}");
        assert!(status.exact.is_some_and(|exact| exact.uss >= 16 << 20));
        assert_eq!(status.image.as_ref().unwrap().path, program.path);
    }
    assert!(process.memory_counters().unwrap().rss_anon >= 16 << 20);
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
