//! `psapi ws --svg`, `--png` and `--html`: pictures of working sets and of their differences.

use anyhow::Result;
use psapi::WorkingSet;

use super::change::Change;
use super::source::several;
use crate::clock::Clock;
use crate::commands::picture_files::OpenPictures;
use crate::output::printable;
use crate::picture::{address_space_scene, difference_scene};

/// Draws a working set. Several are an error.
pub fn draw(pictures: OpenPictures, sets: &[&WorkingSet]) -> Result<()> {
    let [set] = sets else {
        return Err(one_process(sets.iter().copied()));
    };
    let scene = address_space_scene(set, title(set), &Clock::new().date(set.taken_at()));
    pictures.write(&scene, None)
}

/// Draws a difference between working sets. Several are an error.
pub fn draw_difference(pictures: OpenPictures, changes: &[Change<'_>]) -> Result<()> {
    let [Change { difference, .. }] = changes else {
        let sets = changes.iter().map(|change| change.difference.after());
        return Err(one_process(sets));
    };
    let clock = Clock::new();
    let [before, after] = [difference.before(), difference.after()];
    let [from, to] = [before, after].map(|set| clock.date(set.taken_at()));
    let scene = difference_scene(difference, title(after), [&from, &to]);
    pictures.write(&scene, None)
}

fn one_process<'a>(sets: impl Iterator<Item = &'a WorkingSet>) -> anyhow::Error {
    several("a picture shows one process", sets)
}

/// Returns the name and id of a process.
fn title(set: &WorkingSet) -> String {
    let name = printable(set.name().as_encoded_bytes());
    format!("{name} (pid {})", set.process())
}
