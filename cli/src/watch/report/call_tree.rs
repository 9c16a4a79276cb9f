//! The functions that took faults, as a tree: process and module, function, inlined functions.
//!
//! A name does not identify a function. Files can have static functions of the same name, and debug
//! information has the same short name for overloads and lambdas. Two rules distinguish them:
//!
//! - Functions are different if they start at different addresses in a module.
//! - An inlined function has no address of its own. Two calls of the same name in one function are
//!   the same function if most of their faults were taken in the same source line.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::process_name::ProcessName;
use crate::watch::engine::tally::{Program, Tally};
use crate::watch::engine::{Frame, SourceLine};

/// The index of a function in its [`CallTree`].
pub type FunctionIndex = usize;

/// All functions that took faults.
#[derive(Debug)]
pub struct CallTree {
    functions: Vec<Function>,
    /// The innermost function of each instruction: a program and a program counter.
    innermost: HashMap<(usize, u64), FunctionIndex>,
}

/// A function, or an inlined call of one.
#[derive(Debug)]
pub struct Function {
    pub process: ProcessName,
    pub module: Option<PathBuf>,
    /// `None` if no symbol covers the instruction.
    pub name: Option<String>,
    /// `None` for an inlined function, and if it is unknown.
    pub start: Option<Start>,
    /// The function that this one was inlined into.
    pub inlined_into: Option<FunctionIndex>,
    /// The line with the most faults.
    pub source: Option<SourceLine>,
    /// Whether another function at the same place in the tree has the same name.
    pub is_ambiguous: bool,
}

/// Where a function starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Start {
    /// The distance from the base of its module.
    InModule(u64),
    /// The address of a function in the kernel, or of one that the program generated.
    Address(u64),
}

/// A function before equal ones are merged.
struct Node {
    parent: Option<usize>,
    root: (ProcessName, Option<PathBuf>),
    name: Option<String>,
    start: Option<Start>,
    /// The faults of each source line.
    lines: HashMap<SourceLine, u64>,
}

impl CallTree {
    /// Creates the tree of all faults in a tally. `frames_of` returns the frames of an instruction.
    pub fn new<'f>(tally: &Tally, frames_of: impl Fn(usize, u64) -> &'f [Frame]) -> Self {
        let (nodes, innermost) = nodes(tally, frames_of);
        let (functions, index_of) = merge(nodes);
        let innermost = innermost.into_iter();
        CallTree {
            functions,
            innermost: innermost.map(|(at, node)| (at, index_of[node])).collect(),
        }
    }

    /// Returns the innermost function of an instruction that took a fault.
    pub fn innermost(&self, program: usize, program_counter: u64) -> Option<FunctionIndex> {
        self.innermost.get(&(program, program_counter)).copied()
    }

    pub fn function(&self, index: FunctionIndex) -> &Function {
        &self.functions[index]
    }

    /// Returns a function and those that it was inlined into, from the innermost outwards.
    pub fn outwards(&self, index: FunctionIndex) -> impl Iterator<Item = &Function> + Clone {
        let first = Some(self.function(index));
        std::iter::successors(first, |function| {
            function.inlined_into.map(|index| self.function(index))
        })
    }
}

impl Function {
    /// Returns the name, with the start or the source line if another function has the same name.
    pub fn label(&self) -> Option<String> {
        let name = self.name.as_deref()?;
        let distinction = match (self.start, &self.source) {
            _ if !self.is_ambiguous => None,
            (Some(Start::InModule(offset)), _) => Some(format!("+{offset:#x}")),
            (Some(Start::Address(address)), _) => Some(format!("{address:#x}")),
            (None, Some(source)) => Some(short_source(source)),
            (None, None) => None,
        };
        Some(match distinction {
            Some(distinction) => format!("{name} [{distinction}]"),
            None => name.to_owned(),
        })
    }
}

fn short_source(source: &SourceLine) -> String {
    let file = Path::new(source.path.file_name().unwrap_or(source.path.as_os_str()));
    let file = String::from_utf8_lossy(file.as_os_str().as_encoded_bytes());
    match source.line {
        Some(line) => format!("{file}:{line}"),
        None => file.into_owned(),
    }
}

/// Returns the functions with a node for each call of an inlined one, parents first, and the
/// innermost node of each instruction.
fn nodes<'f>(
    tally: &Tally,
    frames_of: impl Fn(usize, u64) -> &'f [Frame],
) -> (Vec<Node>, HashMap<(usize, u64), usize>) {
    let mut instructions: BTreeMap<(usize, u64), u64> = BTreeMap::new();
    for (key, counts) in &tally.counts {
        let faults = instructions.entry((key.program, key.program_counter));
        *faults.or_default() += counts.total();
    }
    let mut nodes: Vec<Node> = Vec::new();
    let mut known = HashMap::new();
    let mut innermost = HashMap::new();
    for ((index, counter), faults) in instructions {
        let program = &tally.programs[index];
        let frames = frames_of(index, counter);
        let root = Arc::new((ProcessName::new(program), program.module(counter, frames)));
        let mut parent = None;
        let mut call = None;
        let mut chain: Vec<Option<&Frame>> = frames.iter().map(Some).collect();
        if chain.is_empty() {
            chain.push(None);
        }
        for frame in chain {
            let name = frame.and_then(|frame| frame.function.clone());
            let start = frame.and_then(|frame| start_of(program, counter, frame));
            let source = frame.and_then(|frame| frame.source.as_ref());
            let file = source
                .map(|source| &source.path)
                .filter(|_| parent.is_some());
            let key = (root.clone(), parent, name.clone(), start, call, file);
            let node = *known.entry(key).or_insert_with(|| {
                nodes.push(Node {
                    parent,
                    root: (*root).clone(),
                    name,
                    start,
                    lines: HashMap::new(),
                });
                nodes.len() - 1
            });
            if let Some(source) = source {
                *nodes[node].lines.entry(source.clone()).or_default() += faults;
            }
            (parent, call) = (Some(node), source);
        }
        innermost.extend(parent.map(|node| ((index, counter), node)));
    }
    (nodes, innermost)
}

/// Returns where the function of an outermost frame starts.
fn start_of(program: &Program, counter: u64, frame: &Frame) -> Option<Start> {
    let start = counter.checked_sub(frame.offset.filter(|_| frame.function.is_some())?)?;
    let location = program.space.as_ref()?.map.resolve(counter);
    let base = location.and_then(|location| Some(location.module?.base));
    // Generated code can lie in the range of a module.
    Some(match base.filter(|_| frame.module.is_some()) {
        Some(base) => Start::InModule(start.checked_sub(base)?),
        None => Start::Address(start),
    })
}

/// Merges nodes of the same function. Returns the functions, and the function of each node.
fn merge(nodes: Vec<Node>) -> (Vec<Function>, Vec<FunctionIndex>) {
    let mut index_of: Vec<FunctionIndex> = Vec::with_capacity(nodes.len());
    let mut known = HashMap::new();
    let mut names: HashMap<_, u32> = HashMap::new();
    let mut functions: Vec<Function> = Vec::new();
    let mut lines: Vec<HashMap<SourceLine, u64>> = Vec::new();
    for node in nodes {
        let inlined_into = node.parent.map(|parent| index_of[parent]);
        let source = most_frequent(&node.lines).cloned();
        let place = (node.root, inlined_into, node.name);
        let distinction = (node.start, source.filter(|_| inlined_into.is_some()));
        let index = *known
            .entry((place.clone(), distinction))
            .or_insert_with(|| {
                *names.entry(place.clone()).or_default() += 1;
                let ((process, module), _, name) = place;
                functions.push(Function {
                    process,
                    module,
                    name,
                    start: node.start,
                    inlined_into,
                    source: None,
                    is_ambiguous: false,
                });
                lines.push(HashMap::new());
                functions.len() - 1
            });
        for (source, faults) in node.lines {
            *lines[index].entry(source).or_default() += faults;
        }
        index_of.push(index);
    }
    for (function, lines) in functions.iter_mut().zip(lines) {
        function.source = most_frequent(&lines).cloned();
        let root = (function.process.clone(), function.module.clone());
        let place = (root, function.inlined_into, function.name.clone());
        function.is_ambiguous = names.get(&place).is_some_and(|&count| count > 1);
    }
    (functions, index_of)
}

/// Returns the line with the most faults. Ties are broken by path and line: the order of a hash map
/// differs from run to run.
fn most_frequent(lines: &HashMap<SourceLine, u64>) -> Option<&SourceLine> {
    let most = lines.iter().max_by(|(a, faults), (b, other)| {
        faults
            .cmp(other)
            .then(b.path.cmp(&a.path))
            .then(b.line.cmp(&a.line))
    });
    most.map(|(source, _)| source)
}
