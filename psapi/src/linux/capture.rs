//! The files that describe one process, read so that they can't describe two.
//!
//! An id names a file only while the file is opened, and an open file of `/proc/PID` belongs to
//! its process for good. So `stat` is opened first, then everything else, and only then `stat` is
//! read: if that succeeds, its process is alive, has held the id all the while, and every other
//! file that was opened by the same id is its own. This costs no system call more than reading
//! the files one by one, and a handful of descriptors however many processes there are.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;

use super::exe;
use super::file::{Directory, read_record, read_whole};
use super::name::Name;
use super::smaps_rollup::{self, SmapsRollup};
use super::stat::{self, Stat};
use super::status::{self, Status};
use super::task;
use crate::error::Refusal;
use crate::{Fields, ProcessId};

/// The room that capture works in; reused, nothing is allocated for a process.
#[derive(Debug, Default)]
pub(crate) struct Room {
    stat: Vec<u8>,
    status: Vec<u8>,
    exe: Vec<u8>,
    cmdline: Vec<u8>,
    cgroup: Vec<u8>,
    smaps_rollup: Vec<u8>,
    task: task::Room,
}

/// What was read of one process.
#[derive(Debug)]
pub(crate) struct Raw<'a> {
    /// `None` where even `stat` was refused, or does not parse.
    pub(crate) stat: Option<Stat<'a>>,
    pub(crate) status: Option<Status>,
    /// The path, and whether its file was deleted.
    pub(crate) exe: Option<(&'a [u8], bool)>,
    pub(crate) cmdline: Option<&'a [u8]>,
    pub(crate) cgroup: Option<&'a [u8]>,
    pub(crate) smaps_rollup: Option<SmapsRollup>,
    /// What exists and was asked for, but was refused, could not be read or does not parse.
    pub(crate) unreadable: Fields,
}

/// Where the files of a process are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'a> {
    /// Below a proc root, by id.
    ById(&'a Directory, ProcessId),
    /// In the process's own directory, held open.
    Pinned(&'a Directory),
}

/// Reads the files that `fields` need. `None`: there is no such process (any more).
pub(crate) fn read<'a>(
    place: Place<'_>,
    fields: Fields,
    room: &'a mut Room,
) -> Result<Option<Raw<'a>>, Refusal> {
    let (directory, prefix) = match place {
        Place::ById(directory, id) => (directory, Name::of_process(id)),
        Place::Pinned(directory) => (directory, Name::new()),
    };
    let mut reader = Reader::new(directory, prefix, fields);
    let mut files = reader.read_files(room);
    for _ in 0..ANEW {
        let lost = matches!(&files, Ok(Some(files)) if files.lost_memory);
        if !lost || !stat::may_have_memory(&room.stat) {
            break;
        }
        reader = Reader::new(directory, prefix, fields);
        files = reader.read_files(room);
    }
    if let Ok(Some(_)) = files
        && stat::has_lost_its_first_thread(&room.stat)
        && let Some(thread) = task::survivor(directory, prefix, &mut room.task)
    {
        reader = Reader::new(directory, prefix, fields);
        reader.memory = thread;
        files = reader.read_files(room);
    }
    match files {
        Ok(files) => Ok(Some(reader.parse(files, room))),
        Err(Stop::Ended) => Ok(None),
        Err(Stop::Refused(refusal)) => Err(refusal),
    }
}

/// How often a question is asked anew of a process that lives and whose memory was gone: it
/// executed another program between the opening of a file and the reading of it. A process that
/// is ending looks the same for a while.
pub(crate) const ANEW: usize = 3;

/// Why a process is not described.
enum Stop {
    Ended,
    Refused(Refusal),
}

/// Which files were read, each in its place in the [`Room`].
struct Files {
    status: bool,
    cmdline: bool,
    cgroup: bool,
    smaps_rollup: bool,
    /// Whether the memory that `smaps_rollup` was opened for is gone.
    lost_memory: bool,
    /// Whether the file was deleted.
    exe: Option<bool>,
}

struct Reader<'d> {
    directory: &'d Directory,
    prefix: Name,
    /// Where the files are that tell of its memory: as `prefix`, or in the directory of a thread.
    memory: Name,
    fields: Fields,
    unreadable: Fields,
}

impl<'d> Reader<'d> {
    fn new(directory: &'d Directory, prefix: Name, fields: Fields) -> Self {
        Reader {
            directory,
            prefix,
            memory: prefix,
            fields,
            unreadable: Fields::empty(),
        }
    }

    /// `None`: `stat` is refused, and without it nothing says that two files are of one process.
    fn read_files(&mut self, room: &mut Room) -> Result<Option<Files>, Stop> {
        let stat_name = self.prefix.join(b"stat");
        let stat_file = match self.directory.try_file(&stat_name) {
            Ok(file) => file,
            Err(Errno::NOENT | Errno::SRCH) => return Err(Stop::Ended),
            Err(errno) => return self.refused(&stat_name, errno).map(|()| None),
        };
        let status = self.open(b"status")?;
        let cmdline = self.open(b"cmdline")?;
        let cgroup = self.open(b"cgroup")?;
        let smaps_rollup = self.open(b"smaps_rollup")?;
        let exe = self.exe(&mut room.exe)?;

        // From here on, all that was opened is known to be of one process, or there is none.
        if let Err(errno) = read_record(stat_file.as_fd(), &mut room.stat) {
            return self.refused(&stat_name, errno).map(|()| None);
        }
        drop(stat_file);

        // Of a process that lives this file alone says "no such process": its memory is another
        // by now, or there is none.
        let mut lost_memory = false;
        let read_rollup = |file: BorrowedFd<'_>, text: &mut Vec<u8>| match read_whole(file, text) {
            Err(Errno::SRCH) => {
                lost_memory = true;
                text.clear();
                Ok(())
            }
            read => read,
        };
        let smaps_rollup = self.text(
            smaps_rollup,
            b"smaps_rollup",
            &mut room.smaps_rollup,
            read_rollup,
        )?;

        Ok(Some(Files {
            status: self.text(status, b"status", &mut room.status, read_record)?,
            cmdline: self.text(cmdline, b"cmdline", &mut room.cmdline, read_whole)?,
            cgroup: self.text(cgroup, b"cgroup", &mut room.cgroup, read_whole)?,
            smaps_rollup,
            lost_memory,
            exe,
        }))
    }

    fn parse<'a>(mut self, files: Option<Files>, room: &'a Room) -> Raw<'a> {
        let Some(files) = files else {
            return Raw {
                stat: None,
                status: None,
                exe: None,
                cmdline: None,
                cgroup: None,
                smaps_rollup: None,
                unreadable: self.fields,
            };
        };
        let status = files.status.then(|| status::parse(&room.status));
        let rollup = files
            .smaps_rollup
            .then(|| smaps_rollup::parse(&room.smaps_rollup));
        Raw {
            stat: self.parsed(stat::parse(&room.stat), Fields::STAT),
            status: status.and_then(|status| self.parsed(status, Fields::IN_STATUS)),
            exe: files.exe.map(|deleted| (&room.exe[..], deleted)),
            cmdline: files.cmdline.then_some(&room.cmdline),
            cgroup: files.cgroup.then_some(&room.cgroup),
            smaps_rollup: rollup
                .and_then(|rollup| self.parsed(rollup, Fields::EXACT))
                .flatten(),
            unreadable: self.unreadable,
        }
    }

    /// Opens a file if one of its tiers was asked for.
    fn open(&mut self, file: &[u8]) -> Result<Option<OwnedFd>, Stop> {
        let tiers = tiers_of(file);
        if !self.fields.intersects(tiers) {
            return Ok(None);
        }
        let name = self.memory.join(file);
        self.available(&name, self.directory.try_file(&name), tiers)
    }

    fn exe(&mut self, path: &mut Vec<u8>) -> Result<Option<bool>, Stop> {
        if !self.fields.contains(Fields::IMAGE) {
            return Ok(None);
        }
        let (exe, root) = (self.memory.join(b"exe"), self.memory.join(b"root"));
        let read = exe::read(self.directory, &exe, &root, path);
        self.available(&exe, read, Fields::IMAGE)
    }

    /// Sorts what opening came to: there; not there, as a kernel thread has no image and an older
    /// kernel not every file; or refused.
    fn available<T>(
        &mut self,
        name: &[u8],
        opened: Result<T, Errno>,
        tiers: Fields,
    ) -> Result<Option<T>, Stop> {
        match opened {
            Ok(opened) => Ok(Some(opened)),
            Err(Errno::NOENT | Errno::SRCH) => Ok(None),
            Err(errno) => {
                self.refused(name, errno)?;
                self.unreadable |= self.fields & tiers;
                Ok(None)
            }
        }
    }

    /// Reads an open file; says whether there is a text now.
    fn text(
        &mut self,
        file: Option<OwnedFd>,
        name: &[u8],
        buffer: &mut Vec<u8>,
        read: impl FnOnce(BorrowedFd<'_>, &mut Vec<u8>) -> Result<(), Errno>,
    ) -> Result<bool, Stop> {
        let Some(file) = file else { return Ok(false) };
        match read(file.as_fd(), buffer) {
            Ok(()) => Ok(true),
            Err(errno) => {
                self.refused(&self.memory.join(name), errno)?;
                self.unreadable |= self.fields & tiers_of(name);
                Ok(false)
            }
        }
    }

    /// Decides what becomes of a process one of whose files was refused: it is described without
    /// it, whatever the reason, or not at all, if it has ended or the reason is the reader's own,
    /// so that the next file would be refused, too.
    fn refused(&self, name: &[u8], errno: Errno) -> Result<(), Stop> {
        match errno {
            Errno::SRCH => Err(Stop::Ended),
            Errno::MFILE
            | Errno::NFILE
            | Errno::NOMEM
            | Errno::FAULT
            | Errno::BADF
            | Errno::NOSYS => Err(Stop::Refused(self.directory.refusal(name, errno))),
            _ => Ok(()),
        }
    }

    fn parsed<T>(&mut self, parsed: Result<T, &'static str>, tiers: Fields) -> Option<T> {
        if parsed.is_err() {
            self.unreadable |= (self.fields | Fields::STAT) & tiers;
        }
        parsed.ok()
    }
}

/// The tiers that a file serves.
fn tiers_of(file: &[u8]) -> Fields {
    match file {
        b"status" => Fields::IN_STATUS,
        b"cmdline" => Fields::COMMAND_LINE,
        b"cgroup" => Fields::CGROUP,
        _ => Fields::EXACT,
    }
}
