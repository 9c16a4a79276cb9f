//! The files that describe one process, read so that they can't describe two.
//!
//! An id names a file only while the file is opened, and an open file of `/proc/PID` belongs to
//! its process for good. So `stat` is opened first, then everything else, and only then `stat` is
//! read: if that succeeds, its process is alive, has held the id all the while, and every other
//! file that was opened by the same id is its own. This costs no system call more than reading
//! the files one by one, and a handful of descriptors however many processes there are.

use std::ops::Deref;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;

use super::exe;
use super::file::{Directory, read_record, read_whole};
use super::smaps_rollup::{self, SmapsRollup};
use super::stat::{self, Stat};
use super::status::{self, Status};
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
    /// What exists and was asked for, but was refused or does not parse.
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
    match Reader::new(place, fields).read(room) {
        Ok(raw) => Ok(Some(raw)),
        Err(Stop::Ended) => Ok(None),
        Err(Stop::Refused(refusal)) => Err(refusal),
    }
}

/// Why a process is not described.
enum Stop {
    Ended,
    Refused(Refusal),
}

struct Reader<'d> {
    directory: &'d Directory,
    prefix: Name,
    fields: Fields,
    unreadable: Fields,
}

impl<'d> Reader<'d> {
    fn new(place: Place<'d>, fields: Fields) -> Self {
        let (directory, prefix) = match place {
            Place::ById(directory, id) => (directory, Name::of_process(id)),
            Place::Pinned(directory) => (directory, Name::default()),
        };
        Reader {
            directory,
            prefix,
            fields,
            unreadable: Fields::empty(),
        }
    }

    fn read<'a>(mut self, room: &'a mut Room) -> Result<Raw<'a>, Stop> {
        let stat_name = self.prefix.join(b"stat");
        let stat_file = match self.directory.try_file(&stat_name) {
            Ok(file) => file,
            Err(Errno::NOENT | Errno::SRCH) => return Err(Stop::Ended),
            // Without stat nothing says that two files are of one process: there is but the id.
            Err(Errno::ACCESS | Errno::PERM) => {
                return Ok(Raw {
                    stat: None,
                    status: None,
                    exe: None,
                    cmdline: None,
                    cgroup: None,
                    smaps_rollup: None,
                    unreadable: self.fields,
                });
            }
            Err(errno) => return Err(self.stop(&stat_name, errno)),
        };
        let status_file = self.open(b"status")?;
        let cmdline_file = self.open(b"cmdline")?;
        let cgroup_file = self.open(b"cgroup")?;
        let rollup_file = self.open(b"smaps_rollup")?;
        let exe_deleted = self.exe(&mut room.exe)?;

        // From here on, all that was opened is known to be of one process, or there is none.
        read_record(stat_file.as_fd(), &mut room.stat)
            .map_err(|errno| self.stop(&stat_name, errno))?;
        drop(stat_file);
        let stat = self.parsed(stat::parse(&room.stat), Fields::STAT);

        let has_status = self.text(status_file, b"status", &mut room.status, read_record)?;
        let has_cmdline = self.text(cmdline_file, b"cmdline", &mut room.cmdline, read_whole)?;
        let has_cgroup = self.text(cgroup_file, b"cgroup", &mut room.cgroup, read_whole)?;
        let has_rollup = self.text(
            rollup_file,
            b"smaps_rollup",
            &mut room.smaps_rollup,
            read_whole,
        )?;
        let status = has_status.then(|| status::parse(&room.status));
        let rollup = has_rollup.then(|| smaps_rollup::parse(&room.smaps_rollup));
        Ok(Raw {
            stat,
            status: status.and_then(|status| self.parsed(status, Fields::IN_STATUS)),
            exe: exe_deleted.map(|deleted| (&room.exe[..], deleted)),
            cmdline: has_cmdline.then_some(&room.cmdline),
            cgroup: has_cgroup.then_some(&room.cgroup),
            smaps_rollup: rollup
                .and_then(|rollup| self.parsed(rollup, Fields::EXACT))
                .flatten(),
            unreadable: self.unreadable,
        })
    }

    /// Opens a file if one of its tiers was asked for.
    fn open(&mut self, file: &[u8]) -> Result<Option<OwnedFd>, Stop> {
        let tiers = tiers_of(file);
        if !self.fields.intersects(tiers) {
            return Ok(None);
        }
        let name = self.prefix.join(file);
        self.available(&name, self.directory.try_file(&name), tiers)
    }

    fn exe(&mut self, path: &mut Vec<u8>) -> Result<Option<bool>, Stop> {
        if !self.fields.contains(Fields::IMAGE) {
            return Ok(None);
        }
        let (exe, root) = (self.prefix.join(b"exe"), self.prefix.join(b"root"));
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
            Err(Errno::ACCESS | Errno::PERM) => {
                self.unreadable |= self.fields & tiers;
                Ok(None)
            }
            Err(errno) => Err(self.stop(name, errno)),
        }
    }

    /// Reads an open file; says whether there is a text now.
    fn text(
        &mut self,
        file: Option<OwnedFd>,
        name: &[u8],
        buffer: &mut Vec<u8>,
        read: fn(BorrowedFd<'_>, &mut Vec<u8>) -> Result<(), Errno>,
    ) -> Result<bool, Stop> {
        let Some(file) = file else { return Ok(false) };
        match read(file.as_fd(), buffer) {
            Ok(()) => Ok(true),
            Err(Errno::ACCESS | Errno::PERM) => {
                self.unreadable |= self.fields & tiers_of(name);
                Ok(false)
            }
            Err(errno) => Err(self.stop(&self.prefix.join(name), errno)),
        }
    }

    fn stop(&self, name: &[u8], errno: Errno) -> Stop {
        match errno {
            Errno::SRCH => Stop::Ended,
            errno => Stop::Refused(self.directory.refusal(name, errno)),
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

/// A file's name below the directory, `PID/FILE` or `FILE`, built without allocating.
#[derive(Debug, Clone, Copy, Default)]
struct Name {
    bytes: [u8; 32],
    length: usize,
}

impl Name {
    fn of_process(id: ProcessId) -> Self {
        use std::io::Write as _;
        let mut name = Name::default();
        let mut rest = &mut name.bytes[..];
        // Ten digits and a slash always fit.
        let _ = write!(rest, "{id}/");
        name.length = 32 - rest.len();
        name
    }

    fn join(mut self, file: &[u8]) -> Self {
        self.bytes[self.length..][..file.len()].copy_from_slice(file);
        self.length += file.len();
        self
    }
}

impl Deref for Name {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}
