//! A pinned process: its directory below the proc root, held open.
//!
//! An open `/proc/PID` belongs to one process for good, so its files never describe a later
//! process with the same id. Two cases make a file fail although the process is alive, and
//! [`Process::retry`] handles both:
//!
//! - An open file of the address space fails with `ESRCH` after `execve`, which replaces the
//!   address space. Opening the file again helps.
//! - Once the group leader has exited, the files in the process's own directory fail. The
//!   directories of the remaining threads still show the address space.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::sync::Arc;

use rustix::io::Errno;
use rustix::process::geteuid;

use crate::cgroup::Cgroup;
use crate::command_line::CommandLine;
use crate::error::{ErrorCause, SourceError};
use crate::fields::Fields;
use crate::io_counters::IoCounters;
use crate::memory::{ExactMemory, MemoryCounters};
use crate::process_id::ProcessId;
use crate::status::{ImageFile, ProcessStatus};
use crate::sys::linux::capture;
use crate::sys::linux::dir::Dir;
use crate::sys::linux::hidepid;
use crate::sys::linux::maps_cache::MapsCache;
use crate::sys::linux::memory;
use crate::sys::linux::proc::cgroup;
use crate::sys::linux::proc::exe;
use crate::sys::linux::proc::fd;
use crate::sys::linux::proc::ids;
use crate::sys::linux::proc::io;
use crate::sys::linux::proc::maps;
use crate::sys::linux::proc::smaps_rollup;
use crate::sys::linux::proc::stat;
use crate::sys::linux::proc::status;
use crate::sys::linux::proc::task;
use crate::sys::linux::proc_path::ProcPath;
use crate::sys::linux::system::System;

/// A process whose directory is held open.
#[derive(Debug)]
pub(crate) struct Process {
    id: ProcessId,
    system: Arc<System>,
    directory: Dir,
    maps: MapsCache,
}

/// The task whose `/proc` directory exposes the address space.
pub(crate) enum MemoryOwner {
    /// The group leader, whose directory is the process's own.
    Leader,
    /// Another thread, because the group leader has exited.
    Thread(Dir),
}

/// How often a read is retried because the process called `execve` again.
const MAX_EXECS: usize = 64;

/// How often a read that was denied is retried through another thread.
const MAX_THREADS: usize = 1;

/// Pins the process with an id.
pub(crate) fn open_process(system: &Arc<System>, id: ProcessId) -> Result<Process, SourceError> {
    pin(system, id.to_string().as_bytes(), Some(id))
}

/// Pins the calling process.
pub(crate) fn open_current(system: &Arc<System>) -> Result<Process, SourceError> {
    pin(system, b"self", None)
}

fn pin(system: &Arc<System>, name: &[u8], id: Option<ProcessId>) -> Result<Process, SourceError> {
    let proc = system.proc_directory()?;
    let absent = |error: SourceError| match error.errno() {
        Some(Errno::NOENT) if ids::any_visible(proc) == Ok(false) => ids::not_proc_error(proc),
        Some(Errno::NOENT | Errno::SRCH) => SourceError {
            cause: ErrorCause::NoSuchProcess {
                may_be_hidden: id.is_some()
                    && ids::parse_name(name).is_some()
                    && hidepid::may_hide_processes(proc),
            },
            ..error
        },
        _ => error,
    };
    let directory = proc.directory(name).map_err(absent)?;
    let status = status::read(&directory, &mut Vec::new()).map_err(absent)?;
    let tgid = ProcessId::new(status.tgid);
    // The proc root also has directories for thread ids, although it does not list them.
    if id.is_some_and(|id| id != tgid) {
        let cause = ErrorCause::NoSuchProcess {
            may_be_hidden: false,
        };
        return Err(SourceError::new(directory.path(), cause));
    }
    Ok(Process {
        id: tgid,
        system: Arc::clone(system),
        directory,
        maps: MapsCache::default(),
    })
}

impl Process {
    pub(crate) fn id(&self) -> ProcessId {
        self.id
    }

    /// Returns the system that the process was found in.
    pub(crate) fn system(&self) -> &Arc<System> {
        &self.system
    }

    /// Returns the process's own directory.
    pub(crate) fn directory(&self) -> &Dir {
        &self.directory
    }

    /// Returns the cache of the open `maps` file.
    pub(crate) fn maps(&self) -> &MapsCache {
        &self.maps
    }

    /// Returns true unless `PROCMAP_QUERY` was disabled.
    pub(crate) fn may_query_maps(&self) -> bool {
        self.system.may_query_maps()
    }

    /// Returns the id to pass to system calls. `None` if the proc root belongs to another pid
    /// namespace, whose ids would reach other processes. Fails if that cannot be read now.
    pub(crate) fn id_for_system_calls(&self) -> Result<Option<ProcessId>, SourceError> {
        Ok(self.system.is_of_own_namespace()?.then_some(self.id))
    }

    /// Runs `read`, which reads files of the address space, on the process's own directory. If the
    /// group leader has exited, runs it on the directory of a live thread. Retries after `execve`.
    pub(crate) fn retry<T>(
        &self,
        mut read: impl FnMut(&Dir) -> Result<T, SourceError>,
    ) -> Result<T, SourceError> {
        let mut result = read(&self.directory);
        for attempt in 0.. {
            let Err(error) = &result else { break };
            let (is_gone, is_denied) = (error.is(Errno::SRCH), error.is(Errno::ACCESS));
            if !is_gone && !is_denied && !error.is(Errno::NOENT) {
                break;
            }
            let Some(owner) = self.memory_owner() else {
                break;
            };
            let max_retries = match owner {
                // The files of an exited group leader belong to root.
                MemoryOwner::Thread(_) if is_denied => MAX_THREADS,
                // Since Linux 7, the files also belong to root during execve, until the kernel has
                // settled the new program's credentials. For another user's process, the denial is
                // final.
                MemoryOwner::Leader if is_denied && self.is_of_own_user() => MAX_EXECS,
                MemoryOwner::Leader if is_denied => break,
                _ if is_gone => MAX_EXECS,
                // ENOENT: either the address space was just replaced, or the kernel lacks the file,
                // which no number of retries would change.
                _ => capture::MAX_RETRIES,
            };
            if attempt >= max_retries {
                if is_gone {
                    // The process is alive, but none of its programs runs for long enough.
                    result = Err(self.directory.error_at(maps::FILE, Errno::AGAIN));
                }
                break;
            }
            result = match owner {
                MemoryOwner::Leader => read(&self.directory),
                MemoryOwner::Thread(thread) => read(&thread),
            };
        }
        result.map_err(|error| self.classify(error))
    }

    /// Returns the task that exposes the address space; `None` if the process has no address space.
    pub(crate) fn memory_owner(&self) -> Option<MemoryOwner> {
        let mut text = Vec::new();
        let stat = stat::read(&self.directory, &mut text).ok()?;
        if stat.is_kernel_thread() || stat.is_ending() {
            return None;
        }
        if !stat.leader_exiting() {
            return Some(MemoryOwner::Leader);
        }
        let buffers = &mut task::Buffers::default();
        let thread = task::live_thread(&self.directory, ProcPath::new(), buffers)?;
        let thread = self.directory.directory(&thread).ok()?;
        Some(MemoryOwner::Thread(thread))
    }

    fn is_of_own_user(&self) -> bool {
        let attributes = self.directory.try_attributes(b".");
        attributes.is_ok_and(|attributes| attributes.st_uid == geteuid().as_raw())
    }

    /// Refines the cause of a failed read. `ENOENT` and `ESRCH` can mean that the process has
    /// ended, that it never had an address space, or that the kernel lacks the file. `EACCES` can
    /// mean that the process has ended, because its files then belong to root. `stat`, which every
    /// process has and everyone can read, distinguishes these cases.
    pub(crate) fn classify(&self, error: SourceError) -> SourceError {
        let has_file = match error.errno() {
            Some(Errno::SRCH | Errno::ACCESS) => true,
            Some(Errno::NOENT) => false,
            _ => return error,
        };
        let is_denied = error.is(Errno::ACCESS);
        // An exiting process loses its address space some time before its state changes.
        let is_alive = || self.memory_owner().is_some();
        let cause = match stat::read(&self.directory, &mut Vec::new()) {
            Ok(stat) if is_denied && (stat.is_kernel_thread() || is_alive()) => return error,
            Ok(stat) if stat.is_kernel_thread() => ErrorCause::NoAddressSpace,
            Ok(_) if has_file || !is_alive() || self.kernel_has_file(&error) => ErrorCause::Ended,
            Ok(_) => ErrorCause::Unsupported("not supported by this kernel"),
            Err(_) => ErrorCause::Ended,
        };
        SourceError { cause, ..error }
    }

    /// Returns true if the calling process, which is certainly alive, has the file that was not
    /// found. If so, the kernel does not lack the file. When several threads are killed together,
    /// some lose the address space before `stat` of the others shows it.
    fn kernel_has_file(&self, error: &SourceError) -> bool {
        let name = error.source.file_name().unwrap_or_default().as_bytes();
        let proc = self.system.proc_directory().ok();
        proc.is_some_and(|proc| proc.try_attributes(&[b"self/", name].concat()).is_ok())
    }
}

/// Reads the selected fields of a process.
pub(crate) fn status(process: &Process, fields: Fields) -> Result<ProcessStatus, SourceError> {
    let mut status = ProcessStatus::new(process.id);
    let mut buffers = capture::Buffers::default();
    let directory = capture::ProcDir::Pinned(&process.directory);
    match capture::read(directory, process.system.sys_root(), fields, &mut buffers)? {
        Some(files) => {
            let start_offset = process.system.start_offset(&mut Vec::new()).ok();
            capture::fill(&mut status, &files, fields, start_offset);
            Ok(status)
        }
        None => Err(SourceError::new(
            process.directory.path(),
            ErrorCause::Ended,
        )),
    }
}

/// Returns true if the process has ended, reaped or not.
pub(crate) fn has_ended(process: &Process) -> Result<bool, SourceError> {
    match stat::read(&process.directory, &mut Vec::new()) {
        Ok(stat) => Ok(stat.has_ended()),
        Err(error) => match process.classify(error) {
            SourceError {
                cause: ErrorCause::Ended,
                ..
            } => Ok(true),
            error => Err(error),
        },
    }
}

/// Reads the memory counters.
pub(crate) fn memory_counters(process: &Process) -> Result<MemoryCounters, SourceError> {
    let mut text = Vec::new();
    process.retry(|directory| {
        let status = status::read(directory, &mut text)?;
        let stat = stat::read(&process.directory, &mut text)?;
        memory::counters(&stat, status.memory.as_ref())
            .ok_or_else(|| process.directory.error_at(b"status", Errno::SRCH))
    })
}

/// Reads how much the process has read and written.
pub(crate) fn io_counters(process: &Process) -> Result<IoCounters, SourceError> {
    io::read(&process.directory).map_err(|error| process.classify(error))
}

/// Counts the open descriptors.
pub(crate) fn handle_count(process: &Process) -> Result<u64, SourceError> {
    process.retry(fd::count)
}

/// Reads the exact memory figures, which makes the kernel walk the page tables.
pub(crate) fn exact_memory(process: &Process) -> Result<ExactMemory, SourceError> {
    process.retry(|directory| {
        smaps_rollup::read(directory, &mut Vec::new()).map(|rollup| memory::exact(&rollup))
    })
}

/// Reads which file the process runs; `None` for kernel threads.
pub(crate) fn image_file(process: &Process) -> Result<Option<ImageFile>, SourceError> {
    let (mut path, mut buffers) = (Vec::new(), exe::Buffers::default());
    let read = process.retry(|directory| {
        exe::read(directory, b"exe", b"root", &mut path, &mut buffers)
            .map_err(|errno| directory.error_at(b"exe", errno))
    });
    match read {
        Ok(deleted) => Ok(Some(ImageFile {
            path: OsString::from_vec(path).into(),
            device_path: None,
            deleted,
        })),
        Err(SourceError {
            cause: ErrorCause::NoAddressSpace,
            ..
        }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads the arguments.
pub(crate) fn command_line(process: &Process) -> Result<CommandLine, SourceError> {
    read_own(process, b"cmdline").map(CommandLine)
}

/// Reads the control groups.
pub(crate) fn cgroup(process: &Process) -> Result<Cgroup, SourceError> {
    let text = read_own(process, b"cgroup")?;
    // A process without `stat` has been reaped since.
    let is_exiting = || {
        let stat =
            stat::read(&process.directory, &mut Vec::new()).map(|stat| stat.leader_exiting());
        stat.unwrap_or(true)
    };
    let deleted = cgroup::is_deleted(&text, process.system.sys_root(), is_exiting);
    Ok(Cgroup { text, deleted })
}

fn read_own(process: &Process, file: &[u8]) -> Result<Vec<u8>, SourceError> {
    let mut text = Vec::new();
    let read = process.directory.read(file, &mut text);
    read.map_err(|error| process.classify(error))?;
    Ok(text)
}
