use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::time::Duration;

use crate::cgroup::Cgroup;
use crate::command_line::CommandLine;
use crate::fields::Fields;
use crate::linux::capture::Raw;
use crate::memory::{ExactMemory, FaultCount, MemoryCounters};
use crate::process::ProcessId;
use crate::process_state::ProcessState;

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
    /// What was asked for and exists, but was refused for want of a privilege, could not be read, or
    /// does not parse.
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

/// Clock ticks as a span of time.
pub(crate) fn ticks(ticks: u64) -> Duration {
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
