//! `PROC/PID/task`: the threads of a process.
//!
//! A process continues after its group leader has exited if other threads run. The files in
//! `PROC/PID` then have no memory, executable or arguments, but those in `PROC/PID/task/TID` do.

use std::os::fd::AsFd;

use rustix::io::Errno;

use crate::ProcessId;
use crate::error::SourceError;
use crate::sys::linux::dir::{Dir, read_record};
use crate::sys::linux::proc::ids::{self, Listing};
use crate::sys::linux::proc::stat;
use crate::sys::linux::proc_path::ProcPath;
use crate::sys::linux::system::System;

/// Buffers of [`live_thread`], reused so that it does not allocate for each process.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    listing: ids::DirBuffer,
    threads: Vec<ProcessId>,
    stat: Vec<u8>,
}

/// Returns the directory of a thread that is not exiting; `None` if all threads are exiting.
/// `prefix` is the directory of the process. Both `prefix` and the result are relative to
/// `directory`.
pub(crate) fn live_thread(
    directory: &Dir,
    prefix: ProcPath,
    buffers: &mut Buffers,
) -> Option<ProcPath> {
    let tasks = prefix.join(b"task/");
    let mut listing = Listing::open(directory, &tasks).ok()?;
    let mut more = true;
    while more {
        buffers.threads.clear();
        more = listing
            .next_batch(&mut buffers.listing, &mut buffers.threads)
            .ok()?;
        for &thread in &buffers.threads {
            let thread = tasks.join(&ProcPath::of_process(thread));
            if is_running(directory, &thread.join(b"stat"), &mut buffers.stat) {
                return Some(thread);
            }
        }
    }
    None
}

/// Lists the ids of the threads of a process; `None` if no such process exists.
pub(crate) fn thread_ids(
    system: &System,
    process: ProcessId,
) -> Result<Option<Vec<u32>>, SourceError> {
    let proc = system.proc_directory()?;
    let tasks = format!("{process}/task");
    let mut ids = Vec::new();
    let mut read = || {
        let mut listing = Listing::open(proc, tasks.as_bytes())?;
        let mut buffer = ids::DirBuffer::default();
        while listing.next_batch(&mut buffer, &mut ids)? {}
        Ok(())
    };
    match read() {
        Ok(()) => Ok(Some(ids.into_iter().map(ProcessId::get).collect())),
        Err(Errno::NOENT | Errno::SRCH) => Ok(None),
        Err(errno) => Err(proc.error_at(tasks.as_bytes(), errno)),
    }
}

/// Returns true if the thread is not exiting. `stat` is the path of its file.
fn is_running(directory: &Dir, stat: &[u8], text: &mut Vec<u8>) -> bool {
    let file = directory.try_file(stat);
    let read = file.and_then(|file| read_record(file.as_fd(), text));
    read.is_ok() && stat::parse(text).is_ok_and(|stat| !stat.leader_exiting())
}
