//! `psapi ws`: which pages of processes are in memory.

mod args;
mod change;
mod changes;
mod difference;
mod labels;
mod modules;
mod page_changes;
mod pages;
mod picture;
mod sort_keys;
mod source;
mod summary;
mod totals;

use anyhow::Result;
use psapi::WorkingSet;

use crate::output::{Content, Format, OutputFile};
use crate::session::Session;
pub use args::Args;
use source::{Sample, several};

pub fn run(args: &Args, session: &mut Session) -> Result<()> {
    args.check(session)?;
    sort_keys::check(args)?;
    if let Some(interval) = args.repeat.interval {
        return difference::repeat(args, interval, session);
    }
    let pictures = args.pictures.open()?;
    let output = args.output.as_deref();
    let output = output.map(|file| OutputFile::open(file, Content::Binary));
    let output = output.transpose()?;
    let samples = match &args.from {
        Some(file) => vec![Sample::saved(source::load(file)?)],
        None => source::read(
            &args.options(),
            args.modules,
            &mut args.targets.track().announcing(),
            session,
        ),
    };
    if samples.is_empty() {
        return Ok(());
    }
    if let Some(file) = output {
        return save(&samples, file);
    }
    if let Some(file) = &args.against {
        let before = Sample::saved(source::load(file)?);
        return difference::show(args, pictures, &before, &samples, session);
    }
    if args.pictures.are_wanted() {
        let sets: Vec<&WorkingSet> = samples.iter().map(|sample| &sample.set).collect();
        picture::draw(pictures, &sets)?;
        if session.output.format() == Format::Table {
            return Ok(());
        }
    }
    match args.pages {
        Some(mode) => pages::show(mode, &samples, &args.sort, session),
        None => summary::show(&samples, args.modules, args.all, &args.sort, session),
    }
}

fn save(samples: &[Sample], file: OutputFile) -> Result<()> {
    let [sample] = samples else {
        return Err(several(
            "a file contains one working set",
            samples.iter().map(|sample| &sample.set),
        ));
    };
    let mut content = Vec::new();
    sample.set.write_to(&mut content)?;
    file.write(&content)
}
