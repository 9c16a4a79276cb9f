//! What changed between two working sets of one process.

use std::ops::Range;

use super::WorkingSet;
use super::run::{PageAttributes, PageRun, Run};
use super::totals::PageTotals;
use super::transitions::{PageTransitions, TransitionTotals};
use crate::error::{Asked, Cause, Refusal, Result};
use crate::mapping::{Backing, Mapping};

/// What changed between two working sets of one process: which pages came, which went, and what
/// became of those that stayed. It holds no pages of its own, but walks through the runs of both.
///
/// A page is compared with the one that was at its address before, as long as the same is mapped
/// there: the same place in the same file or shared memory, or private memory, with whatever
/// permissions. So a mapping may grow, shrink, be split or be joined to its neighbour without
/// making other pages of its pages. Where something else is mapped, the pages of the one were
/// removed and those of the other added. That goes for memory that was moved (`mremap`), too: it is
/// compared by address. Private memory that was unmapped, and mapped anew at the same address,
/// can't be told from memory that stayed.
///
/// A page is there if it is in memory or in a page file. Guard regions, which take no memory, are
/// not compared. Neither is what one of the two working sets does not know.
///
/// Made by [`WorkingSet::difference`].
#[derive(Debug, Clone)]
pub struct WorkingSetDifference<'a> {
    before: &'a WorkingSet,
    after: &'a WorkingSet,
    /// Ascending.
    pieces: Vec<Piece>,
    pairs: Vec<Pair>,
    known: PageAttributes,
}

/// Neighbouring pages of one mapping that were alike, are alike, and are not what they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageDifference<'a> {
    /// The first address.
    pub start: u64,
    /// The address after the last.
    pub end: u64,
    /// What they were. `None`: they were not there, or something else was mapped.
    pub before: Option<PageRun<'a>>,
    /// What they are. `None`: they are not there any more, or something else is mapped.
    pub after: Option<PageRun<'a>>,
    /// What of them changed; nothing of pages that came or went.
    pub transitions: PageTransitions,
}

/// Whether pages came, went or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum DifferenceKind {
    /// They were not there before.
    Added,
    /// They are not there any more.
    Removed,
    /// They are there and were there.
    Changed,
    /// They are what they were, but part of more or fewer mappings: the doing of other processes,
    /// or of other mappings.
    SharesChanged,
}

impl PageDifference<'_> {
    /// How much it is, in bytes.
    pub fn size(&self) -> u64 {
        self.end - self.start
    }

    /// Whether the pages came, went or changed.
    pub fn kind(&self) -> DifferenceKind {
        match (self.before, self.after) {
            (None, _) => DifferenceKind::Added,
            (_, None) => DifferenceKind::Removed,
            _ if self.transitions == PageTransitions::SHARES => DifferenceKind::SharesChanged,
            _ => DifferenceKind::Changed,
        }
    }
}

/// What changed of a mapping, or of a part of one that was split or joined to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct MappingDifference<'a> {
    /// What it was. `None`: it was mapped since.
    pub before: Option<&'a Mapping>,
    /// What it is. `None`: it was unmapped since.
    pub after: Option<&'a Mapping>,
    /// What changed of its pages.
    pub totals: DifferenceTotals,
}

/// How much changed, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct DifferenceTotals {
    /// All pages as they were.
    pub before: PageTotals,
    /// All pages as they are.
    pub after: PageTotals,
    /// Those that came.
    pub added: PageTotals,
    /// Those that went.
    pub removed: PageTotals,
    /// Those that stayed and changed, leaving out those of which only the share count did.
    pub changed: u64,
    /// Those of which only the share count changed.
    pub only_shares_changed: u64,
    /// What changed of those that stayed.
    pub transitions: TransitionTotals,
}

impl DifferenceTotals {
    fn none(known: PageAttributes) -> Self {
        let none = PageTotals::none(known);
        DifferenceTotals {
            before: none,
            after: none,
            added: none,
            removed: none,
            ..DifferenceTotals::default()
        }
    }

    /// Whether nothing changed at all.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty()
            && self.removed.is_empty()
            && self.changed == 0
            && self.only_shares_changed == 0
    }

    /// By how much more is in memory than was, in bytes.
    pub fn growth(&self) -> i64 {
        self.after.resident.wrapping_sub(self.before.resident) as i64
    }

    fn add(&mut self, step: &Step<'_>, known: PageAttributes) {
        if let Some(run) = &step.before {
            self.before.add(run);
        }
        if let Some(run) = &step.after {
            self.after.add(run);
        }
        let Some(change) = step.change(known) else {
            return;
        };
        match (change.kind(), &change.before, &change.after) {
            (DifferenceKind::Added, _, Some(run)) => self.added.add(run),
            (DifferenceKind::Removed, Some(run), _) => self.removed.add(run),
            (DifferenceKind::SharesChanged, ..) => self.only_shares_changed += change.size(),
            _ => self.changed += change.size(),
        }
        self.transitions.add(change.transitions, change.size());
    }
}

impl WorkingSet {
    /// What changed since an earlier working set of the same process, which may have been
    /// [saved](Self::read_from).
    ///
    /// If the process has executed another program in between, all that this has mapped was added
    /// and what the other had was removed, but for what both have mapped at the same address: where
    /// the kernel does not place programs at random, that may be whole files.
    ///
    /// Cost: about as much as going through the runs of both.
    ///
    /// ```
    /// let me = psapi::System::new().current_process()?;
    /// let before = me.working_set()?;
    /// let filled = vec![1u8; 8 << 20];
    /// let after = me.working_set()?;
    /// let difference = after.difference(&before)?;
    /// assert!(difference.totals().added.private >= filled.len() as u64);
    /// for change in difference.pages() {
    ///     println!("{:#x} {:>9} {:?} {:?}", change.start, change.size(), change.kind(), change.transitions);
    /// }
    /// # Ok::<(), psapi::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidParameter`](crate::ErrorKind::InvalidParameter) if the other is of
    /// another process – one that had the id before, or has it on another machine, is another –
    /// or of pages of another size.
    pub fn difference<'a>(&'a self, before: &'a WorkingSet) -> Result<WorkingSetDifference<'a>> {
        let refused = |why| {
            let refusal = Refusal::new("", Cause::Invalid(why));
            Err(refusal.of(Asked::TO_COMPARE_WORKING_SETS, self.process()))
        };
        if !self.identity.is_of_same_process(&before.identity) {
            return refused("they are of two processes");
        }
        if self.page_size != before.page_size {
            return refused("their pages are of two sizes");
        }
        let mut pieces = pieces(&before.mappings, &self.mappings);
        let pairs = pairs(&mut pieces, &before.mappings, &self.mappings);
        Ok(WorkingSetDifference {
            before,
            after: self,
            pieces,
            pairs,
            known: before.known & self.known,
        })
    }
}

impl<'a> WorkingSetDifference<'a> {
    /// The working set before.
    pub fn before(&self) -> &'a WorkingSet {
        self.before
    }

    /// The working set after.
    pub fn after(&self) -> &'a WorkingSet {
        self.after
    }

    /// What both know of each page, and so was compared.
    pub fn known(&self) -> PageAttributes {
        self.known
    }

    /// The pages that came, went or changed, by ascending address. Where something else is mapped,
    /// those that went and those that came have the same addresses.
    pub fn pages(&self) -> impl Iterator<Item = PageDifference<'a>> {
        let known = self.known;
        self.steps().filter_map(move |(_, step)| step.change(known))
    }

    /// All pages.
    pub fn totals(&self) -> DifferenceTotals {
        let mut totals = DifferenceTotals::none(self.known);
        for (_, step) in self.steps() {
            totals.add(&step, self.known);
        }
        totals
    }

    /// The pages of each mapping that was or is there, by ascending address. One that was split
    /// comes once for each of its parts that is still mapped, and one that others were joined to
    /// once for each of these; what it has beyond them is with the first.
    pub fn totals_by_mapping(&self) -> impl Iterator<Item = MappingDifference<'a>> {
        let mut totals = vec![DifferenceTotals::none(self.known); self.pairs.len()];
        for (pair, step) in self.steps() {
            totals[pair].add(&step, self.known);
        }
        let (before, after) = (self.before, self.after);
        let pairs = self.pairs.clone().into_iter().zip(totals);
        pairs.map(|(pair, totals)| MappingDifference {
            before: pair.before.map(|index| &before.mappings[index]),
            after: pair.after.map(|index| &after.mappings[index]),
            totals,
        })
    }

    fn steps(&self) -> Steps<'a, '_> {
        let side = |set: &'a WorkingSet| Side {
            set,
            rest: &set.runs,
            at: 0,
        };
        Steps {
            before: side(self.before),
            after: side(self.after),
            pieces: &self.pieces,
        }
    }
}

/// A part of the address space that lies in at most one mapping of each working set.
#[derive(Debug, Clone)]
struct Piece {
    range: Range<u64>,
    before: Option<Part>,
    after: Option<Part>,
    /// Whether both mappings are of the same there.
    same: bool,
}

/// The part of a mapping that lies in a piece.
#[derive(Debug, Clone, Copy)]
struct Part {
    mapping: usize,
    /// With which pair its pages count.
    pair: usize,
}

/// A mapping and what became of it, by their indices.
#[derive(Debug, Clone, Copy)]
struct Pair {
    before: Option<usize>,
    after: Option<usize>,
}

/// Cuts the address space wherever a mapping begins or ends.
fn pieces(before: &[Mapping], after: &[Mapping]) -> Vec<Piece> {
    let mut pieces = Vec::with_capacity(before.len().max(after.len()));
    let (mut b, mut a) = (0, 0);
    let mut at = 0;
    while b < before.len() || a < after.len() {
        let rest =
            |mapping: Option<&Mapping>| mapping.map(|mapping| mapping.start.max(at)..mapping.end);
        let (was, is) = (rest(before.get(b)), rest(after.get(a)));
        let ranges = [&was, &is];
        let ranges = || ranges.into_iter().flatten();
        let start = ranges().map(|range| range.start).min().unwrap_or(at);
        let bounds = ranges().flat_map(|range| [range.start, range.end]);
        let end = bounds.filter(|&bound| bound > start).min().unwrap_or(at);
        let part = |range: &Option<Range<u64>>, mapping| {
            let covers = range.as_ref().is_some_and(|range| range.start <= start);
            covers.then_some(Part { mapping, pair: 0 })
        };
        let (before_part, after_part) = (part(&was, b), part(&is, a));
        let same =
            before_part.is_some() && after_part.is_some() && are_same(&before[b], &after[a], start);
        pieces.push(Piece {
            range: start..end,
            before: before_part,
            after: after_part,
            same,
        });
        at = end;
        b += usize::from(was.is_some_and(|range| range.end <= at));
        a += usize::from(is.is_some_and(|range| range.end <= at));
    }
    pieces
}

/// Whether what is mapped at an address is what was.
fn are_same(before: &Mapping, after: &Mapping, address: u64) -> bool {
    if (before.shared, before.file) != (after.shared, after.file) {
        return false;
    }
    let place = |mapping: &Mapping| mapping.offset.wrapping_add(address - mapping.start);
    if before.file.is_some() {
        return place(before) == place(after);
    }
    // Names of private memory come and go, and what was cut off a stack or heap is called neither.
    let is_private = |mapping: &Mapping| {
        matches!(
            mapping.backing,
            Backing::Anonymous { .. } | Backing::Heap | Backing::Stack
        )
    };
    match (is_private(before), is_private(after)) {
        (true, true) => true,
        (false, false) => before.backing == after.backing,
        _ => false,
    }
}

/// Finds which mapping became which, and with which pair the pages of each piece count.
fn pairs(pieces: &mut [Piece], before: &[Mapping], after: &[Mapping]) -> Vec<Pair> {
    let mut pairs: Vec<(u64, Pair)> = Vec::with_capacity(before.len().max(after.len()));
    let mut first_before = vec![None; before.len()];
    let mut first_after = vec![None; after.len()];
    for piece in pieces.iter_mut().filter(|piece| piece.same) {
        if let (Some(was), Some(is)) = (&mut piece.before, &mut piece.after) {
            (was.pair, is.pair) = (pairs.len(), pairs.len());
            first_before[was.mapping].get_or_insert(pairs.len());
            first_after[is.mapping].get_or_insert(pairs.len());
            let pair = Pair {
                before: Some(was.mapping),
                after: Some(is.mapping),
            };
            pairs.push((piece.range.start, pair));
        }
    }
    for piece in pieces.iter_mut().filter(|piece| !piece.same) {
        let start = piece.range.start;
        let mut alone = |pair| {
            pairs.push((start, pair));
            pairs.len() - 1
        };
        if let Some(part) = &mut piece.before {
            part.pair = *first_before[part.mapping].get_or_insert_with(|| {
                alone(Pair {
                    before: Some(part.mapping),
                    after: None,
                })
            });
        }
        if let Some(part) = &mut piece.after {
            part.pair = *first_after[part.mapping].get_or_insert_with(|| {
                alone(Pair {
                    before: None,
                    after: Some(part.mapping),
                })
            });
        }
    }
    // By address; where something else is mapped now, what was comes first.
    let mut order: Vec<usize> = (0..pairs.len()).collect();
    order.sort_by_key(|&at| pairs[at].0);
    let mut place = vec![0; pairs.len()];
    for (new, &old) in order.iter().enumerate() {
        place[old] = new;
    }
    for piece in pieces {
        for part in [&mut piece.before, &mut piece.after].into_iter().flatten() {
            part.pair = place[part.pair];
        }
    }
    order.into_iter().map(|at| pairs[at].1).collect()
}

/// A walk through the runs of both, side by side, with the pair that they count with.
struct Steps<'a, 'd> {
    before: Side<'a>,
    after: Side<'a>,
    pieces: &'d [Piece],
}

/// Pages that are part of at most one run of each.
struct Step<'a> {
    before: Option<PageRun<'a>>,
    after: Option<PageRun<'a>>,
}

impl<'a> Step<'a> {
    /// What changed, if anything did.
    fn change(self: &Step<'a>, known: PageAttributes) -> Option<PageDifference<'a>> {
        let is_there = |run: &PageRun<'_>| !run.attributes.contains(PageAttributes::GUARD);
        let (before, after) = (self.before.filter(is_there), self.after.filter(is_there));
        let transitions = match (&before, &after) {
            (Some(before), Some(after)) => {
                let transitions = PageTransitions::between(before, after, known);
                (!transitions.is_empty()).then_some(transitions)?
            }
            _ => PageTransitions::empty(),
        };
        let run = after.or(before)?;
        Some(PageDifference {
            start: run.start,
            end: run.end,
            before,
            after,
            transitions,
        })
    }
}

/// What is left of the runs of one.
struct Side<'a> {
    set: &'a WorkingSet,
    rest: &'a [Run],
    /// How far it went.
    at: u64,
}

impl<'a> Side<'a> {
    /// What is left, up to an address, of the next run.
    fn next(&mut self, end: u64) -> Option<PageRun<'a>> {
        while let [first, behind @ ..] = self.rest {
            let mut run = first.of(&self.set.mappings, self.set.page_size);
            run.start = run.start.max(self.at);
            if run.start < run.end {
                run.end = run.end.min(end);
                return (run.start < run.end).then_some(run);
            }
            self.rest = behind;
        }
        None
    }
}

impl<'a> Iterator for Steps<'a, '_> {
    type Item = (usize, Step<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let [piece, behind @ ..] = self.pieces else {
                return None;
            };
            let end = piece.range.end;
            let of = |part: &Option<Part>| part.map_or(0, |part| part.pair);
            let pairs = (of(&piece.before), of(&piece.after));
            let (before, after) = (self.before.next(end), self.after.next(end));
            let (mut before, mut after) = match (before, after) {
                (None, None) => {
                    self.pieces = behind;
                    continue;
                }
                // What came first, alone.
                (Some(was), Some(is)) if !piece.same && was.start <= is.start => (Some(was), None),
                (Some(_), Some(is)) if !piece.same => (None, Some(is)),
                (before, after) => (before, after),
            };
            if let (Some(was), Some(is)) = (&mut before, &mut after) {
                // Up to where the other begins, or both to where the first of them ends.
                if was.start < is.start {
                    was.end = was.end.min(is.start);
                    after = None;
                } else if is.start < was.start {
                    is.end = is.end.min(was.start);
                    before = None;
                } else {
                    was.end = was.end.min(is.end);
                    is.end = was.end;
                }
            }
            if let Some(run) = &before {
                self.before.at = run.end;
            }
            if let Some(run) = &after {
                self.after.at = run.end;
            }
            let pair = before.map_or(pairs.1, |_| pairs.0);
            return Some((pair, Step { before, after }));
        }
    }
}
