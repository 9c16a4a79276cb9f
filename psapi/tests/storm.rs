//! A storm of short-lived processes whose ids are reused at once. No capture fails, and no row
//! mixes two processes.
//!
//! Two parents, A and B, differ in everything that a child inherits: name, image, arguments,
//! session, user, and the size of the address space. Each forks about a thousand children a second,
//! which exit within a millisecond or two. With `CAP_SYS_ADMIN` or `CAP_CHECKPOINT_RESTORE`, all
//! children get the same few ids, so that an id alternates between the two parents.
//!
//! The storm lasts `PSAPI_STORM_SECONDS`, by default 3 seconds.

#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use psapi::{Capture, Fields, Owner, ProcessId, ProcessStatus, System};

use testing::{Program, TestProcess, programs, skip};

/// More than the address space of either program, and half of the reservation of B.
const LARGE: u64 = 1 << 33;

/// The properties that distinguish a parent and its children from the others.
struct Kind {
    parent: TestProcess,
    name: String,
    user: u32,
    large: bool,
    _program: Program,
}

impl Kind {
    fn start(kind: char, first_id: u32, large: bool) -> Kind {
        // The name is unique to this run: children of an earlier one can remain as zombies.
        let name = format!("storm-{kind}{}", std::process::id());
        let program = Program::compile_as(OsStr::new(&name), programs::FORKS_FOREVER, &[]);
        let mine = rustix::process::getuid();
        // Without root, both have the caller's user.
        let user = if mine.is_root() {
            70_000 + u32::from(large)
        } else {
            mine.as_raw()
        };
        let mut command = Command::new(&program.path);
        command.args([user.to_string(), first_id.to_string()]);
        if large {
            command.arg("large");
        }
        Kind {
            parent: TestProcess::start(&mut command),
            name,
            user,
            large,
            _program: program,
        }
    }

    /// Returns which known fields of a row match this kind. Unknown fields are omitted: an exiting
    /// process loses its memory, image and arguments first.
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
            ("session", Some(row.session == Some(id.get()))),
            (
                "user",
                user.and_then(Owner::ids).map(|user| user.user == self.user),
            ),
            ("image", image.map(|image| image.path.ends_with(&self.name))),
            ("arguments", line.map(argument)),
            ("size", size.map(|size| (size > LARGE) == self.large)),
        ]
        .into_iter()
        .filter_map(|(what, holds)| Some((what, holds?)))
        .collect()
    }

    /// Returns true if a row belongs to this kind. Panics if only some fields match.
    fn owns(&self, row: &ProcessStatus) -> bool {
        let evidence = self.evidence(row);
        // Any process can be small or belong to root.
        let is_decisive =
            |what| ["name", "parent", "session", "image", "arguments"].contains(&what);
        let owns = evidence
            .iter()
            .any(|&(what, holds)| holds && is_decisive(what));
        let mismatches: Vec<_> = evidence.iter().filter(|&&(_, holds)| !holds).collect();
        assert!(
            !owns || mismatches.is_empty(),
            "a row mixes two processes: {mismatches:?} do not belong to {}: {row:?}",
            self.name
        );
        owns
    }

    /// Ends the storm and returns the number of children.
    fn stop(mut self) -> u64 {
        self.parent.resume();
        self.parent.line.parse().expect("a number")
    }
}

fn seconds() -> u64 {
    match std::env::var("PSAPI_STORM_SECONDS") {
        Ok(seconds) => seconds.parse().expect("PSAPI_STORM_SECONDS is a number"),
        Err(_) => 3,
    }
}

/// Finds eight unused ids that the kernel does not assign soon.
fn free_ids(system: &System) -> u32 {
    let largest = std::fs::read_to_string("/proc/sys/kernel/pid_max").expect("read pid_max");
    let largest: u32 = largest.trim().parse().expect("a number");
    let taken = system.process_ids().unwrap();
    let free = |first: &u32| (*first..*first + 8).all(|id| !taken.contains(&ProcessId::new(id)));
    (largest / 2..largest - 8)
        .rev()
        .find(free)
        .expect("eight free ids in a row")
}

#[test]
fn capture_survives_id_reuse() {
    let system = System::new();
    let first_id = free_ids(&system);
    let kinds = [
        Kind::start('a', first_id, false),
        Kind::start('b', first_id, true),
    ];
    let chooses = kinds.iter().all(|kind| kind.parent.line == "chooses");
    if !chooses {
        skip("cannot choose process ids: the storm runs, but ids are rarely reused");
    }

    let fields = Fields::all() - Fields::EXACT;
    let mut capture = Capture::new(fields);
    // For each id, the kinds of children seen so far, one bit each.
    let mut seen = BTreeMap::<ProcessId, u8>::new();
    let end = Instant::now() + Duration::from_secs(seconds());
    loop {
        capture
            .refresh(&system)
            .expect("capture while processes start and exit");
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
    let children: u64 = kinds.into_iter().map(Kind::stop).sum();
    assert!(children > 100, "only {children} children");
}
