//! A flame graph of faults. A stack consists of process, module, functions including inlined ones,
//! and the kind of memory that was touched.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use inferno::flamegraph::{self, Options};
use psapi::Backing;

use super::resolved_code::ResolvedCode;
use crate::output::printable;
use crate::picture::FONT_FAMILY;
use crate::watch::engine::tally::Tally;

/// The font that `inferno` writes to the style sheet. It quotes any other name, so that a list of
/// fonts would be the name of a single one. The list therefore replaces this name afterwards.
const GENERIC_FONT: &str = "sans-serif";

/// A flame graph as SVG with a script to zoom and search.
#[derive(Debug)]
pub struct FlameGraph {
    pub svg: String,
    /// In pixels.
    pub height: u32,
}

/// Draws all faults of a tally.
pub fn flame_graph(heading: &str, tally: &Tally, code: &ResolvedCode) -> io::Result<FlameGraph> {
    let stacks = stacks(tally, code);
    let lines: Vec<String> = stacks
        .iter()
        .map(|(stack, faults)| format!("{stack} {faults}"))
        .collect();
    let mut options = Options::default();
    options.title = format!("Page faults of {heading}");
    options.count_name = "faults".to_owned();
    options.name_type = "Code:".to_owned();
    options.deterministic = true;
    options.hash = true;
    options.min_width = 0.05;
    options.font_type = GENERIC_FONT.to_owned();
    let mut svg = Vec::new();
    flamegraph::from_lines(&mut options, lines.iter().map(String::as_str), &mut svg)?;
    let svg = String::from_utf8(svg).map_err(io::Error::other)?;
    let svg = svg.replacen(
        &format!("font-family:{GENERIC_FONT}"),
        &format!("font-family:{FONT_FAMILY}"),
        1,
    );
    let height = svg.split_once("height=\"").and_then(|(_, rest)| {
        let (height, _) = rest.split_once('"')?;
        height.parse().ok()
    });
    Ok(FlameGraph {
        height: height.unwrap_or(600),
        svg,
    })
}

/// Returns the number of faults of each stack.
fn stacks(tally: &Tally, code: &ResolvedCode) -> BTreeMap<String, u64> {
    let mut stacks = BTreeMap::new();
    for (key, counts) in &tally.counts {
        let program = &tally.programs[key.program];
        let frames = code.frames(key.program, key.program_counter);
        let name = program.name.as_ref();
        let mut stack = frame(name.map_or(b"?", |name| name.as_encoded_bytes()));
        stack.push_str(&format!(" ({})", program.process));
        let module = program.module(key.program_counter, frames);
        let module = module.as_deref().map_or(&b"?"[..], file_name);
        let tree = code.functions();
        let innermost = tree.innermost(key.program, key.program_counter);
        let outwards = innermost.into_iter().flat_map(|index| tree.outwards(index));
        let mut functions: Vec<String> = outwards.filter_map(|function| function.label()).collect();
        functions.reverse();
        let memory = match &program.regions[key.region].mapping {
            None => "unknown memory".to_owned(),
            Some(mapping) => match &mapping.backing {
                Backing::File { path, .. } => {
                    format!("{} of {}", file_part(mapping), frame(file_name(path)))
                }
                Backing::Anonymous { .. } => "private memory".to_owned(),
                Backing::Heap => "heap".to_owned(),
                Backing::Stack => "stack".to_owned(),
                backing => frame(backing.label().as_encoded_bytes()),
            },
        };
        let parts = std::iter::once(frame(module))
            .chain(functions.iter().map(|function| frame(function.as_bytes())))
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

fn file_name(path: &Path) -> &[u8] {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .as_encoded_bytes()
}

/// Formats a name as a frame. A semicolon would separate frames.
fn frame(name: &[u8]) -> String {
    printable(name).replace(';', ":")
}
