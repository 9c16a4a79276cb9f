//! A flame graph of faults: process, module, functions with those inlined, and on top what kind of
//! memory was touched.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use inferno::flamegraph::{self, Options};
use psapi::Backing;

use super::report::Code;
use super::tally::Tally;
use crate::output::printable;

/// A picture in SVG, with a script to zoom and search, and its height.
#[derive(Debug)]
pub struct Flame {
    pub svg: String,
    pub height: u32,
}

/// Draws all that was counted.
pub fn flame(title: &str, tally: &Tally, code: &Code) -> io::Result<Flame> {
    let stacks = stacks(tally, code);
    let lines: Vec<String> = stacks
        .iter()
        .map(|(stack, faults)| format!("{stack} {faults}"))
        .collect();
    let mut options = Options::default();
    options.title = format!("Page faults of {title}");
    options.count_name = "faults".to_owned();
    options.name_type = "Code:".to_owned();
    options.deterministic = true;
    options.hash = true;
    options.min_width = 0.05;
    options.font_type =
        "Arimo, Liberation Sans, Arial, Helvetica, Nimbus Sans, FreeSans, sans-serif".to_owned();
    let mut svg = Vec::new();
    flamegraph::from_lines(&mut options, lines.iter().map(String::as_str), &mut svg)?;
    let svg = String::from_utf8(svg).map_err(io::Error::other)?;
    let height = svg.split_once("height=\"").and_then(|(_, rest)| {
        let (height, _) = rest.split_once('"')?;
        height.parse().ok()
    });
    Ok(Flame {
        height: height.unwrap_or(600),
        svg,
    })
}

/// How many faults each stack of frames has.
fn stacks(tally: &Tally, code: &Code) -> BTreeMap<String, u64> {
    let mut stacks = BTreeMap::new();
    for (key, counts) in &tally.counts {
        let program = &tally.programs[key.program];
        let frames = code.at(key.program, key.program_counter);
        let name = program.name.as_ref();
        let mut stack = frame(name.map_or(b"?", |name| name.as_bytes()));
        stack.push_str(&format!(" ({})", program.id));
        let module = program.module(key.program_counter, frames);
        let module = module.as_deref().map_or(&b"?"[..], base);
        let functions = frames.iter().filter_map(|frame| frame.function.as_deref());
        let memory = match &program.regions[key.region].mapping {
            None => "unknown memory".to_owned(),
            Some(mapping) => match &mapping.backing {
                Backing::File { path, .. } => {
                    format!("{} of {}", file_part(mapping), frame(base(path)))
                }
                Backing::Anonymous { .. } => "private memory".to_owned(),
                Backing::Heap => "heap".to_owned(),
                Backing::Stack => "stack".to_owned(),
                backing => frame(backing.label().as_bytes()),
            },
        };
        let parts = std::iter::once(frame(module))
            .chain(functions.map(|function| frame(function.as_bytes())))
            .chain([format!("[{memory}]")]);
        for part in parts {
            stack.push(';');
            stack.push_str(&part);
        }
        *stacks.entry(stack).or_default() += counts.total();
    }
    stacks
}

fn file_part(mapping: &psapi::Mapping) -> &'static str {
    match (mapping.executable, mapping.writable) {
        (true, _) => "code",
        (_, true) => "variables",
        _ => "constants",
    }
}

fn base(path: &Path) -> &[u8] {
    path.file_name().unwrap_or(path.as_os_str()).as_bytes()
}

/// A name as a frame: without what parts frames.
fn frame(name: &[u8]) -> String {
    printable(name).replace(';', ":")
}
