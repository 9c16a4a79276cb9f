//! The files that describe one process, read so that they cannot describe two.
//!
//! An id names a file only while the file is opened, and an open file of `/proc/PID` belongs to its
//! process for good. So `stat` is opened first, then every other file, and only then is `stat`
//! read. If that read succeeds, the process is alive and has held the id all along. Every file
//! opened under the same id then belongs to it. This costs no more system calls than reading the
//! files one by one, and a handful of descriptors however many processes there are.

use std::ffi::OsString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;
use std::time::Duration;

use rustix::io::Errno;

use crate::error::SourceError;
use crate::fields::Fields;
use crate::owner::{Owner, UserIds};
use crate::process_id::ProcessId;
use crate::process_state::ProcessState;
use crate::status::ProcessStatus;
use crate::status_table::StatusTable;
use crate::sys::linux::dir::{Dir, read_record, read_whole};
use crate::sys::linux::memory;
use crate::sys::linux::proc::cgroup;
use crate::sys::linux::proc::exe;
use crate::sys::linux::proc::ids::{self, Listing};
use crate::sys::linux::proc::smaps_rollup::{self, SmapsRollup};
use crate::sys::linux::proc::stat::{self, Stat};
use crate::sys::linux::proc::status::{self, Status};
use crate::sys::linux::proc::task;
use crate::sys::linux::proc_path::ProcPath;
use crate::sys::linux::system::System;

/// Buffers for capturing all processes. Reusing them avoids allocations per process.
#[derive(Debug, Default)]
pub(crate) struct CaptureBuffers {
    listing: ids::DirBuffer,
    ids: Vec<ProcessId>,
    files: Buffers,
}

/// Buffers for the files of one process.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    stat: Vec<u8>,
    status: Vec<u8>,
    exe: Vec<u8>,
    exe_buffers: exe::Buffers,
    cmdline: Vec<u8>,
    cgroup: Vec<u8>,
    smaps_rollup: Vec<u8>,
    task: task::Buffers,
}

/// The parsed files of one process.
#[derive(Debug)]
pub(crate) struct ProcFiles<'a> {
    /// `None` if even `stat` could not be read or parsed.
    pub(crate) stat: Option<Stat<'a>>,
    pub(crate) status: Option<Status>,
    /// The path, and whether its file was deleted.
    pub(crate) exe: Option<(&'a [u8], bool)>,
    pub(crate) cmdline: Option<&'a [u8]>,
    /// The text, and whether the kernel has marked the group as deleted.
    pub(crate) cgroup: Option<(&'a [u8], bool)>,
    pub(crate) smaps_rollup: Option<SmapsRollup>,
    /// The requested fields whose file exists but could not be read or parsed.
    pub(crate) unreadable: Fields,
}

/// The fields in `status`.
const IN_STATUS: Fields = Fields::MEMORY.union(Fields::USER);

/// Where the files of a process are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ProcDir<'a> {
    /// Below a proc root, by id.
    ById(&'a Dir, ProcessId),
    /// In the process's own directory, held open.
    Pinned(&'a Dir),
}

/// How often a live process is read again because its address space was gone. This happens if the
/// process calls `execve` after a file was opened and before the file is read. An exiting process
/// looks the same for a while.
pub(crate) const MAX_RETRIES: usize = 3;

/// Reads all processes into the rows of `table`, which the caller has begun to refill.
pub(crate) fn capture(
    system: &System,
    fields: Fields,
    buffers: &mut CaptureBuffers,
    table: &mut StatusTable,
) -> Result<(), SourceError> {
    let proc = system.proc_directory()?;
    let failed = |errno| proc.error_at(b"", errno);
    let mut listing = Listing::open(proc, b".").map_err(failed)?;
    let start_offset = system.start_offset(&mut buffers.files.stat).ok();
    let (mut more, mut found_any) = (true, false);
    while more {
        buffers.ids.clear();
        let next = listing.next_batch(&mut buffers.listing, &mut buffers.ids);
        more = next.map_err(failed)?;
        found_any |= !buffers.ids.is_empty();
        for &id in &buffers.ids {
            let directory = ProcDir::ById(proc, id);
            if let Some(files) = read(directory, system.sys_root(), fields, &mut buffers.files)? {
                fill(table.row(id), &files, fields, start_offset);
            }
        }
    }
    if found_any {
        Ok(())
    } else {
        Err(ids::not_proc_error(proc))
    }
}

/// Reads the files that `fields` need; `None` if the process does not exist or has ended.
pub(crate) fn read<'a>(
    process: ProcDir<'_>,
    sys_root: &Path,
    fields: Fields,
    buffers: &'a mut Buffers,
) -> Result<Option<ProcFiles<'a>>, SourceError> {
    let (directory, prefix) = match process {
        ProcDir::ById(directory, id) => (directory, ProcPath::of_process(id)),
        ProcDir::Pinned(directory) => (directory, ProcPath::new()),
    };
    let mut reader = Reader::new(directory, prefix, fields);
    let mut files = reader.read_files(buffers);
    for _ in 0..MAX_RETRIES {
        let lost = matches!(&files, Ok(Some(files)) if files.lost_memory);
        if !lost || !stat::may_have_memory(&buffers.stat) {
            break;
        }
        reader = Reader::new(directory, prefix, fields);
        files = reader.read_files(buffers);
    }
    // After the group leader has exited, only another thread exposes memory, image and arguments.
    if let Ok(Some(_)) = files
        && stat::has_lost_leader(&buffers.stat)
        && let Some(thread) = task::live_thread(directory, prefix, &mut buffers.task)
    {
        reader = Reader::new(directory, prefix, fields);
        reader.memory = thread;
        files = reader.read_files(buffers);
    }
    match files {
        Ok(files) => Ok(Some(reader.parse(files, sys_root, buffers))),
        Err(ReadError::Ended) => Ok(None),
        Err(ReadError::Failed(error)) => Err(error),
    }
}

/// Why a process is not described.
enum ReadError {
    Ended,
    Failed(SourceError),
}

/// Which files were read, each into its field of [`Buffers`].
struct FilesRead {
    status: bool,
    cmdline: bool,
    cgroup: bool,
    smaps_rollup: bool,
    /// Whether the address space that `smaps_rollup` was opened for is gone.
    lost_memory: bool,
    /// Whether the file was deleted.
    exe: Option<bool>,
}

/// Reads the files of one process once.
struct Reader<'d> {
    directory: &'d Dir,
    prefix: ProcPath,
    /// Where the files of the address space are: `prefix`, or the directory of a thread.
    memory: ProcPath,
    fields: Fields,
    unreadable: Fields,
}

impl<'d> Reader<'d> {
    fn new(directory: &'d Dir, prefix: ProcPath, fields: Fields) -> Self {
        Reader {
            directory,
            prefix,
            memory: prefix,
            fields,
            unreadable: Fields::empty(),
        }
    }

    /// Opens all files, then reads them. Returns `None` if `stat` cannot be read: without it,
    /// nothing ensures that two files belong to one process.
    fn read_files(&mut self, buffers: &mut Buffers) -> Result<Option<FilesRead>, ReadError> {
        let stat_name = self.prefix.join(b"stat");
        let stat_file = match self.directory.try_file(&stat_name) {
            Ok(file) => file,
            Err(Errno::NOENT | Errno::SRCH) => return Err(ReadError::Ended),
            Err(errno) => return self.check(&stat_name, errno).map(|()| None),
        };
        let status = self.open(b"status")?;
        let cmdline = self.open(b"cmdline")?;
        let cgroup = self.open(b"cgroup")?;
        let smaps_rollup = self.open(b"smaps_rollup")?;
        let exe = self.read_exe(&mut buffers.exe, &mut buffers.exe_buffers)?;

        // Once this read succeeds, all open files are known to belong to one process.
        if let Err(errno) = read_record(stat_file.as_fd(), &mut buffers.stat) {
            return self.check(&stat_name, errno).map(|()| None);
        }
        drop(stat_file);

        // While the process is alive, only this file fails with ESRCH: `execve` replaced the
        // address space, or the process has none.
        let mut lost_memory = false;
        let read_rollup = |file: BorrowedFd<'_>, text: &mut Vec<u8>| match read_whole(file, text) {
            Err(Errno::SRCH) => {
                lost_memory = true;
                text.clear();
                Ok(())
            }
            read => read,
        };
        let smaps_rollup = self.read_text(
            smaps_rollup,
            b"smaps_rollup",
            &mut buffers.smaps_rollup,
            read_rollup,
        )?;

        Ok(Some(FilesRead {
            status: self.read_text(status, b"status", &mut buffers.status, read_record)?,
            cmdline: self.read_text(cmdline, b"cmdline", &mut buffers.cmdline, read_whole)?,
            cgroup: self.read_text(cgroup, b"cgroup", &mut buffers.cgroup, read_whole)?,
            smaps_rollup,
            lost_memory,
            exe,
        }))
    }

    fn parse<'a>(
        mut self,
        files: Option<FilesRead>,
        sys_root: &Path,
        buffers: &'a Buffers,
    ) -> ProcFiles<'a> {
        let Some(files) = files else {
            return ProcFiles {
                stat: None,
                status: None,
                exe: None,
                cmdline: None,
                cgroup: None,
                smaps_rollup: None,
                unreadable: self.fields,
            };
        };
        let status = files.status.then(|| status::parse(&buffers.status));
        let rollup = files
            .smaps_rollup
            .then(|| smaps_rollup::parse(&buffers.smaps_rollup));
        ProcFiles {
            stat: self.or_unreadable(stat::parse(&buffers.stat), Fields::STAT),
            status: status.and_then(|status| self.or_unreadable(status, IN_STATUS)),
            exe: files.exe.map(|deleted| (&buffers.exe[..], deleted)),
            cmdline: files.cmdline.then_some(&buffers.cmdline),
            cgroup: files.cgroup.then(|| {
                let is_exiting = || self.is_exiting();
                let deleted = cgroup::is_deleted(&buffers.cgroup, sys_root, is_exiting);
                (&buffers.cgroup[..], deleted)
            }),
            smaps_rollup: rollup
                .and_then(|rollup| self.or_unreadable(rollup, Fields::EXACT))
                .flatten(),
            unreadable: self.unreadable,
        }
    }

    /// Returns true if the process has exited or is about to. Reads `stat` again, because `cgroup`
    /// was read after it.
    fn is_exiting(&self) -> bool {
        let mut text = Vec::new();
        let file = self.directory.try_file(&self.prefix.join(b"stat"));
        let read = file.and_then(|file| read_record(file.as_fd(), &mut text));
        // A process without `stat` has been reaped since.
        read.is_err() || stat::parse(&text).is_ok_and(|stat| stat.leader_exiting())
    }

    /// Opens a file if one of the fields that it provides was requested.
    fn open(&mut self, file: &[u8]) -> Result<Option<OwnedFd>, ReadError> {
        let provided = fields_in(file);
        if !self.fields.intersects(provided) {
            return Ok(None);
        }
        let name = self.memory.join(file);
        self.if_available(&name, self.directory.try_file(&name), provided)
    }

    /// Reads the link `exe`, which cannot be opened without opening the image itself. Returns
    /// whether the image was deleted.
    fn read_exe(
        &mut self,
        path: &mut Vec<u8>,
        buffers: &mut exe::Buffers,
    ) -> Result<Option<bool>, ReadError> {
        if !self.fields.contains(Fields::IMAGE) {
            return Ok(None);
        }
        let (exe, root) = (self.memory.join(b"exe"), self.memory.join(b"root"));
        let read = exe::read(self.directory, &exe, &root, path, buffers);
        self.if_available(&exe, read, Fields::IMAGE)
    }

    /// Classifies the result of opening a file. A missing file is not an error: a kernel thread has
    /// no image, and older kernels lack some files.
    fn if_available<T>(
        &mut self,
        name: &[u8],
        opened: Result<T, Errno>,
        provided: Fields,
    ) -> Result<Option<T>, ReadError> {
        match opened {
            Ok(opened) => Ok(Some(opened)),
            Err(Errno::NOENT | Errno::SRCH) => Ok(None),
            Err(errno) => {
                self.check(name, errno)?;
                self.unreadable |= self.fields & provided;
                Ok(None)
            }
        }
    }

    /// Reads an open file into `buffer`. Returns true if the buffer now holds its content.
    fn read_text(
        &mut self,
        file: Option<OwnedFd>,
        name: &[u8],
        buffer: &mut Vec<u8>,
        read: impl FnOnce(BorrowedFd<'_>, &mut Vec<u8>) -> Result<(), Errno>,
    ) -> Result<bool, ReadError> {
        let Some(file) = file else { return Ok(false) };
        match read(file.as_fd(), buffer) {
            Ok(()) => Ok(true),
            Err(errno) => {
                self.check(&self.memory.join(name), errno)?;
                self.unreadable |= self.fields & fields_in(name);
                Ok(false)
            }
        }
    }

    /// Classifies a failed read. `ESRCH`: the process has ended, so it is dropped. `EMFILE`,
    /// `ENOMEM` and the like: the caller causes these, and they would repeat, so the capture fails.
    /// Anything else: the process is described without this file.
    fn check(&self, name: &[u8], errno: Errno) -> Result<(), ReadError> {
        match errno {
            Errno::SRCH => Err(ReadError::Ended),
            Errno::MFILE
            | Errno::NFILE
            | Errno::NOMEM
            | Errno::FAULT
            | Errno::BADF
            | Errno::NOSYS => Err(ReadError::Failed(self.directory.error_at(name, errno))),
            _ => Ok(()),
        }
    }

    /// Returns a parsed file. If parsing failed, marks its fields as unreadable and returns `None`.
    fn or_unreadable<T>(&mut self, parsed: Result<T, &'static str>, provided: Fields) -> Option<T> {
        if parsed.is_err() {
            self.unreadable |= (self.fields | Fields::STAT) & provided;
        }
        parsed.ok()
    }
}

/// Returns the fields that a file provides.
fn fields_in(file: &[u8]) -> Fields {
    match file {
        b"status" => IN_STATUS,
        b"cmdline" => Fields::COMMAND_LINE,
        b"cgroup" => Fields::CGROUP,
        _ => Fields::EXACT,
    }
}

/// Replaces all fields of `row`, reusing its memory: strings are only allocated if they grew.
///
/// Start times are unknown without the offset to add to them.
pub(crate) fn fill(
    row: &mut ProcessStatus,
    files: &ProcFiles<'_>,
    fields: Fields,
    start_offset: Option<i64>,
) {
    let stat = files.stat.as_ref();
    set_text(&mut row.name, stat.map(|stat| stat.comm));
    row.kernel_thread = stat.map(|stat| stat.is_kernel_thread());
    row.parent = stat.and_then(|stat| visible_id(stat.ppid));
    row.group = stat.and_then(|stat| visible_id(stat.pgrp));
    row.session = stat
        .map(|stat| stat.session)
        .filter(|&session| session != 0);
    row.terminal = stat
        .map(|stat| stat.tty_nr as u32)
        .filter(|&device| device != 0);
    row.state = stat.map(|stat| ProcessState::from_letter(stat.state));
    row.start = stat
        .zip(start_offset)
        .map(|(stat, offset)| stat.start(offset));
    row.threads = stat.map(|stat| stat.num_threads);
    row.user_time = stat.map(|stat| ticks(stat.utime));
    row.kernel_time = stat.map(|stat| ticks(stat.stime));
    row.nice = stat.map(|stat| stat.nice);
    row.faults = stat.map(memory::faults);

    let requested = |tier| fields.contains(tier);
    let status = files.status.as_ref();
    row.memory = stat
        .zip(status)
        .filter(|_| requested(Fields::MEMORY))
        .and_then(|(stat, status)| memory::counters(stat, status.memory.as_ref()));
    row.user = status
        .filter(|_| requested(Fields::USER))
        .and_then(user_ids)
        .map(Owner::Ids);
    match files.exe {
        Some((path, deleted)) => {
            let image = row.image.get_or_insert_default();
            let mut text = Some(std::mem::take(&mut image.path).into_os_string());
            set_text(&mut text, Some(path));
            image.path = text.unwrap_or_default().into();
            image.deleted = deleted;
        }
        None => row.image = None,
    }
    set_bytes(&mut row.command_line, files.cmdline, |line| &mut line.0);
    let (text, deleted) = files.cgroup.unzip();
    set_bytes(&mut row.cgroup, text, |cgroup| &mut cgroup.text);
    if let (Some(cgroup), Some(deleted)) = (&mut row.cgroup, deleted) {
        cgroup.deleted = deleted;
    }
    row.exact = files.smaps_rollup.as_ref().map(memory::exact);
    row.unreadable = files.unreadable;
}

fn user_ids(status: &Status) -> Option<UserIds> {
    let (users, groups) = status.uids.zip(status.gids)?;
    Some(UserIds {
        user: users.real,
        effective_user: users.effective,
        group: groups.real,
        effective_group: groups.effective,
    })
}

/// Returns a process's id; `None` for 0, which stands for a process outside of the proc root's pid
/// namespace.
fn visible_id(number: u32) -> Option<ProcessId> {
    (number != 0).then(|| ProcessId::new(number))
}

/// Converts clock ticks to a duration.
pub(crate) fn ticks(ticks: u64) -> Duration {
    let per_second = stat::ticks_per_second();
    let nanos = (ticks % per_second) * 1_000_000_000 / per_second;
    Duration::new(ticks / per_second, nanos as u32)
}

/// Replaces a text, allocating only if the new one differs and does not fit the existing memory.
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

/// Replaces the bytes in a value, reusing its memory.
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
