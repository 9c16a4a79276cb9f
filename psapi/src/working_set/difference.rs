//! Changes between two working sets of one process.
//!
//! The address space is cut into pieces at every boundary of a mapping before or after. A piece
//! therefore lies in at most one mapping of each working set. For each piece, `are_same` decides
//! whether both mappings map the same thing there, so that pages can be compared. A walk over the
//! runs of both sides, piece by piece, then yields the changes.

use std::ops::Range;

use super::WorkingSet;
use super::ranges::Ranges;
use super::run::{PageRun, Run};
use super::totals::PageTotals;
use super::transitions::{PageTransitions, TransitionTotals};
use crate::error::{Error, ErrorCause, Operation, Result, SourceError};
use crate::mapping::{Backing, Mapping};
use crate::page::PageAttributes;

/// The changes between two working sets of one process: the pages that were added, removed or
/// changed.
///
/// A page is compared with the page that was at its address before if the same thing is mapped
/// there. That is the same position in the same file or shared memory, or any private memory.
/// Permissions do not matter. So a mapping can grow, shrink, be split, or be joined with its
/// neighbor, and its remaining pages still compare as the same. If something else is mapped, the
/// old pages count as removed and the new pages as added.
///
/// Moved memory (`mremap`) is compared by address. Private memory that was unmapped and mapped
/// again at the same address cannot be distinguished from memory that stayed.
///
/// A page is present if it is in memory or in a page file. The comparison leaves out guard regions,
/// which take no memory, and attributes that are unknown in one of the working sets.
///
/// The value holds no pages of its own, but walks over the runs of both working sets. Returned by
/// [`WorkingSet::difference`].
#[derive(Debug, Clone)]
pub struct WorkingSetDifference<'a> {
    before: &'a WorkingSet,
    after: &'a WorkingSet,
    /// By ascending address.
    pieces: Vec<Piece>,
    pairs: Vec<Pair>,
    known: PageAttributes,
}

/// A run of neighboring pages of one mapping with the same change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageDifference<'a> {
    /// The first address.
    pub start: u64,
    /// The address after the last.
    pub end: u64,
    /// The pages before. `None` if they were absent, or if something else was mapped.
    pub before: Option<PageRun<'a>>,
    /// The pages after. `None` if they are absent, or if something else is mapped.
    pub after: Option<PageRun<'a>>,
    /// The changes of the pages; empty if they were added or removed.
    pub transitions: PageTransitions,
}

/// The kind of a [`PageDifference`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum DifferenceKind {
    /// The pages were absent before.
    Added,
    /// The pages are absent after.
    Removed,
    /// The pages are present before and after, and changed.
    Changed,
    /// The pages are present before and after, and only their share counts changed: through other
    /// processes, or through other mappings.
    SharesChanged,
}

impl PageDifference<'_> {
    /// Returns the size of the pages in bytes.
    pub fn size(&self) -> u64 {
        self.end - self.start
    }

    /// Returns the kind of the change.
    pub fn kind(&self) -> DifferenceKind {
        match (self.before, self.after) {
            (None, _) => DifferenceKind::Added,
            (_, None) => DifferenceKind::Removed,
            _ if self.transitions == PageTransitions::SHARES => DifferenceKind::SharesChanged,
            _ => DifferenceKind::Changed,
        }
    }
}

/// The changes of a mapping, or of a part of a mapping that was split or joined with another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct MappingDifference<'a> {
    /// The mapping before; `None` if it was created later.
    pub before: Option<&'a Mapping>,
    /// The mapping after; `None` if it was unmapped.
    pub after: Option<&'a Mapping>,
    /// The changes of its pages.
    pub totals: DifferenceTotals,
}

/// Sizes of the pages of a difference, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct DifferenceTotals {
    /// All pages before.
    pub before: PageTotals,
    /// All pages after.
    pub after: PageTotals,
    /// Pages that are present only after.
    pub added: PageTotals,
    /// Pages that were present only before.
    pub removed: PageTotals,
    /// Pages with changes other than their share count.
    pub changed: u64,
    /// Pages whose only change is the share count. `None` if the counts of some pages could not be
    /// compared: they were not requested, or they are not exact.
    pub only_shares_changed: Option<u64>,
    /// The changes of the pages that are present before and after.
    pub transitions: TransitionTotals,
}

impl DifferenceTotals {
    /// Returns empty totals.
    fn none(known: PageAttributes) -> Self {
        let none = PageTotals::none(known);
        DifferenceTotals {
            before: none,
            after: none,
            added: none,
            removed: none,
            changed: 0,
            only_shares_changed: Some(0),
            transitions: TransitionTotals::none(known),
        }
    }

    /// Returns true if nothing changed, as far as is known.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty()
            && self.removed.is_empty()
            && self.changed == 0
            && self.only_shares_changed.unwrap_or(0) == 0
    }

    /// Returns the growth of the resident pages in bytes, which can be negative.
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
        if let (Some(before), Some(after)) = (&step.before, &step.after) {
            self.transitions.note_unknown(before, after);
            if self.transitions.shares.is_none() {
                self.only_shares_changed = None;
            }
        }
        let Some(change) = step.change(known) else {
            return;
        };
        match (change.kind(), &change.before, &change.after) {
            (DifferenceKind::Added, _, Some(run)) => self.added.add(run),
            (DifferenceKind::Removed, Some(run), _) => self.removed.add(run),
            (DifferenceKind::SharesChanged, ..) => {
                if let Some(bytes) = &mut self.only_shares_changed {
                    *bytes += change.size();
                }
            }
            _ => self.changed += change.size(),
        }
        self.transitions.add(change.transitions, change.size());
    }
}

impl WorkingSet {
    /// Returns the changes since an earlier working set of the same process, which can be
    /// [read from a file](Self::read_from).
    ///
    /// If the process executed another program in between, nearly all old pages count as removed
    /// and all new pages as added. The exception is a file that both programs map at the same
    /// address, which happens if the kernel does not randomize addresses.
    ///
    /// Cost: about as much as iterating over the runs of both working sets.
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
    /// [`ErrorKind::InvalidParameter`](crate::ErrorKind::InvalidParameter) if `before` belongs to
    /// another process, or its pages have another size. A process that had the same id earlier, or
    /// has it on another machine, is another process.
    pub fn difference<'a>(&'a self, before: &'a WorkingSet) -> Result<WorkingSetDifference<'a>> {
        let invalid = |reason| {
            let source = SourceError::new("", ErrorCause::Invalid(reason));
            let operation = Operation::COMPARE_WORKING_SETS;
            Err(Error::new(operation, Some(self.process()), source, None))
        };
        if !self.identity.is_of_same_process(&before.identity) {
            return invalid("they belong to different processes");
        }
        if self.page_size != before.page_size {
            return invalid("their page sizes differ");
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
    /// Returns the earlier working set.
    pub fn before(&self) -> &'a WorkingSet {
        self.before
    }

    /// Returns the later working set.
    pub fn after(&self) -> &'a WorkingSet {
        self.after
    }

    /// Returns the attributes that were compared: the attributes known in both working sets.
    pub fn known(&self) -> PageAttributes {
        self.known
    }

    /// Returns the pages that were added, removed or changed, by ascending address. If something
    /// else is mapped, the removed and the added pages have the same addresses.
    pub fn pages(&self) -> impl Iterator<Item = PageDifference<'a>> {
        let known = self.known;
        self.steps().filter_map(move |(_, step)| step.change(known))
    }

    /// Returns the totals of all pages.
    pub fn totals(&self) -> DifferenceTotals {
        let mut totals = DifferenceTotals::none(self.known);
        for (_, step) in self.steps() {
            totals.add(&step, self.known);
        }
        totals
    }

    /// Returns the totals of each mapping of either working set, by ascending address.
    ///
    /// A mapping that was split yields one item for each part that is still mapped. A mapping that
    /// was joined from several yields one item for each of them. The first item also contains the
    /// pages outside of these parts.
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

    /// Returns the totals of each range of addresses, and of the pages outside of all ranges.
    ///
    /// The totals are in the order of the ranges. Where ranges overlap, a page counts for the range
    /// that begins first.
    pub fn totals_by_range(
        &self,
        ranges: &[Range<u64>],
    ) -> (Vec<DifferenceTotals>, DifferenceTotals) {
        let none = DifferenceTotals::none(self.known);
        let (mut totals, mut outside) = (vec![none; ranges.len()], none);
        let ranges = Ranges::new(ranges);
        for (_, step) in self.steps() {
            let mut rest = Some(step);
            while let Some(step) = rest {
                let (range, until) = ranges.find(step.start());
                let (first, others) = step.split(until);
                let sum = range.map_or(&mut outside, |range| &mut totals[range]);
                sum.add(&first, self.known);
                rest = others;
            }
        }
        (totals, outside)
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
    /// Whether both mappings map the same thing in the piece.
    same: bool,
}

/// The part of a mapping that lies in a piece.
#[derive(Debug, Clone, Copy)]
struct Part {
    mapping: usize,
    /// The index of the pair that the pages of the piece are counted for.
    pair: usize,
}

/// The indices of a mapping before and of the mapping that it became.
#[derive(Debug, Clone, Copy)]
struct Pair {
    before: Option<usize>,
    after: Option<usize>,
}

/// Cuts the address space wherever a mapping of either list begins or ends.
///
/// Merges both sorted lists: `b` and `a` are the next mappings, and `at` is the address up to which
/// pieces exist.
fn pieces(before: &[Mapping], after: &[Mapping]) -> Vec<Piece> {
    let mut pieces = Vec::with_capacity(before.len().max(after.len()));
    let (mut b, mut a) = (0, 0);
    let mut at = 0;
    while b < before.len() || a < after.len() {
        // The parts of both mappings from `at` on.
        let rest =
            |mapping: Option<&Mapping>| mapping.map(|mapping| mapping.start.max(at)..mapping.end);
        let (was, is) = (rest(before.get(b)), rest(after.get(a)));
        let ranges = [&was, &is];
        let ranges = || ranges.into_iter().flatten();
        let start = ranges().map(|range| range.start).min().unwrap_or(at);
        // The piece ends at the next boundary of either mapping.
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

/// Returns true if both mappings map the same thing at an address.
fn are_same(before: &Mapping, after: &Mapping, address: u64) -> bool {
    if (before.shared, before.file) != (after.shared, after.file) {
        return false;
    }
    let offset = |mapping: &Mapping| Some(mapping.offset?.wrapping_add(address - mapping.start));
    if before.file.is_some() {
        return offset(before) == offset(after);
    }
    // All private memory counts as the same. Its name can change at any time, and a part that was
    // split off a stack or heap loses that name.
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

/// Pairs each mapping with the mapping that it became, and assigns each piece to a pair.
///
/// Each piece that maps the same thing before and after is a pair. Other pieces of a mapping count
/// for the mapping's first pair. A mapping without any pair gets one of its own.
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
    // Sort the pairs by address. The sort is stable, so that at equal addresses the mapping before
    // precedes the mapping after.
    let mut order: Vec<usize> = (0..pairs.len()).collect();
    order.sort_by_key(|&at| pairs[at].0);
    let mut new_index = vec![0; pairs.len()];
    for (new, &old) in order.iter().enumerate() {
        new_index[old] = new;
    }
    for piece in pieces {
        for part in [&mut piece.before, &mut piece.after].into_iter().flatten() {
            part.pair = new_index[part.pair];
        }
    }
    order.into_iter().map(|at| pairs[at].1).collect()
}

/// An iterator over the runs of both working sets side by side. Yields each step with the index of
/// the pair that it counts for.
struct Steps<'a, 'd> {
    before: Side<'a>,
    after: Side<'a>,
    pieces: &'d [Piece],
}

/// Pages that lie in at most one run of each working set.
struct Step<'a> {
    before: Option<PageRun<'a>>,
    after: Option<PageRun<'a>>,
}

impl<'a> Step<'a> {
    /// Returns the first address. If both runs exist, they cover the same addresses.
    fn start(&self) -> u64 {
        let run = self.after.or(self.before);
        run.map_or(u64::MAX, |run| run.start)
    }

    /// Splits the pages at an address. The second part is `None` if they end there or before.
    fn split(self, at: u64) -> (Self, Option<Self>) {
        let until = |run: PageRun<'a>| PageRun {
            end: run.end.min(at),
            ..run
        };
        let from = |run: PageRun<'a>| PageRun {
            start: run.start.max(at),
            ..run
        };
        let ends = |run: &PageRun<'a>| run.end <= at;
        let first = Step {
            before: self.before.map(until),
            after: self.after.map(until),
        };
        if self.before.iter().chain(&self.after).all(ends) {
            return (first, None);
        }
        let others = Step {
            before: self.before.map(from),
            after: self.after.map(from),
        };
        (first, Some(others))
    }

    /// Returns the change of the pages; `None` if they did not change.
    fn change(self: &Step<'a>, known: PageAttributes) -> Option<PageDifference<'a>> {
        let is_present = |run: &PageRun<'_>| !run.attributes.contains(PageAttributes::GUARD);
        let (before, after) = (
            self.before.filter(is_present),
            self.after.filter(is_present),
        );
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

/// The remaining runs of one working set.
struct Side<'a> {
    set: &'a WorkingSet,
    rest: &'a [Run],
    /// The address up to which runs were consumed.
    at: u64,
}

impl<'a> Side<'a> {
    /// Returns the rest of the next run, cut off at `end`; `None` if it begins at `end` or later.
    fn next(&mut self, end: u64) -> Option<PageRun<'a>> {
        while let [first, others @ ..] = self.rest {
            let mut run = first.expand(&self.set.mappings, self.set.page_size);
            run.start = run.start.max(self.at);
            if run.start < run.end {
                run.end = run.end.min(end);
                return (run.start < run.end).then_some(run);
            }
            self.rest = others;
        }
        None
    }
}

impl<'a> Iterator for Steps<'a, '_> {
    type Item = (usize, Step<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let [piece, others @ ..] = self.pieces else {
                return None;
            };
            let end = piece.range.end;
            let pair = |part: &Option<Part>| part.map_or(0, |part| part.pair);
            let pairs = (pair(&piece.before), pair(&piece.after));
            let (before, after) = (self.before.next(end), self.after.next(end));
            let (mut before, mut after) = match (before, after) {
                (None, None) => {
                    self.pieces = others;
                    continue;
                }
                // Different things are mapped: take the run that begins first, alone.
                (Some(was), Some(is)) if !piece.same && was.start <= is.start => (Some(was), None),
                (Some(_), Some(is)) if !piece.same => (None, Some(is)),
                (before, after) => (before, after),
            };
            if let (Some(was), Some(is)) = (&mut before, &mut after) {
                // Cut the runs so that they cover equal ranges, or take only the part of the first
                // run before the other begins.
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
