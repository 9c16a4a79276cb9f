//! A storm of short-lived processes whose ids are reused at once: no capture fails, and no row is of
//! two processes.
//!
//! Two parents, A and B, differ in everything that a child inherits: name, image, arguments,
//! session, user, and the size of the address space. Each forks about a thousand children a
//! second, which end within a millisecond or two. Where the kernel lets them (it takes
//! `CAP_SYS_ADMIN` or `CAP_CHECKPOINT_RESTORE`), all children of both have the same few ids, so
//! that an id goes back and forth between the two kinds.
//!
//! Runs for `PSAPI_STORM_SECONDS`, or for 3 s if that is not set.

mod support;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use psapi::{Capture, Fields, ProcessId, ProcessStatus, System};

use support::child::{Program, Subject};
use support::privilege::skip;

/// Arguments: the user to become, the first of the ids to use. Says whether it can choose ids.
const PARENT: &str = r#"
#define _GNU_SOURCE
#include <errno.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { IDS = 4 };

static void rest(long microseconds) {
    struct timespec time = { 0, microseconds * 1000 };
    nanosleep(&time, NULL);
}

/* As fork(), with the id that the child shall have; 0 leaves that to the kernel. */
static pid_t fork_as(pid_t id) {
    uint64_t ids = (uintptr_t)&id;
    struct clone_args arguments = { .exit_signal = SIGCHLD };
    if (id) {
        arguments.set_tid = ids;
        arguments.set_tid_size = 1;
    }
    return syscall(SYS_clone3, &arguments, sizeof arguments);
}

int main(int argc, char **argv) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    uid_t user = atoi(argv[1]);
    pid_t first = atoi(argv[2]);
    setsid();
    /* The effective user stays, and with it the right to choose ids. */
    setresuid(user, -1, -1);
    if (argc > 3)
        mmap(NULL, 1L << 34, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    pid_t child = fork_as(first);
    if (child == 0)
        _exit(0);
    /* The other parent may have the id at the moment: that is leave to choose, too. */
    int chooses = child > 0 || errno == EEXIST;
    if (child > 0)
        waitpid(child, NULL, 0);
    puts(chooses ? "chooses" : "takes");
    fflush(stdout);

    struct pollfd input = { .fd = 0, .events = POLLIN };
    long children = 0;
    for (unsigned turn = 0; poll(&input, 1, 0) == 0; turn++) {
        child = fork_as(chooses ? first + turn % IDS : 0);
        if (child < 0 && errno == ENOSYS)
            child = fork();
        if (child == 0) {
            /* Some live long enough to be seen where a capture takes long. */
            rest(chooses || turn % 16 ? 200 + turn * 7919 % 1500 : 50000);
            _exit(0);
        }
        children += child > 0;
        rest(child > 0 ? 300 : 30);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
    }
    while (wait(NULL) > 0)
        ;
    printf("%ld\n", children);
    return 0;
}
"#;

/// Beyond what any of the programs has of its own, and half of what B adds.
const LARGE: u64 = 1 << 33;

/// What tells a parent and its children from the others.
struct Kind {
    parent: Subject,
    name: String,
    user: u32,
    large: bool,
    _program: Program,
}

impl Kind {
    fn start(kind: char, first_id: u32, large: bool) -> Kind {
        // Names of this run alone: children of another one may be left as zombies.
        let name = format!("storm-{kind}{}", std::process::id());
        let program = Program::compile_as(OsStr::new(&name), PARENT, &[]);
        let mine = rustix::process::getuid();
        // For who may not change, both have one user.
        let user = match mine.is_root() {
            true => 70_000 + u32::from(large),
            false => mine.as_raw(),
        };
        let mut command = Command::new(&program.path);
        command.args([user.to_string(), first_id.to_string()]);
        if large {
            command.arg("large");
        }
        Kind {
            parent: Subject::start(&mut command),
            name,
            user,
            large,
            _program: program,
        }
    }

    /// What of a row is this kind's, and what is not; what the row does not know is neither.
    /// A process loses its memory, and with it image and arguments, a moment before it ends.
    fn evidence(&self, row: &ProcessStatus) -> Vec<(&'static str, bool)> {
        let id = self.parent.id();
        let argument = |line: &psapi::CommandLine| {
            let program = line.arguments().next().unwrap_or_default();
            program.as_bytes().ends_with(self.name.as_bytes())
        };
        let line = row
            .command_line
            .as_ref()
            .filter(|line| !line.as_bytes().is_empty());
        let image = row.image.as_ref();
        let size = row.memory.map(|memory| memory.virtual_size);
        let user = row.user.filter(|_| rustix::process::getuid().is_root());
        [
            ("name", row.name.as_ref().map(|name| *name == *self.name)),
            ("parent", Some(row.parent == Some(id) || row.id == id)),
            ("session", Some(row.session == Some(id))),
            ("user", user.map(|user| user.user == self.user)),
            ("image", image.map(|image| image.path.ends_with(&self.name))),
            ("arguments", line.map(argument)),
            ("size", size.map(|size| (size > LARGE) == self.large)),
        ]
        .into_iter()
        .filter_map(|(what, holds)| Some((what, holds?)))
        .collect()
    }

    /// Whether a row is of this kind. Panics if it is only in part.
    fn owns(&self, row: &ProcessStatus) -> bool {
        let evidence = self.evidence(row);
        // Any process may be small, or be root's.
        let telling = |what| ["name", "parent", "session", "image", "arguments"].contains(&what);
        let suspect = evidence.iter().any(|&(what, holds)| holds && telling(what));
        let alien: Vec<_> = evidence.iter().filter(|&&(_, holds)| !holds).collect();
        assert!(
            !suspect || alien.is_empty(),
            "a row of two processes: {alien:?} are not of {}: {row:?}",
            self.name
        );
        suspect
    }

    /// Ends the storm; says how many children there were.
    fn calm(mut self) -> u64 {
        self.parent.proceed();
        self.parent.said.parse().expect("a number")
    }
}

fn seconds() -> u64 {
    match std::env::var("PSAPI_STORM_SECONDS") {
        Ok(seconds) => seconds.parse().expect("PSAPI_STORM_SECONDS is a number"),
        Err(_) => 3,
    }
}

/// Ids that nobody has and the kernel is not about to give.
fn free_ids(system: &System) -> u32 {
    let largest = std::fs::read_to_string("/proc/sys/kernel/pid_max").expect("a setting");
    let largest: u32 = largest.trim().parse().expect("a number");
    let taken = system.process_ids().unwrap();
    let free = |first: &u32| (*first..*first + 8).all(|id| !taken.contains(&ProcessId::new(id)));
    (largest / 2..largest - 8)
        .rev()
        .find(free)
        .expect("eight free ids in a row")
}

#[test]
fn no_capture_fails_and_no_row_is_of_two() {
    let system = System::new();
    let first_id = free_ids(&system);
    let kinds = [
        Kind::start('a', first_id, false),
        Kind::start('b', first_id, true),
    ];
    let chooses = kinds.iter().all(|kind| kind.parent.said == "chooses");
    if !chooses {
        skip("ids can't be chosen here: the storm runs, but ids are hardly reused");
    }

    let fields = Fields::all() - Fields::EXACT;
    let mut capture = Capture::new(fields);
    // By id, which kinds of children were seen, a bit each.
    let mut seen = BTreeMap::<ProcessId, u8>::new();
    let end = Instant::now() + Duration::from_secs(seconds());
    loop {
        capture
            .refresh(&system)
            .expect("no error, whatever comes and goes");
        for row in capture.processes() {
            let owners = kinds.iter().map(|kind| kind.owns(row));
            for (bit, _) in owners.enumerate().filter(|&(_, owns)| owns) {
                *seen.entry(row.id).or_default() |= 1 << bit;
            }
        }
        let both = seen.values().any(|&kinds| kinds == 0b11);
        let children = seen.len() > kinds.len();
        if Instant::now() >= end && children && (both || !chooses) {
            break;
        }
    }
    let children: u64 = kinds.into_iter().map(Kind::calm).sum();
    assert!(children > 100, "{children} children are no storm");
}
