//! `psapi ws --against` and `psapi ws --interval`: the changes between two working sets.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Result;
use psapi::ProcessId;

use super::args::Args;
use super::change::Change;
use super::source::{self, Sample};
use super::{changes, page_changes, picture};
use crate::commands::picture_files::OpenPictures;
use crate::output::Format;
use crate::session::Session;
use crate::sort::SortKey;

/// Shows the changes since a saved working set.
pub fn show(
    args: &Args,
    pictures: OpenPictures,
    before: &Sample,
    samples: &[Sample],
    session: &mut Session,
) -> Result<()> {
    let mut changes = Vec::new();
    for after in samples {
        match Change::between(before, after) {
            Ok(change) => changes.push(change),
            Err(error) => session.report(error),
        }
    }
    if changes.is_empty() {
        return Ok(());
    }
    if args.pictures.are_wanted() {
        picture::draw_difference(pictures, &changes)?;
        if session.output.format() == Format::Table {
            return Ok(());
        }
    }
    write(args, &args.sort, None, &changes, session)
}

/// Shows the changes since the previous sample at each interval.
pub fn repeat(args: &Args, interval: Duration, session: &mut Session) -> Result<()> {
    let options = args.options();
    let mut targets = args.targets.track().announcing();
    let by_id = |samples: Vec<Sample>| -> HashMap<ProcessId, Sample> {
        let id = |sample: Sample| (sample.set.process(), sample);
        samples.into_iter().map(id).collect()
    };
    let is_table = session.output.format() == Format::Table;
    let sort = if args.sort.is_empty() && args.pages.is_none() && is_table {
        vec![SortKey::descending("growth")]
    } else {
        args.sort.clone()
    };
    let mut before = by_id(source::read(&options, args.modules, &mut targets, session));
    if before.is_empty() {
        return Ok(());
    }
    args.repeat.run_later(interval, |at| {
        let samples = source::read(&options, args.modules, &mut targets, session);
        if samples.is_empty() {
            return Ok(false);
        }
        // Skips a process that has started since the previous sample, even if its id was in use
        // before: there is nothing to compare it with.
        let changes: Vec<_> = samples
            .iter()
            .filter_map(|after| Change::between(before.get(&after.set.process())?, after).ok())
            .collect();
        write(args, &sort, at, &changes, session)?;
        before = by_id(samples);
        Ok(true)
    })
}

fn write(
    args: &Args,
    sort: &[SortKey],
    at: Option<Duration>,
    changes: &[Change<'_>],
    session: &mut Session,
) -> Result<()> {
    let mut document = session.output.document(at)?;
    match args.pages {
        Some(mode) => page_changes::show(mode, changes, sort, &mut document)?,
        None => changes::show(args, changes, sort, &mut document)?,
    }
    Ok(document.end()?)
}
