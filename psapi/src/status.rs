use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Refusal, Result};
use crate::linux::capture::{self, Place, Raw};
use crate::linux::{cgroup, cmdline, ids};
use crate::memory::{ExactMemory, FaultCount, MemoryCounters};
use crate::process::ProcessId;
use crate::system::System;

bitflags::bitflags! {
    /// What to read of each process. Every field belongs to a tier, and nothing reads a dearer
    /// tier than it was asked for. Costs are CPU time a process, measured on one machine; they
    /// are there to be compared.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    #[cfg_attr(feature = "serde", derive(serde::Serialize))]
    pub struct Fields: u16 {
        /// The *cheap* tier, always read: name, parent, state, start, threads, CPU time, faults.
        /// Source: `stat`; about 6 µs.
        const STAT = 1;
        /// [`ProcessStatus::memory`]. The *status* tier: `status`; about 8 µs.
        const MEMORY = 1 << 1;
        /// [`ProcessStatus::user`]. The *status* tier, shared with [`Fields::MEMORY`].
        const USER = 1 << 2;
        /// [`ProcessStatus::image`]. The *image* tier: one `readlink` of `exe`; about 2 µs.
        const IMAGE = 1 << 3;
        /// [`ProcessStatus::command_line`]: `cmdline`; about 3 µs.
        const COMMAND_LINE = 1 << 4;
        /// [`ProcessStatus::cgroup`]: `cgroup`; about 4 µs.
        const CGROUP = 1 << 5;
        /// [`ProcessStatus::exact`]. The *exact* tier: `smaps_rollup`, a walk through the
        /// process's page tables that holds its lock; 20 µs to many milliseconds.
        const EXACT = 1 << 6;
    }
}

impl Fields {
    /// What `status` serves.
    pub(crate) const IN_STATUS: Fields = Fields::MEMORY.union(Fields::USER);
}

/// One process, as one pass saw it. What was not asked for, does not exist or may not be read is
/// `None`; [`unreadable`](Self::unreadable) tells the last from the others.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ProcessStatus {
    /// The process's id.
    pub id: ProcessId,
    /// The kernel's name for the process, at most 15 bytes long (63 for some kernel threads), with
    /// any bytes but NUL in it: `comm`. For the name that people know, see
    /// [`display_name`](Self::display_name).
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::serialize::optional_text")
    )]
    pub name: Option<OsString>,
    /// Whether it is a thread of the kernel, without a user address space and an image.
    pub kernel_thread: Option<bool>,
    /// The parent's id; `None` also where there is none in this pid namespace.
    pub parent: Option<ProcessId>,
    /// The process group's id; `None` also where its leader is in no visible pid namespace.
    pub group: Option<ProcessId>,
    /// The session's id; `None` also where its leader is in no visible pid namespace.
    pub session: Option<ProcessId>,
    /// The device number of the controlling terminal; `None` also where there is none.
    pub terminal: Option<u32>,
    /// What the process's first thread is doing.
    pub state: Option<ProcessState>,
    /// When the process started, as the time since boot, suspended time included. With the id it
    /// tells a process from every other one, and no change of the clock moves it. Resolution:
    /// 10 ms.
    pub start: Option<Duration>,
    /// How many threads it has.
    pub threads: Option<u32>,
    /// CPU time spent in user mode, threads that ended included. Resolution: 10 ms.
    pub user_time: Option<Duration>,
    /// CPU time that the kernel spent for it, threads that ended included. Resolution: 10 ms.
    pub kernel_time: Option<Duration>,
    /// The scheduling weight, from -20 (most) to 19 (least).
    pub nice: Option<i32>,
    /// Page faults so far.
    pub faults: Option<FaultCount>,
    /// Memory counters, with [`Fields::MEMORY`]. `None` also for a process that has ended and not
    /// been reaped: its memory is gone.
    pub memory: Option<MemoryCounters>,
    /// Who it runs as, with [`Fields::USER`].
    pub user: Option<UserIds>,
    /// The file that it runs, with [`Fields::IMAGE`]. `None` also for kernel threads.
    pub image: Option<ImageFile>,
    /// Its arguments, with [`Fields::COMMAND_LINE`]; empty for kernel threads and zombies.
    pub command_line: Option<CommandLine>,
    /// Its control groups, with [`Fields::CGROUP`].
    pub cgroup: Option<Cgroup>,
    /// Exact shares of its memory, with [`Fields::EXACT`].
    pub exact: Option<ExactMemory>,
    /// What was asked for and exists, but was refused for want of a privilege, or does not parse.
    /// The method of [`Process`](crate::Process) that asks for one of these says why.
    pub unreadable: Fields,
}

impl ProcessStatus {
    pub(crate) fn new(id: ProcessId) -> Self {
        ProcessStatus {
            id,
            name: None,
            kernel_thread: None,
            parent: None,
            group: None,
            session: None,
            terminal: None,
            state: None,
            start: None,
            threads: None,
            user_time: None,
            kernel_time: None,
            nice: None,
            faults: None,
            memory: None,
            user: None,
            image: None,
            command_line: None,
            cgroup: None,
            exact: None,
            unreadable: Fields::empty(),
        }
    }

    /// The name that people know the process by: the base name of its image where that was read
    /// and exists; the kernel's name in brackets for kernel threads; else the kernel's name.
    pub fn display_name(&self) -> Option<OsString> {
        if let Some(base) = self.image.as_ref().and_then(|image| image.path.file_name()) {
            return Some(base.to_os_string());
        }
        let name = self.name.as_ref()?;
        if self.kernel_thread == Some(true) {
            return Some(OsString::from_vec([b"[", name.as_bytes(), b"]"].concat()));
        }
        Some(name.clone())
    }

    /// Replaces everything by what was read, in the memory that it has.
    pub(crate) fn fill(&mut self, raw: &Raw<'_>, fields: Fields) {
        let stat = raw.stat.as_ref();
        set_text(&mut self.name, stat.map(|stat| stat.comm));
        self.kernel_thread = stat.map(|stat| stat.is_kernel_thread());
        self.parent = stat.and_then(|stat| id(stat.ppid));
        self.group = stat.and_then(|stat| id(stat.pgrp));
        self.session = stat.and_then(|stat| id(stat.session));
        self.terminal = stat
            .map(|stat| stat.tty_nr as u32)
            .filter(|&device| device != 0);
        self.state = stat.map(|stat| ProcessState::from_letter(stat.state));
        self.start = stat.map(|stat| ticks(stat.starttime));
        self.threads = stat.map(|stat| stat.num_threads);
        self.user_time = stat.map(|stat| ticks(stat.utime));
        self.kernel_time = stat.map(|stat| ticks(stat.stime));
        self.nice = stat.map(|stat| stat.nice);
        self.faults = stat.map(|stat| FaultCount {
            minor: stat.min_flt,
            major: stat.maj_flt,
        });

        let asked = |tier| fields.contains(tier);
        let status = raw.status.as_ref();
        self.memory = stat
            .zip(status)
            .filter(|_| asked(Fields::MEMORY))
            .and_then(|(stat, status)| MemoryCounters::new(stat, status.memory.as_ref()));
        self.user = status.filter(|_| asked(Fields::USER)).and_then(|status| {
            let (users, groups) = status.uids.zip(status.gids)?;
            Some(UserIds {
                user: users.real,
                effective_user: users.effective,
                group: groups.real,
                effective_group: groups.effective,
            })
        });
        match raw.exe {
            Some((path, deleted)) => {
                let image = self.image.get_or_insert_default();
                let mut text = Some(std::mem::take(&mut image.path).into_os_string());
                set_text(&mut text, Some(path));
                image.path = text.unwrap_or_default().into();
                image.deleted = deleted;
            }
            None => self.image = None,
        }
        set_bytes(&mut self.command_line, raw.cmdline, |line| &mut line.0);
        set_bytes(&mut self.cgroup, raw.cgroup, |cgroup| &mut cgroup.0);
        self.exact = raw.smaps_rollup.as_ref().map(ExactMemory::from);
        self.unreadable = raw.unreadable;
    }
}

fn id(number: u32) -> Option<ProcessId> {
    (number != 0).then(|| ProcessId::new(number))
}

fn ticks(ticks: u64) -> Duration {
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    let nanos = (ticks % per_second) * 1_000_000_000 / per_second;
    Duration::new(ticks / per_second, nanos as u32)
}

/// Puts bytes where a text is, allocating only if they differ and do not fit.
fn set_text(text: &mut Option<OsString>, bytes: Option<&[u8]>) {
    match (text.as_ref(), bytes) {
        (Some(old), Some(new)) if old.as_bytes() == new => {}
        (_, Some(new)) => {
            let mut buffer = text.take().unwrap_or_default().into_vec();
            buffer.clear();
            buffer.extend_from_slice(new);
            *text = Some(OsString::from_vec(buffer));
        }
        (_, None) => *text = None,
    }
}

fn set_bytes<T: Default>(
    value: &mut Option<T>,
    bytes: Option<&[u8]>,
    buffer: impl Fn(&mut T) -> &mut Vec<u8>,
) {
    match bytes {
        Some(bytes) => {
            let buffer = buffer(value.get_or_insert_default());
            buffer.clear();
            buffer.extend_from_slice(bytes);
        }
        None => *value = None,
    }
}

/// What the first thread of a process is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum ProcessState {
    /// `R`: running, or waiting for a processor.
    Running,
    /// `S`: waiting for an event; a signal wakes it.
    Sleeping,
    /// `D`: waiting for an event, usually a disk; signals wait, too.
    DiskSleep,
    /// `I`: a kernel thread without work.
    Idle,
    /// `T`: stopped by a signal.
    Stopped,
    /// `t`: stopped by a tracer.
    TracingStop,
    /// `Z`: ended, and not yet reaped by its parent.
    Zombie,
    /// `X`: about to disappear.
    Dead,
    /// `P`: a kernel thread that is parked.
    Parked,
    /// A letter that this version does not know.
    Other(u8),
}

impl ProcessState {
    /// The state for a letter of the kernel's.
    pub const fn from_letter(letter: u8) -> Self {
        match letter {
            b'R' => ProcessState::Running,
            b'S' => ProcessState::Sleeping,
            b'D' => ProcessState::DiskSleep,
            b'I' => ProcessState::Idle,
            b'T' => ProcessState::Stopped,
            b't' => ProcessState::TracingStop,
            b'Z' => ProcessState::Zombie,
            b'X' => ProcessState::Dead,
            b'P' => ProcessState::Parked,
            other => ProcessState::Other(other),
        }
    }

    /// The kernel's letter, as `ps` prints it.
    pub const fn letter(self) -> char {
        match self {
            ProcessState::Running => 'R',
            ProcessState::Sleeping => 'S',
            ProcessState::DiskSleep => 'D',
            ProcessState::Idle => 'I',
            ProcessState::Stopped => 'T',
            ProcessState::TracingStop => 't',
            ProcessState::Zombie => 'Z',
            ProcessState::Dead => 'X',
            ProcessState::Parked => 'P',
            ProcessState::Other(letter) => letter as char,
        }
    }
}

impl fmt::Display for ProcessState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.letter().fmt(f)
    }
}

/// Who a process runs as, in the reader's user namespace. Source: `Uid` and `Gid` of
/// `PROC/PID/status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct UserIds {
    /// Who started it.
    pub user: u32,
    /// Whose rights it acts with.
    pub effective_user: u32,
    /// The group of who started it.
    pub group: u32,
    /// The group whose rights it acts with.
    pub effective_group: u32,
}

/// The file that a process runs. Source: the link `PROC/PID/exe`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ImageFile {
    /// Where the file is, or was, in the process's mount namespace.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serialize::text"))]
    pub path: PathBuf,
    /// Whether the file has been deleted, or replaced, since it was started.
    pub deleted: bool,
}

/// The arguments that a process was started with, or what it has put in their place. Source:
/// `PROC/PID/cmdline`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct CommandLine(Vec<u8>);

impl CommandLine {
    pub(crate) fn new(text: Vec<u8>) -> Self {
        CommandLine(text)
    }

    /// The arguments, the program's own name first, empty ones included. A program that rewrote
    /// its title shows that as one argument, with empty ones behind it where it padded.
    pub fn arguments(&self) -> impl Iterator<Item = &OsStr> {
        cmdline::arguments(&self.0).map(OsStr::from_bytes)
    }

    /// The text as the kernel gives it: each argument closed by a NUL.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The control groups of a process. Source: `PROC/PID/cgroup`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Cgroup(Vec<u8>);

/// A process's place in one hierarchy of control groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct CgroupEntry<'a> {
    /// The hierarchy's number; 0 is the unified one (version 2).
    pub hierarchy: u32,
    /// The controllers bound to the hierarchy, comma-separated; empty for the unified one.
    pub controllers: &'a OsStr,
    /// The group, relative to the hierarchy's root, or to the reader's cgroup namespace.
    pub path: &'a Path,
}

impl Cgroup {
    pub(crate) fn new(text: Vec<u8>) -> Self {
        Cgroup(text)
    }

    /// Its place in each hierarchy, in the kernel's order.
    pub fn entries(&self) -> impl Iterator<Item = CgroupEntry<'_>> {
        cgroup::lines(&self.0).map(|line| CgroupEntry {
            hierarchy: line.hierarchy,
            controllers: OsStr::from_bytes(line.controllers),
            path: Path::new(OsStr::from_bytes(line.path)),
        })
    }

    /// The group that says most: that of the unified hierarchy, or, where version 1 does the work
    /// and leaves the unified one at its root, the first that is not the root.
    pub fn path(&self) -> Option<&Path> {
        let unified = self.entries().find(|entry| entry.hierarchy == 0);
        let root = Path::new("/");
        unified
            .filter(|entry| entry.path != root)
            .or_else(|| self.entries().find(|entry| entry.path != root))
            .or_else(|| self.entries().next())
            .map(|entry| entry.path)
    }

    /// The container that the group belongs to, where its path shows one, as it does for Docker,
    /// containerd, CRI-O, Podman and LXC.
    pub fn container_id(&self) -> Option<&OsStr> {
        cgroup::lines(&self.0)
            .find_map(|line| cgroup::container_id(line.path))
            .map(OsStr::from_bytes)
    }
}

/// All processes, as one pass saw them; made by [`System::capture`]. Refreshed, it works in the
/// memory that it has.
///
/// ```
/// use psapi::{Capture, Fields, System};
///
/// let system = System::new();
/// let mut capture = Capture::new(Fields::MEMORY);
/// for _ in 0..3 {
///     capture.refresh(&system)?;
///     let total: u64 = capture.processes().iter().filter_map(|p| p.memory).map(|m| m.rss_anon).sum();
///     println!("{total} bytes of private memory are in use");
/// }
/// # Ok::<(), psapi::Error>(())
/// ```
#[derive(Debug)]
pub struct Capture {
    fields: Fields,
    processes: Vec<ProcessStatus>,
    ids: Vec<ProcessId>,
    listing: ids::Room,
    room: capture::Room,
}

impl Capture {
    /// An empty one, which will read `fields`.
    pub fn new(fields: Fields) -> Self {
        Capture {
            fields: fields | Fields::STAT,
            processes: Vec::new(),
            ids: Vec::new(),
            listing: ids::Room::default(),
            room: capture::Room::default(),
        }
    }

    /// What it reads.
    pub fn fields(&self) -> Fields {
        self.fields
    }

    /// The processes, by ascending id.
    pub fn processes(&self) -> &[ProcessStatus] {
        &self.processes
    }

    /// The process that had an id.
    pub fn process(&self, id: ProcessId) -> Option<&ProcessStatus> {
        let at = self
            .processes
            .binary_search_by_key(&id, |status| status.id)
            .ok()?;
        Some(&self.processes[at])
    }

    /// Takes the processes out.
    pub fn into_processes(self) -> Vec<ProcessStatus> {
        self.processes
    }

    /// Describes all processes anew. For a process that was there before, memory is allocated only
    /// for texts that outgrew their place.
    ///
    /// # Errors
    ///
    /// As [`System::capture`]. The rows are then those of the processes read so far.
    pub fn refresh(&mut self, system: &System) -> Result<()> {
        self.read(system)
            .map_err(|refusal| refusal.of_system("status of the processes"))
    }

    fn read(&mut self, system: &System) -> Result<(), Refusal> {
        let listed = system.proc_directory().and_then(|proc| {
            ids::list(proc, &mut self.listing, &mut self.ids)?;
            Ok(proc)
        });
        let proc = match listed {
            Ok(proc) => proc,
            Err(refusal) => {
                self.processes.clear();
                return Err(refusal);
            }
        };
        align(&mut self.processes, &self.ids);
        let (fields, room) = (self.fields, &mut self.room);
        let mut outcome = Ok(());
        self.processes.retain_mut(|status| {
            if outcome.is_err() {
                return false;
            }
            match capture::read(Place::ById(proc, status.id), fields, room) {
                Ok(Some(raw)) => status.fill(&raw, fields),
                Ok(None) => return false,
                Err(refusal) => outcome = Err(refusal),
            }
            outcome.is_ok()
        });
        outcome
    }
}

/// Makes the rows those of `ids`; both ascend. A row whose id is still there keeps its memory.
fn align(rows: &mut Vec<ProcessStatus>, ids: &[ProcessId]) {
    let mut listed = ids.iter().peekable();
    rows.retain(|row| {
        while listed.next_if(|&&id| id < row.id).is_some() {}
        listed.next_if(|&&id| id == row.id).is_some()
    });
    // From the end, so that nothing moves where what is new has the highest ids, as it mostly has.
    // All from `kept` up to the place at hand are blank.
    let mut kept = rows.len();
    rows.resize_with(ids.len(), || ProcessStatus::new(ProcessId::new(0)));
    for (place, &id) in ids.iter().enumerate().rev() {
        if kept > place {
            break;
        }
        match kept.checked_sub(1) {
            Some(last) if rows[last].id == id => {
                rows.swap(last, place);
                kept = last;
            }
            _ => rows[place].id = id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_follow_the_ids_and_keep_their_memory() {
        let ids = |ids: &[u32]| ids.iter().copied().map(ProcessId::new).collect::<Vec<_>>();
        let mut rows = Vec::new();
        for listed in [
            &[3, 5, 7][..],
            &[3, 5, 7],
            &[3, 5, 7, 9, 10],
            &[1, 5, 6, 10],
            &[6],
            &[],
            &[2, 4],
            &[1, 2, 3, 4, 5],
            &[6, 7],
        ] {
            let before: Vec<_> = rows.iter().map(|row: &ProcessStatus| row.id).collect();
            align(&mut rows, &ids(listed));
            assert!(rows.iter().map(|row| row.id).eq(ids(listed)), "{listed:?}");
            for row in &mut rows {
                let name = OsString::from(row.id.to_string());
                match before.contains(&row.id) {
                    true => assert_eq!(row.name.as_ref(), Some(&name), "{listed:?}"),
                    false => assert_eq!(row.name, None, "{listed:?}"),
                }
                row.name = Some(name);
            }
        }
    }
}
