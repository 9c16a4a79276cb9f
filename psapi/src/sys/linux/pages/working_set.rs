//! Reads all pages of a process as a working set.

use std::ffi::OsStr;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt as _;
use std::time::SystemTime;

use super::source::PageSource;
use crate::error::SourceError;
use crate::sys::linux::dir::Dir;
use crate::sys::linux::proc::stat;
use crate::sys::linux::process::Process;
use crate::working_set::WorkingSet;
use crate::working_set::identity::Identity;
use crate::working_set::options::{Progress, WorkingSetOptions};
use crate::working_set::run;

/// Reads the working set. Starts again if the process calls `execve` meanwhile.
pub(crate) fn working_set(
    process: &Process,
    options: &WorkingSetOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<WorkingSet, SourceError> {
    process.retry(|directory| read(process, directory, options, progress))
}

/// Reads the working set through a directory of the process or of one of its threads.
fn read(
    process: &Process,
    directory: &Dir,
    options: &WorkingSetOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<WorkingSet, SourceError> {
    let taken_at = SystemTime::now();
    let source = PageSource::open(process, directory, |mappings| {
        process.list_mappings(directory, mappings)
    })?;
    let identity = identity(process)?;
    let (ranges, unknown) = source.all_ranges();
    let mut runs = Vec::new();
    let sink = |mapping, range, page| {
        run::push(&mut runs, source.page_size, mapping, range, page);
    };
    let known = source.walk(options.shares, ranges, progress, sink)?;
    runs.shrink_to_fit();
    Ok(WorkingSet {
        identity,
        taken_at,
        page_size: source.page_size,
        mappings: source.mappings,
        runs,
        known: known - unknown,
    })
}

/// Returns the identity of the process, which stays valid later and on another machine.
fn identity(process: &Process) -> Result<Identity, SourceError> {
    let mut text = Vec::new();
    let start_offset = process.system().start_offset(&mut text)?;
    let stat = stat::read(process.directory(), &mut text)?;
    Ok(Identity {
        process: process.id(),
        start: stat.start(start_offset),
        boot: process.system().boot()?,
        name: OsStr::from_bytes(stat.comm).to_owned(),
    })
}
