use std::ffi::OsString;
use std::fmt;
use std::num::ParseIntError;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::str::FromStr;

use rustix::io::Errno;
use rustix::process::geteuid;

use crate::cgroup::Cgroup;
use crate::command_line::CommandLine;
use crate::error::{Asked, Cause, Error, ErrorKind, Refusal, Result};
use crate::fields::Fields;
use crate::linux::capture::{self, Place};
use crate::linux::file::Directory;
use crate::linux::kept_maps::KeptMaps;
use crate::linux::name::Name;
use crate::linux::{exe, hidden, ids, maps, smaps_rollup, stat, status, task};
use crate::memory::{ExactMemory, MemoryCounters};
use crate::status::{ImageFile, ProcessStatus};
use crate::system::System;

/// The number by which the kernel names a process while it lives. Afterwards another process may
/// get it: a [`Process`] tells the two apart, an id does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ProcessId(u32);

impl ProcessId {
    /// The id with a number.
    pub const fn new(id: u32) -> Self {
        ProcessId(id)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl From<u32> for ProcessId {
    fn from(id: u32) -> Self {
        ProcessId(id)
    }
}

impl FromStr for ProcessId {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.parse().map(ProcessId)
    }
}

impl fmt::Display for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One process, pinned: everything that it answers is about the process that had the id when it
/// was opened. Once that has ended, its questions fail with
/// [`ErrorKind::Ended`](crate::ErrorKind::Ended).
///
/// Holds one descriptor, and a second one after [`mapped_file`](Self::mapped_file). Usable from any thread.
///
/// ```
/// let me = psapi::System::new().current_process()?;
/// let counters = me.memory_counters()?;
/// println!("{} bytes of {} are in memory", counters.working_set, counters.virtual_size);
/// # Ok::<(), psapi::Error>(())
/// ```
#[derive(Debug)]
pub struct Process {
    id: ProcessId,
    system: System,
    directory: Directory,
    maps: KeptMaps,
}

impl Process {
    pub(crate) fn open(system: &System, id: ProcessId) -> Result<Self> {
        Process::pin(system, id.to_string().as_bytes(), Some(id))
            .map_err(|refusal| refusal.of(IDENTITY, id))
    }

    pub(crate) fn open_current(system: &System) -> Result<Self> {
        Process::pin(system, b"self", None).map_err(|refusal| refusal.of_system(IDENTITY))
    }

    fn pin(system: &System, name: &[u8], id: Option<ProcessId>) -> Result<Self, Refusal> {
        let proc = system.proc_directory()?;
        let absent = |refusal: Refusal| match refusal.cause {
            Cause::Os(Errno::NOENT) if ids::are_any(proc) == Ok(false) => ids::no_proc(proc),
            Cause::Os(Errno::NOENT | Errno::SRCH) => Refusal {
                cause: Cause::NoSuchProcess {
                    may_be_hidden: id.is_some()
                        && ids::parse_name(name).is_some()
                        && hidden::may_be(proc),
                },
                ..refusal
            },
            _ => refusal,
        };
        let directory = proc.directory(name).map_err(absent)?;
        // The proc root also answers to the ids of threads, though it does not list them.
        let tgid = ProcessId(
            status::read(&directory, &mut Vec::new())
                .map_err(absent)?
                .tgid,
        );
        if id.is_some_and(|id| id != tgid) {
            let cause = Cause::NoSuchProcess {
                may_be_hidden: false,
            };
            return Err(Refusal::new(directory.path(), cause));
        }
        Ok(Process {
            id: tgid,
            system: system.clone(),
            directory,
            maps: KeptMaps::default(),
        })
    }

    /// The id that the process has, or had.
    pub fn id(&self) -> ProcessId {
        self.id
    }

    /// Describes the process, as [`System::capture`] describes all of them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Ended`](crate::ErrorKind::Ended) once the process has been reaped by its
    /// parent. What may not be read is no error: see
    /// [`ProcessStatus::unreadable`](crate::ProcessStatus::unreadable).
    pub fn status(&self, fields: Fields) -> Result<ProcessStatus> {
        let mut status = ProcessStatus::new(self.id);
        let mut room = capture::Room::default();
        let raw = capture::read(Place::Pinned(&self.directory), fields, &mut room)
            .and_then(|raw| raw.ok_or_else(|| self.ended()))
            .map_err(|refusal| refusal.of("status", self.id))?;
        status.fill(&raw, fields);
        Ok(status)
    }

    /// How much memory the process uses.
    ///
    /// Source: `stat` and `status`. Cost: *status*. Privileges: none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Ended`](crate::ErrorKind::Ended) once the process has ended, reaped or not:
    /// its memory is gone then.
    #[doc(alias = "GetProcessMemoryInfo")]
    pub fn memory_counters(&self) -> Result<MemoryCounters> {
        let mut text = Vec::new();
        self.ask("memory counters", |directory| {
            let status = status::read(directory, &mut text)?;
            let stat = stat::read(&self.directory, &mut text)?;
            MemoryCounters::new(&stat, status.memory.as_ref())
                .ok_or_else(|| self.directory.refusal(b"status", Errno::SRCH))
        })
    }

    /// Exact shares of the process's memory.
    ///
    /// Source: `smaps_rollup`. Cost: *exact*: the kernel walks all its page tables and holds the
    /// lock of its address space meanwhile. Privileges: those of the process's own user or
    /// `CAP_SYS_PTRACE`; on newer kernels (6.18 is one) `CAP_PERFMON` will do.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AccessDenied`](crate::ErrorKind::AccessDenied) without the privilege;
    /// [`ErrorKind::NoAddressSpace`](crate::ErrorKind::NoAddressSpace) for a kernel thread;
    /// [`ErrorKind::Ended`](crate::ErrorKind::Ended) once the process has ended.
    pub fn exact_memory(&self) -> Result<ExactMemory> {
        self.ask("exact memory figures", |directory| {
            smaps_rollup::read(directory, &mut Vec::new()).map(|rollup| ExactMemory::from(&rollup))
        })
    }

    /// The file that the process runs; `None` for kernel threads.
    ///
    /// Source: the link `exe`. Cost: *image*. Privileges: those of the process's own user or
    /// `CAP_SYS_PTRACE`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AccessDenied`](crate::ErrorKind::AccessDenied) without the privilege;
    /// [`ErrorKind::Ended`](crate::ErrorKind::Ended) once the process has ended.
    #[doc(alias = "GetProcessImageFileName")]
    #[doc(alias = "QueryFullProcessImageName")]
    pub fn image_file(&self) -> Result<Option<ImageFile>> {
        let mut path = Vec::new();
        let read = self.ask("image file", |directory| {
            exe::read(directory, b"exe", b"root", &mut path)
                .map_err(|errno| directory.refusal(b"exe", errno))
        });
        match read {
            Ok(deleted) => Ok(Some(ImageFile {
                path: OsString::from_vec(path).into(),
                deleted,
            })),
            Err(error) if error.kind() == ErrorKind::NoAddressSpace => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The process's arguments; empty for kernel threads and zombies.
    ///
    /// Source: `cmdline`. Cost: one small file, in the process's own memory. Privileges: none.
    ///
    /// The kernel fetches pages that are not in RAM to answer: where they are of a file on a network
    /// file system that hangs, it waits, and so does the caller.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Ended`](crate::ErrorKind::Ended) once the process has been reaped.
    pub fn command_line(&self) -> Result<CommandLine> {
        let mut text = Vec::new();
        self.directory
            .read(b"cmdline", &mut text)
            .map_err(|refusal| self.error("command line", refusal))?;
        Ok(CommandLine(text))
    }

    /// The process's control groups.
    ///
    /// Source: `cgroup`. Cost: one small file. Privileges: none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotSupported`](crate::ErrorKind::NotSupported) on a kernel without them;
    /// [`ErrorKind::Ended`](crate::ErrorKind::Ended) once the process has been reaped.
    pub fn cgroup(&self) -> Result<Cgroup> {
        let mut text = Vec::new();
        self.directory
            .read(b"cgroup", &mut text)
            .map_err(|refusal| self.error("control groups", refusal))?;
        Ok(Cgroup(text))
    }

    /// Whether the process has ended, reaped or not.
    ///
    /// Source: `stat`. Cost: *cheap*. Privileges: none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) where `stat` does not parse.
    pub fn has_ended(&self) -> Result<bool> {
        match stat::read(&self.directory, &mut Vec::new()) {
            Ok(stat) => Ok(stat.has_ended()),
            Err(refusal) => match self.error("state", refusal) {
                error if error.kind() == ErrorKind::Ended => Ok(true),
                error => Err(error),
            },
        }
    }

    /// Asks a question that the process's memory answers, of the process's own directory – or, if
    /// its first thread has ended before the others, of the directory of a thread that lives.
    ///
    /// An open file of the memory says "no such process" also when the process executes another
    /// program in the meantime: then the question is asked anew.
    pub(crate) fn ask<T>(
        &self,
        asked: impl Into<Asked>,
        mut question: impl FnMut(&Directory) -> Result<T, Refusal>,
    ) -> Result<T> {
        let mut answer = question(&self.directory);
        for attempt in 0.. {
            let Err(refusal) = &answer else { break };
            let (is_gone, is_denied) = (refusal.is(Errno::SRCH), refusal.is(Errno::ACCESS));
            if !is_gone && !is_denied && !refusal.is(Errno::NOENT) {
                break;
            }
            let Some(memory) = self.with_memory() else {
                break;
            };
            let times = match memory {
                // The files of a first thread that has ended are root's.
                WithMemory::Thread(_) if is_denied => ONCE,
                // Since Linux 7 those of a process that executes another program are, too, until that
                // program's rights are settled. Else a denial is one.
                WithMemory::Process if is_denied && self.is_of_own_user() => EXECUTIONS,
                WithMemory::Process if is_denied => break,
                _ if is_gone => EXECUTIONS,
                // A file that the kernel does not have would not come however often it is tried.
                _ => capture::ANEW,
            };
            if attempt >= times {
                if is_gone {
                    // It lives, but no program of it for long enough.
                    answer = Err(self.directory.refusal(maps::FILE, Errno::AGAIN));
                }
                break;
            }
            answer = match memory {
                WithMemory::Process => question(&self.directory),
                WithMemory::Thread(thread) => question(&thread),
            };
        }
        answer.map_err(|refusal| self.error(asked, refusal))
    }

    /// Who shows the process's memory; `None` if it has none.
    pub(crate) fn with_memory(&self) -> Option<WithMemory> {
        let mut text = Vec::new();
        let stat = stat::read(&self.directory, &mut text).ok()?;
        if stat.is_kernel_thread() || stat.is_ending() {
            return None;
        }
        if !stat.is_leaving() {
            return Some(WithMemory::Process);
        }
        let thread = task::survivor(&self.directory, Name::new(), &mut task::Room::default())?;
        let thread = self.directory.directory(&thread).ok()?;
        Some(WithMemory::Thread(thread))
    }

    /// Whether it is of the user that asks.
    fn is_of_own_user(&self) -> bool {
        let attributes = self.directory.try_attributes(b".");
        attributes.is_ok_and(|attributes| attributes.st_uid == geteuid().as_raw())
    }

    /// The process's own directory, held open.
    pub(crate) fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The file of its mappings, held open once a question for an address has been asked.
    pub(crate) fn maps(&self) -> &KeptMaps {
        &self.maps
    }

    /// Where it was found.
    pub(crate) fn system(&self) -> &System {
        &self.system
    }

    /// Whether `PROCMAP_QUERY` may be used.
    pub(crate) fn may_query_maps(&self) -> bool {
        self.system.may_query_maps()
    }

    /// The id by which system calls of this process know it; `None` if it is of another pid
    /// namespace's proc file system.
    pub(crate) fn id_for_system_calls(&self) -> Option<ProcessId> {
        self.system.is_of_own_namespace().then_some(self.id)
    }

    /// Makes an error of what a file of the process refused. The kernel says "no such file" and
    /// "no such process" of a process that has ended, of one that never had an address space, and
    /// of a file that it does not have; `stat`, which every process has, tells them apart. The files
    /// of one that has ended are root's, so that its own user is denied them.
    pub(crate) fn error(&self, asked: impl Into<Asked>, refusal: Refusal) -> Error {
        let has_file = match refusal.cause {
            Cause::Os(Errno::SRCH | Errno::ACCESS) => true,
            Cause::Os(Errno::NOENT) => false,
            _ => return refusal.of(asked, self.id),
        };
        let is_denied = refusal.is(Errno::ACCESS);
        // A process that is ending has lost its memory for a while before its state says so.
        let lives = || self.with_memory().is_some();
        let cause = match stat::read(&self.directory, &mut Vec::new()) {
            Ok(stat) if is_denied && (stat.is_kernel_thread() || lives()) => {
                return refusal.of(asked, self.id);
            }
            Ok(stat) if stat.is_kernel_thread() => Cause::NoAddressSpace,
            Ok(_) if has_file || !lives() || self.every_process_has(&refusal) => Cause::Ended,
            Ok(_) => Cause::Unsupported("this kernel does not have it"),
            Err(_) => Cause::Ended,
        };
        Refusal { cause, ..refusal }.of(asked, self.id)
    }

    /// Whether the file that was refused is there for a process that surely lives: the caller. Then it
    /// is not the kernel that lacks it. Of threads that are killed together some lose their memory
    /// before others know.
    fn every_process_has(&self, refusal: &Refusal) -> bool {
        let name = refusal.source.file_name().unwrap_or_default().as_bytes();
        let proc = self.system.proc_directory().ok();
        proc.is_some_and(|proc| proc.try_attributes(&[b"self/", name].concat()).is_ok())
    }

    fn ended(&self) -> Refusal {
        Refusal::new(self.directory.path(), Cause::Ended)
    }
}

/// Which directory shows the memory of a process.
pub(crate) enum WithMemory {
    /// The process's own.
    Process,
    /// That of a thread which outlived the first one.
    Thread(Directory),
}

/// How many programs one after the other may cut an answer short.
const EXECUTIONS: usize = 64;

/// How often who is denied the files of a first thread that has ended asks another.
const ONCE: usize = 1;

/// What opening a process asks for.
const IDENTITY: &str = "identity";
