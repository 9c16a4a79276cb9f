//! Functions of all instructions that took faults.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::call_tree::CallTree;
use crate::watch::engine::tally::Tally;
use crate::watch::engine::{Frame, MissingSymbols};

/// Frames by program and program counter.
#[derive(Debug)]
pub struct ResolvedCode {
    frames: HashMap<(usize, u64), Arc<[Frame]>>,
    functions: CallTree,
    missing: Vec<MissingSymbols>,
}

impl ResolvedCode {
    /// Symbolizes all program counters in a tally, one call for each program.
    pub fn new(tally: &mut Tally) -> Self {
        let keys = tally.counts.keys();
        let instructions: Vec<_> = keys.map(|key| (key.program, key.program_counter)).collect();
        ResolvedCode::of(instructions.into_iter(), tally)
    }

    /// Symbolizes instructions: programs and program counters.
    pub fn of(instructions: impl Iterator<Item = (usize, u64)>, tally: &mut Tally) -> Self {
        let mut by_program: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
        for (program, counter) in instructions {
            by_program.entry(program).or_default().push(counter);
        }
        let mut frames = HashMap::new();
        for (program, mut addresses) in by_program {
            addresses.sort_unstable();
            addresses.dedup();
            let resolved = tally.frames(program, &addresses);
            let resolved = addresses.into_iter().zip(resolved);
            frames.extend(resolved.map(|(address, frames)| ((program, address), frames)));
        }
        let functions = CallTree::new(tally, |program, counter| {
            frames
                .get(&(program, counter))
                .map_or(&[], |frames| &**frames)
        });
        ResolvedCode {
            frames,
            functions,
            missing: tally.missing_symbols(),
        }
    }

    /// Returns the functions that took faults.
    pub fn functions(&self) -> &CallTree {
        &self.functions
    }

    /// Returns the reasons why functions are unknown, one for each module.
    pub fn missing(&self) -> &[MissingSymbols] {
        &self.missing
    }

    /// Returns the frames of an instruction, the innermost last.
    pub fn frames(&self, program: usize, program_counter: u64) -> &[Frame] {
        self.frames
            .get(&(program, program_counter))
            .map_or(&[], |frames| &**frames)
    }
}
