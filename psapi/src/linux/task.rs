//! `PROC/PID/task`: the threads of a process. One whose first thread has ended before the others
//! lives on, but the kernel shows its memory, its image and its arguments only through these.

use std::os::fd::AsFd;

use super::file::{Directory, read_record};
use super::ids::{self, Listing};
use super::name::Name;
use super::stat;
use crate::ProcessId;

/// The room that the search works in; reused, nothing is allocated for a process.
#[derive(Debug, Default)]
pub(crate) struct Room {
    listing: ids::Room,
    threads: Vec<ProcessId>,
    stat: Vec<u8>,
}

/// The name of the directory of a thread that lives, below the directory that `prefix` is
/// relative to.
pub(crate) fn survivor(directory: &Directory, prefix: Name, room: &mut Room) -> Option<Name> {
    let tasks = prefix.join(b"task/");
    let mut listing = Listing::of(directory, &tasks).ok()?;
    let mut more = true;
    while more {
        room.threads.clear();
        more = listing.next(&mut room.listing, &mut room.threads).ok()?;
        for &thread in &room.threads {
            let thread = tasks.join(&Name::of_process(thread));
            if lives(directory, &thread.join(b"stat"), &mut room.stat) {
                return Some(thread);
            }
        }
    }
    None
}

fn lives(directory: &Directory, stat: &[u8], text: &mut Vec<u8>) -> bool {
    let file = directory.try_file(stat);
    let read = file.and_then(|file| read_record(file.as_fd(), text));
    read.is_ok() && stat::parse(text).is_ok_and(|stat| !stat.is_leaving())
}
