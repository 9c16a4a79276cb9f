//! The picture of a watch: faults over time by address.

use std::ffi::OsStr;

use psapi::{Backing, Mapping, ProcessId};

use super::points::Points;
use crate::output::printable;
use crate::picture::{ProgramFaults, Scene, Span, faults_over_time};
use crate::watch::engine::session::Watched;
use crate::watch::engine::tally::{Origin, Program};

/// Returns the name and process id of the watched process, and the number of other programs, for
/// headings.
pub fn heading(watched: &Watched) -> String {
    let process = watched.accounting.process;
    let tally = &watched.accounting.tally;
    let mut heading = title(tally.name(process), process);
    match tally.program_count() {
        0 | 1 => {}
        2 => heading.push_str(" and 1 more program"),
        count => heading.push_str(&format!(" and {} more programs", count - 1)),
    }
    heading
}

fn title(name: Option<&OsStr>, process: ProcessId) -> String {
    let name = name.map_or_else(|| "?".to_owned(), |name| printable(name.as_encoded_bytes()));
    format!("{name} (pid {process})")
}

/// Draws the faults of all programs.
pub fn scene(watched: &Watched, points: &Points, time: &str) -> Scene {
    let tally = &watched.accounting.tally;
    let mut programs: Vec<ProgramFaults> = tally
        .programs
        .iter()
        .map(|program| ProgramFaults {
            name: {
                let title = title(program.name.as_deref(), program.process);
                // A forked process is a copy until it executes a program of its own.
                let is_copy = program.origin == Origin::Forked;
                if is_copy {
                    format!("{title}, forked")
                } else {
                    title
                }
            },
            points: Vec::new(),
            spans: spans(program),
        })
        .collect();
    for sampled in points.sample() {
        programs[sampled.program].points.push(sampled.point);
    }
    let mut time = time.to_owned();
    let sampled = points.sample().len() as u64;
    if sampled < points.total() {
        time.push_str(&format!(
            ", 1 in {:.1} faults",
            points.total() as f64 / sampled as f64
        ));
    }
    faults_over_time(&heading(watched), &time, &programs)
}

/// Returns the touched mappings by ascending address. Adjacent mappings of one file are merged.
fn spans(program: &Program) -> Vec<Span> {
    let mut mappings: Vec<(Mapping, bool)> = (0..program.regions.len())
        .filter_map(|region| {
            let (mapping, is_gone) = program.latest(region);
            let mut mapping = mapping?;
            // A mapping might have shrunk since its faults.
            let largest = program.regions[region].mapping.as_ref();
            mapping.end = largest.map_or(mapping.end, |largest| mapping.end.max(largest.end));
            Some((mapping, is_gone))
        })
        // Regions above the limit have no address.
        .filter(|(mapping, _)| mapping.start < mapping.end)
        .collect();
    // At the same start, existing mappings come before those that are gone.
    mappings.sort_by_key(|(mapping, is_gone)| (mapping.start, *is_gone));
    let mut spans: Vec<Span> = Vec::new();
    for (mapping, _) in mappings {
        let (name, full_name) = names(&mapping);
        match spans.last_mut() {
            // Covered by another mapping at the same addresses: only one can be drawn.
            Some(last) if mapping.end <= last.end => {}
            Some(last) if last.full_name == full_name && mapping.backing.path().is_some() => {
                last.end = mapping.end;
            }
            last => {
                let free = last.map_or(0, |last| last.end);
                spans.push(Span {
                    name,
                    full_name,
                    start: mapping.start.max(free),
                    end: mapping.end,
                });
            }
        }
    }
    spans
}

/// Returns the name for labels, and the full name.
fn names(mapping: &Mapping) -> (String, String) {
    let label = printable(mapping.backing.label().as_encoded_bytes());
    let name = match &mapping.backing {
        Backing::Anonymous { name: None, .. } => "private memory".to_owned(),
        Backing::File { path, .. } => {
            let name = printable(
                path.file_name()
                    .unwrap_or(path.as_os_str())
                    .as_encoded_bytes(),
            );
            return (name, label);
        }
        _ => label,
    };
    (name.clone(), name)
}
