//! Emptying working sets: what leaves, what stays and why, against pages that the tests arrange.

mod support;

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use psapi::{EmptiedWorkingSet, ErrorKind, Process, ProcessId, RefusalReason, System};
use rustix::thread::CapabilitySet;

use support::child::{Program, Subject, proc_file};
use support::privilege::{NOBODY, as_nobody, as_nobody_with, is_root, skip};
use support::rollup::rollup;
use support::swap::{Settled, Swap};

/// Pages of a file, private ones, locked ones and, with a child, shared ones; says where they are,
/// and then, whenever asked, how many of the file's are in memory and whether the private ones hold
/// what was put there.
const PAGES: &str = r#"
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <signal.h>
#include <unistd.h>
static const size_t mib = 1 << 20;
static char *map(size_t size, int flags, int fd) {
    /* Neighbours of one kind would be one mapping: a hole keeps them apart. */
    char *p = mmap(0, size + mib, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (p == MAP_FAILED) { perror("mmap"); _Exit(1); }
    munmap(p + size, mib);
    madvise(p, size, MADV_NOHUGEPAGE);
    return p;
}
int main(int argc, char **argv) {
    volatile char sum = 0;
    int fd = open(argv[1], O_RDWR | O_CREAT, 0600);
    char *contents = calloc(1, mib);
    for (int i = 0; i < 8; i++) if (write(fd, contents, mib) != (ssize_t)mib) { perror(argv[1]); return 1; }
    free(contents);
    fsync(fd);
    char *file = map(8 * mib, MAP_SHARED, fd);
    for (size_t i = 0; i < 8 * mib; i += 4096) sum += file[i];
    char *private = map(8 * mib, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    for (size_t i = 0; i < 8 * mib; i++) private[i] = i / 4096;
    char *locked = map(mib, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    memset(locked, 1, mib);
    if (mlock(locked, mib)) { perror("mlock"); return 1; }
    char *shared = map(4 * mib, MAP_SHARED | MAP_ANONYMOUS, -1);
    memset(shared, 1, 4 * mib);
    int ready[2];
    if (pipe(ready)) return 1;
    if (!fork()) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (size_t i = 0; i < 4 * mib; i += 4096) sum += shared[i];
        munmap(private, 8 * mib);
        munmap(file, 8 * mib);
        if (write(ready[1], "r", 1) != 1) return 1;
        for (;;) pause();
    }
    char c;
    if (read(ready[0], &c, 1) != 1) return 1;
    printf("%lu %lu %lu %lu\n", (long)file, (long)private, (long)locked, (long)shared);
    fflush(stdout);
    while (getchar() != EOF) {
        static unsigned char in[2048];
        int pages = 0, good = 1;
        if (mincore(file, 8 * mib, in)) perror("mincore");
        for (int i = 0; i < 2048; i++) pages += in[i] & 1;
        for (size_t i = 0; i < 8 * mib; i++) good &= private[i] == (char)(i / 4096);
        printf("%d %s\n", pages, good ? "good" : "bad");
        fflush(stdout);
    }
}"#;

const MIB: u64 = 1 << 20;

/// Pages that a processor has not yet put on the lists that the kernel takes them from stay.
const SLACK: u64 = MIB;

struct Arranged {
    subject: Subject,
    file: u64,
    private: u64,
    locked: u64,
    shared: u64,
    _directory: tempfile::TempDir,
}

fn arrange() -> Arranged {
    let program = Program::compile(PAGES, &[]);
    let directory = tempfile::tempdir().unwrap();
    let subject = Subject::start(Command::new(&program.path).arg(directory.path().join("file")));
    subject.settle();
    let mut addresses = subject.said.split(' ').map(|text| text.parse().unwrap());
    let [file, private, locked, shared] = [(); 4].map(|()| addresses.next().unwrap());
    Arranged {
        subject,
        file,
        private,
        locked,
        shared,
        _directory: directory,
    }
}

/// `None`, loudly, where the caller may not.
fn empty(process: &Process) -> Option<EmptiedWorkingSet> {
    match process.empty_working_set() {
        Err(error) if error.kind() == ErrorKind::AccessDenied && !is_root() => {
            skip("emptying another process's working set needs CAP_SYS_NICE");
            None
        }
        emptied => Some(emptied.unwrap()),
    }
}

/// That each page which stayed did so for one reason.
fn assert_adds_up(emptied: &EmptiedWorkingSet) {
    let remaining = emptied.remaining;
    let parts = [
        remaining.locked,
        remaining.kernel,
        remaining.shared,
        remaining.no_page_file,
        remaining.other,
    ];
    assert_eq!(parts.iter().sum::<u64>(), emptied.after.total());
}

/// All that is in memory, and what of it is private.
fn resident(id: ProcessId) -> (u64, u64) {
    (rollup(id, "Rss"), rollup(id, "Anonymous"))
}

/// A figure of a mapping in `smaps`, in bytes.
fn smaps(id: ProcessId, start: u64, figure: &str) -> u64 {
    let text = String::from_utf8(proc_file(id, "smaps")).unwrap();
    let mut lines = text
        .lines()
        .skip_while(|line| !line.starts_with(&format!("{start:x}-")));
    let line = lines
        .find_map(|line| line.strip_prefix(&format!("{figure}:")))
        .unwrap();
    let kib = line.trim().strip_suffix(" kB").unwrap();
    kib.parse::<u64>().unwrap() * 1024
}

fn is_in_ram(path: &Path) -> bool {
    rustix::fs::statfs(path).unwrap().f_type == 0x0102_1994
}

#[test]
fn pages_of_files_leave_and_the_rest_stays_for_a_reason() {
    let Some(_settled) = Settled::none() else {
        return skip("this machine has page files");
    };
    let mut arranged = arrange();
    let id = arranged.subject.id();
    if is_in_ram(arranged._directory.path()) {
        return skip("files of the temporary directory are themselves in RAM");
    }
    let process = System::new().process(id).unwrap();
    let before = resident(id);
    assert_eq!(smaps(id, arranged.file, "Rss"), 8 * MIB);
    let Some(emptied) = empty(&process) else {
        return;
    };
    let after = resident(id);
    assert_eq!(emptied.before.total(), before.0);
    assert_eq!(emptied.before.private, before.1);
    assert_eq!((emptied.after.total(), emptied.after.private), after);

    let left = emptied.left();
    assert!(left.file >= 8 * MIB - SLACK, "{emptied:?}");
    assert!(smaps(id, arranged.file, "Rss") <= SLACK);
    assert_eq!(smaps(id, arranged.private, "Rss"), 8 * MIB);
    assert_eq!(smaps(id, arranged.locked, "Rss"), MIB);
    assert_eq!(smaps(id, arranged.shared, "Rss"), 4 * MIB);

    assert_adds_up(&emptied);
    let remaining = emptied.remaining;
    assert_eq!(remaining.locked, MIB);
    assert!(remaining.shared >= 4 * MIB);
    assert!(remaining.no_page_file >= 8 * MIB);
    assert!(remaining.no_page_file < emptied.after.private);
    let reason = |start| {
        let mut refused = emptied.refused.iter();
        let refused = refused.find(|refused| refused.mapping.start == start)?;
        Some(refused.reason)
    };
    assert_eq!(reason(arranged.locked), Some(RefusalReason::Locked));
    for start in [arranged.file, arranged.private, arranged.shared] {
        assert_eq!(reason(start), None);
    }
    for refused in &emptied.refused {
        let label = refused.mapping.backing.label();
        let is_kernels = label.to_string_lossy().starts_with("[vv");
        assert_eq!(
            refused.reason == RefusalReason::Kernel,
            is_kernels,
            "{refused:?}"
        );
    }

    arranged.subject.proceed();
    let (pages, contents) = arranged.subject.said.split_once(' ').unwrap();
    assert!(pages.parse::<u64>().unwrap() * 4096 <= SLACK, "{pages}");
    assert_eq!(contents, "good");
}

#[test]
fn private_memory_leaves_where_there_is_a_page_file() {
    let Some(_swap) = Swap::on(256 * MIB) else {
        return skip("no page file can be had: needs root, zram and util-linux");
    };
    let mut arranged = arrange();
    let id = arranged.subject.id();
    let process = System::new().process(id).unwrap();
    let emptied = process.empty_working_set().unwrap();
    assert_eq!(emptied.after.total(), resident(id).0);
    assert!(emptied.left().private >= 8 * MIB - SLACK, "{emptied:?}");
    assert_eq!(emptied.remaining.no_page_file, 0);
    assert_eq!(emptied.remaining.locked, MIB);
    // Others map it.
    assert_eq!(smaps(id, arranged.shared, "Rss"), 4 * MIB);
    assert_eq!(smaps(id, arranged.locked, "Rss"), MIB);
    assert!(smaps(id, arranged.private, "Swap") >= 8 * MIB - SLACK);
    let counters = process.memory_counters().unwrap();
    assert!(counters.swap >= 8 * MIB - SLACK);

    // What the process touches comes back as it was.
    arranged.subject.proceed();
    assert!(arranged.subject.said.ends_with(" good"));
    assert_eq!(smaps(id, arranged.private, "Rss"), 8 * MIB);
}

#[test]
fn whoever_calls_may_empty_his_own() {
    let Some(_swap) = Swap::on(256 * MIB) else {
        return skip("no page file can be had: needs root, zram and util-linux");
    };
    let filled: Vec<u8> = (0..16 * MIB).map(|byte| (byte / 4096) as u8).collect();
    let emptied = as_nobody(|| {
        let me = System::new().current_process().unwrap();
        me.empty_working_set().unwrap()
    });
    assert!(emptied.left().private >= 16 * MIB - SLACK, "{emptied:?}");
    let swapped = System::new()
        .current_process()
        .unwrap()
        .memory_counters()
        .unwrap()
        .swap;
    assert!(swapped >= 16 * MIB - SLACK, "{swapped}");
    let mut contents = filled.iter().zip(0u64..);
    assert!(contents.all(|(&value, byte)| value == (byte / 4096) as u8));
}

#[test]
fn what_is_touched_again_does_not_want_a_page_file() {
    let Some(_swap) = Swap::on(256 * MIB) else {
        return skip("no page file can be had: needs root, zram and util-linux");
    };
    let program = Program::compile(
        r#"
        #include <stdio.h>
        #include <stdlib.h>
        int main(void) {
            volatile char *p = calloc(1, 64 << 10);
            puts("up"); fflush(stdout);
            for (;;) for (int i = 0; i < 64 << 10; i += 4096) p[i]++;
        }"#,
        &[],
    );
    let subject = program.start();
    let process = System::new().process(subject.id()).unwrap();
    // It comes to the processor between the two, now and then.
    let came_back = (0..1000).find_map(|_| {
        let emptied = process.empty_working_set().unwrap();
        assert_eq!(emptied.remaining.no_page_file, 0, "{emptied:?}");
        (emptied.after.private > 0).then_some(emptied.remaining)
    });
    assert!(came_back.is_some_and(|remaining| remaining.other > 0));
}

#[test]
fn shared_memory_and_changed_files_leave_the_working_set_and_may_stay_in_memory() {
    let program = Program::compile(
        r#"
        #define _GNU_SOURCE
        #include <fcntl.h>
        #include <stdio.h>
        #include <string.h>
        #include <sys/mman.h>
        #include <unistd.h>
        int main(int argc, char **argv) {
            int fd = open(argv[1], O_RDWR | O_CREAT, 0600);
            if (fd < 0 || ftruncate(fd, 4 << 20)) { perror(argv[1]); return 1; }
            char *shared = mmap(0, 4 << 20, 3, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
            char *file = mmap(0, 4 << 20, 3, MAP_SHARED, fd, 0);
            memset(shared, 1, 4 << 20);
            memset(file, 1, 4 << 20);
            printf("%lu %lu\n", (long)shared, (long)file); fflush(stdout);
            while (getchar() != EOF) {
                static unsigned char in[1024];
                int pages = 0;
                if (mincore(shared, 4 << 20, in)) perror("mincore");
                for (int i = 0; i < 1024; i++) pages += in[i] & 1;
                printf("%d\n", pages); fflush(stdout);
            }
        }"#,
        &[],
    );
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    let mut subject = Subject::start(Command::new(&program.path).arg(file));
    subject.settle();
    let mut starts = subject.said.split(' ').map(|text| text.parse().unwrap());
    let [shared, file] = [(); 2].map(|()| starts.next().unwrap());
    let id = subject.id();
    let process = System::new().process(id).unwrap();
    let in_memory = |subject: &mut Subject| -> u64 {
        subject.proceed();
        subject.said.parse::<u64>().unwrap() * 4096
    };
    if let Some(_settled) = Settled::none() {
        let Some(emptied) = empty(&process) else {
            return;
        };
        assert!(emptied.left().file >= 8 * MIB - SLACK, "{emptied:?}");
        assert!(smaps(id, shared, "Rss") <= SLACK);
        assert!(smaps(id, file, "Rss") <= SLACK);
        assert_eq!(in_memory(&mut subject), 4 * MIB);
    }
    let Some(_swap) = Swap::on(256 * MIB) else {
        return skip("no page file can be had: needs root, zram and util-linux");
    };
    let another = directory.path().join("another");
    let mut subject = Subject::start(Command::new(&program.path).arg(another));
    subject.settle();
    let process = System::new().process(subject.id()).unwrap();
    let emptied = process.empty_working_set().unwrap();
    assert!(emptied.left().file >= 8 * MIB - SLACK, "{emptied:?}");
    assert!(in_memory(&mut subject) <= SLACK);
}

#[test]
fn of_files_only_those_leave_that_the_caller_might_write() {
    if !is_root() {
        return skip("needs root for files of two users");
    }
    let program = Program::compile(
        r#"
        #include <fcntl.h>
        #include <stdio.h>
        #include <sys/mman.h>
        int main(int argc, char **argv) {
            volatile char sum = 0;
            for (int i = 1; i < argc; i++) {
                int flags = i < 3 ? MAP_SHARED : MAP_PRIVATE;
                char *p = mmap(0, 4 << 20, PROT_READ, flags, open(argv[i], O_RDONLY), 0);
                for (size_t at = 0; at < 4 << 20; at += 4096) sum += p[at];
                printf("%lu%c", (long)p, i + 1 < argc ? ' ' : '\n');
            }
            fflush(stdout); getchar(); return 0;
        }"#,
        &[],
    );
    let directory = support::child::public_directory();
    if is_in_ram(directory.path()) {
        return skip("files of the temporary directory are themselves in RAM");
    }
    let paths =
        ["own", "others", "others private", "own private"].map(|name| directory.path().join(name));
    for path in &paths {
        let file = std::fs::File::create(path).unwrap();
        std::io::Write::write_all(&mut &file, &vec![1; 4 << 20]).unwrap();
        file.sync_all().unwrap();
        if path
            .file_name()
            .unwrap()
            .to_string_lossy()
            .starts_with("own")
        {
            std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
    let mut command = Command::new(&program.path);
    let subject = Subject::start(command.args(&paths).uid(NOBODY).gid(NOBODY));
    subject.settle();
    as_nobody_with(CapabilitySet::SYS_NICE, || {
        let process = System::new().process(subject.id()).unwrap();
        let emptied = process.empty_working_set().unwrap();
        assert!(emptied.remaining.other >= 8 * MIB, "{emptied:?}");
    });
    let mut starts = subject.said.split(' ').map(|text| text.parse().unwrap());
    let resident = [(); 4].map(|()| smaps(subject.id(), starts.next().unwrap(), "Rss"));
    let stays = resident.map(|bytes| bytes > SLACK);
    assert_eq!(stays, [false, true, true, false], "{resident:?}");
}

const WAITS: &str = r#"
    #include <stdio.h>
    int main(void) { puts("up"); fflush(stdout); getchar(); return 0; }"#;

#[test]
fn who_may_not_is_told_what_would_allow_it() {
    let program = Program::compile(WAITS, &[]);
    let mut command = Command::new(&program.path);
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    let own = Subject::start(&mut command);
    let roots = program.start();
    let others = if is_root() {
        roots.id()
    } else {
        ProcessId::new(1)
    };
    as_nobody(|| {
        // As a user without capabilities; who is not root may have this one.
        let own = System::new().process(own.id()).unwrap().empty_working_set();
        if is_root() || own.is_err() {
            let error = own.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AccessDenied);
            assert_eq!(error.source_path(), Path::new("process_madvise"));
            let text = error.to_string();
            assert!(text.starts_with("can't empty the working set of process "));
            assert!(text.contains("CAP_SYS_NICE"), "{text}");
        }
        let error = System::new()
            .process(others)
            .unwrap()
            .empty_working_set()
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AccessDenied);
        assert!(error.to_string().contains("CAP_SYS_PTRACE"), "{error}");
    });
}

#[test]
fn who_has_no_memory_is_refused() {
    let system = System::new();
    let mut subject = Program::compile(WAITS, &[]).start();
    let process = system.process(subject.id()).unwrap();
    let kind = |process: &Process| process.empty_working_set().unwrap_err().kind();
    subject.kill();
    assert_eq!(kind(&process), ErrorKind::Ended);
    subject.reap();
    assert_eq!(kind(&process), ErrorKind::Ended);
    if let Ok(kthreadd) = system.process(2)
        && kthreadd.status(psapi::Fields::STAT).unwrap().kernel_thread == Some(true)
        && is_root()
    {
        assert_eq!(kind(&kthreadd), ErrorKind::NoAddressSpace);
    }
}

#[test]
fn a_process_without_its_first_thread_is_out_of_reach() {
    let program = Program::compile(
        r#"
        #include <pthread.h>
        #include <stdio.h>
        #include <unistd.h>
        static pthread_t first;
        static void *go_on(void *unused) {
            pthread_join(first, 0);
            puts("alone"); fflush(stdout); for (;;) pause();
        }
        int main(void) {
            pthread_t thread;
            first = pthread_self();
            pthread_create(&thread, 0, go_on, 0);
            pthread_exit(0);
        }"#,
        &[],
    );
    let subject = program.start();
    // It lets those who join it go on before it lets go of its memory.
    subject.await_state('Z');
    let process = System::new().process(subject.id()).unwrap();
    let error = process.empty_working_set().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported, "{error}");
    assert!(error.to_string().contains("first thread"), "{error}");
}

/// In the proc file system of another pid namespace, ids mean other processes than they do here.
#[test]
fn below_the_root_of_another_pid_namespace_nothing_is_touched() {
    let program = Program::compile(WAITS, &[]);
    let namespaces = if is_root() { "-mpf" } else { "-Urmpf" };
    let unshare = |program: &Path| {
        let mut unshare = Command::new("unshare");
        unshare
            .args([namespaces, "--mount-proc", "--kill-child"])
            .arg(program);
        unshare
    };
    let possible = unshare(Path::new("true")).status();
    if !possible.is_ok_and(|status| status.success()) {
        return skip("no pid namespace to be had");
    }
    let subject = Subject::start(&mut unshare(&program.path));
    let capture = System::new().capture(psapi::Fields::empty()).unwrap();
    let mut children = capture.processes().iter();
    let child = children
        .find(|status| status.parent == Some(subject.id()))
        .unwrap()
        .id;
    let there = System::builder()
        .proc_root(format!("/proc/{child}/root/proc"))
        .build();
    let error = there.process(1).unwrap().empty_working_set().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported, "{error}");
    assert!(error.to_string().contains("pid namespace"), "{error}");
}

#[test]
fn mappings_that_come_and_go_and_other_programs_are_no_failure() {
    let program = Program::compile(
        r#"
        #define _GNU_SOURCE
        #include <pthread.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/mman.h>
        #include <unistd.h>
        static void *churn(void *seed) {
            unsigned state = (long)seed;
            for (;;) {
                size_t size = (1 + rand_r(&state) % 64) * 4096;
                char *p = mmap(0, size, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                memset(p, 1, size);
                mlock(p, 4096);
                mprotect(p + size / 2, 4096, PROT_NONE);
                munmap(p, size);
            }
        }
        int main(int argc, char **argv) {
            pthread_t thread;
            if (argc == 1) { puts("up"); fflush(stdout); }
            for (long i = 0; i < 3; i++) pthread_create(&thread, 0, churn, (void *)i);
            usleep(20000);
            execl(argv[0], argv[0], "again", NULL);
        }"#,
        &[],
    );
    let subject = program.start();
    let process = System::new().process(subject.id()).unwrap();
    for _ in 0..100 {
        let Some(emptied) = empty(&process) else {
            return;
        };
        assert_adds_up(&emptied);
    }
}
