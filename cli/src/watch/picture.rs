//! A picture of a watch: faults over time by address.

use std::os::unix::ffi::OsStrExt as _;

use psapi::{Backing, Mapping};

use super::points::Points;
use super::{Program, Watching};
use crate::output::printable;
use crate::picture::{FaultPoint, Scene, Span, faults_over_time};

/// The process that is watched, for headings.
pub fn title(watching: &Watching) -> String {
    let program = watching.tally.current(watching.id);
    let program = program.map(|program| &watching.tally.programs[program]);
    let name = program.and_then(|program| program.name.as_deref());
    let name = name.map_or_else(|| "?".to_owned(), |name| printable(name.as_bytes()));
    format!("{name} (pid {})", watching.id)
}

/// Draws the faults of the process that is watched; of several programs that it executed, those of
/// the last one, for each has an address space of its own.
pub fn scene(watching: &Watching, points: &Points, taken: &str) -> Scene {
    let last = watching.tally.current(watching.id);
    let own = points
        .kept()
        .iter()
        .filter(|point| Some(point.program) == last);
    let drawn: Vec<FaultPoint> = own
        .map(|point| FaultPoint {
            time_ns: point.fault.time.saturating_sub(watching.begin_ns()),
            address: point.fault.address,
            hard: point.fault.hard,
            thread: point.fault.thread,
        })
        .collect();
    let mut taken = taken.to_owned();
    let kept = points.kept().len() as u64;
    if kept < points.seen() {
        taken.push_str(&format!(
            ", 1 in {:.1} of all",
            points.seen() as f64 / kept as f64
        ));
    }
    if (drawn.len() as u64) < kept {
        taken.push_str(", of one program of several");
    }
    let spans = last.map_or(Vec::new(), |program| {
        spans(&watching.tally.programs[program])
    });
    faults_over_time(&title(watching), &taken, &drawn, &spans)
}

/// What was touched, by ascending address; neighbours of one file are one.
fn spans(program: &Program) -> Vec<Span> {
    let mut mappings: Vec<(Mapping, bool)> = (0..program.regions.len())
        .filter_map(|region| {
            let (mapping, is_gone) = program.latest(region);
            let mut mapping = mapping?;
            // As large as it ever was.
            let largest = program.regions[region].mapping.as_ref();
            mapping.end = largest.map_or(mapping.end, |largest| mapping.end.max(largest.end));
            Some((mapping, is_gone))
        })
        .filter(|(mapping, _)| mapping.start < mapping.end)
        .collect();
    mappings.sort_by_key(|(mapping, is_gone)| (mapping.start, *is_gone));
    let mut spans: Vec<Span> = Vec::new();
    for (mapping, _) in mappings {
        let name = name(&mapping);
        match spans.last_mut() {
            // Of what was there one after the other, the one at the end is shown.
            Some(last) if mapping.end <= last.end => {}
            Some(last) if last.name == name && mapping.backing.path().is_some() => {
                last.end = mapping.end;
            }
            last => {
                let free = last.map_or(0, |last| last.end);
                spans.push(Span {
                    name,
                    start: mapping.start.max(free),
                    end: mapping.end,
                });
            }
        }
    }
    spans
}

fn name(mapping: &Mapping) -> String {
    let label = mapping.backing.label();
    match &mapping.backing {
        Backing::Anonymous { name: None, .. } => "private memory".to_owned(),
        Backing::File { path, .. } => {
            printable(path.file_name().unwrap_or(path.as_os_str()).as_bytes())
        }
        _ => printable(label.as_bytes()),
    }
}
