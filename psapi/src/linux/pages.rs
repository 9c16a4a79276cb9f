//! What the pages of a process are, by either way that the kernel offers: `PAGEMAP_SCAN` where it
//! exists, else the words of `pagemap` beside the figures of `smaps`. Both give the same answers,
//! as far as the caller may know frames.

use std::ops::Range;

use rustix::io::Errno;

use super::frame_file::{FrameFile, FrameFlags};
use super::node;
use super::pagemap::{Pagemap, Word};
use super::pagemap_scan::{Found, Room, Scanner};
use crate::error::Refusal;
use crate::process::ProcessId;
use crate::working_set::{Page, PageAttributes, Shares};

/// How many words are read at once: those of some huge pages, whatever the size of a page, and as
/// many as let neighbouring frames meet. What the kernel looked at a moment ago is then still in the
/// processor's cache.
const WORDS: u64 = 1 << 14;

/// How many pages are scanned at once: some milliseconds' work of the kernel.
const STEP: u64 = 1 << 20;

/// What is known of a mapping beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// There is a file, shared memory, or something of the kernel's: in any other, no page is a
    /// file's.
    pub(crate) has_file: bool,
    /// A page there that is neither a file's nor of zeros is a device's: it is shared memory.
    pub(crate) special: bool,
    /// There may be pages in a page file. In any other, what the kernel calls swapped is a mark in
    /// an empty place, or is being moved in memory.
    pub(crate) swaps: bool,
    pub(crate) hugetlb: bool,
    pub(crate) locked: bool,
    /// What `smaps` says; asked for where words are read.
    pub(crate) counted: Option<Counted>,
    /// Where words are read, whether to read no more of them once all pages that `smaps` counts are
    /// found: it is too large to read all.
    pub(crate) sparse: bool,
}

/// How much of a mapping is in memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted {
    /// Pages of zeros left out.
    pub(crate) resident: u64,
    /// In a page file.
    pub(crate) swapped: u64,
    /// As huge pages, hugetlb ones left out.
    pub(crate) huge: u64,
}

impl Area {
    /// Adds what the mapping tells of its pages to what the kernel told of one.
    fn complete(&self, mut attributes: PageAttributes) -> PageAttributes {
        if attributes.contains(PageAttributes::GUARD) {
            attributes.remove(PageAttributes::SWAPPED | PageAttributes::WRITE_PROTECTED);
        }
        if !self.swaps {
            attributes.remove(PageAttributes::SWAPPED);
        }
        if !self.has_file {
            // The word of a huge page of zeros calls it a file's.
            attributes.remove(PageAttributes::FILE);
        }
        if attributes.contains(PageAttributes::RESIDENT) {
            let is_own = attributes.intersects(PageAttributes::FILE | PageAttributes::ZERO);
            if self.hugetlb {
                attributes |= PageAttributes::HUGE | PageAttributes::HUGETLB;
            } else if self.special && !is_own {
                attributes |= PageAttributes::SPECIAL;
            }
            attributes.set(PageAttributes::LOCKED, self.locked);
        }
        attributes
    }
}

/// Where the nodes of pages come from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Nodes {
    /// The machine has one.
    Only(u16),
    /// `move_pages` tells, of the process by this id.
    Asked(ProcessId),
    Unknown,
}

/// Of which pages it is asked how often they are mapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SharesOf {
    Nothing,
    /// Those of files and of shared memory.
    Shareable,
    All,
}

/// What is asked, and what may be used for it.
pub(crate) struct Question<'a> {
    pub(crate) pagemap: &'a Pagemap<'a>,
    pub(crate) page_size: u64,
    /// Ascending.
    pub(crate) areas: &'a [Area],
    pub(crate) shares: SharesOf,
    /// How often frames are mapped; `None` where that may not be known.
    pub(crate) counts: Option<FrameFile>,
    /// What frames are; `None` where that may not be known.
    pub(crate) flags: Option<FrameFile>,
    /// Whether the machine has broken memory.
    pub(crate) has_bad_memory: bool,
    pub(crate) nodes: Nodes,
    /// Is told how many bytes were found since it was told last, and may refuse to go on.
    pub(crate) progress: &'a mut dyn FnMut(u64) -> Result<(), Refusal>,
}

/// Hands over what the pages of ascending ranges are: the index of the area, the run, and what its
/// pages are. Returns what can be told at all. Without a scanner, what is told of a part of an area
/// is less than of the whole: huge pages, and pages of zeros to who may not know frames.
pub(crate) fn walk(
    question: Question<'_>,
    scanner: Option<Scanner>,
    ranges: impl IntoIterator<Item = Range<u64>>,
    sink: impl FnMut(usize, Range<u64>, Page),
) -> Result<PageAttributes, Refusal> {
    let mut known = scanner.map_or(PageAttributes::all(), |scanner| scanner.known());
    known |= BY_MAPPING;
    if question.has_bad_memory && question.flags.is_none() {
        known.remove(PageAttributes::BAD);
    }
    let mut walk = Walk {
        question,
        place: 0,
        words: Vec::new(),
        frames: Vec::new(),
        asked: Vec::new(),
        room: Room::default(),
        protects: None,
        found: 0,
        known,
        sink,
    };
    for range in ranges {
        match scanner {
            Some(scanner) => walk.scan(scanner, range)?,
            None => walk.read(range)?,
        }
    }
    Ok(walk.known)
}

/// What the scan does not tell, and needs not.
const BY_MAPPING: PageAttributes = PageAttributes::HUGETLB
    .union(PageAttributes::SPECIAL)
    .union(PageAttributes::LOCKED)
    .union(PageAttributes::BAD);

struct Walk<'a, F> {
    question: Question<'a>,
    /// The first area that may still be met.
    place: usize,
    words: Vec<u64>,
    frames: Vec<u64>,
    /// Which of the words the frames are of.
    asked: Vec<usize>,
    room: Room,
    /// Whether userfaultfd protects pages of the area that the scan has last found some in that it
    /// does not call written to.
    protects: Option<(usize, bool)>,
    /// How many bytes the scan found that progress was not told of yet.
    found: u64,
    known: PageAttributes,
    sink: F,
}

impl<F: FnMut(usize, Range<u64>, Page)> Walk<'_, F> {
    /// Takes the next part of a range that lies in one area from it.
    fn next_part(&mut self, range: &mut Range<u64>) -> Option<(usize, Range<u64>)> {
        let areas = self.question.areas;
        while areas.get(self.place)?.end <= range.start {
            self.place += 1;
        }
        let area = &areas[self.place];
        let part = range.start.max(area.start)..range.end.min(area.end);
        range.start = part.end.max(range.start);
        (!part.is_empty()).then_some((self.place, part))
    }

    /// What the scan finds in a range.
    fn scan(&mut self, scanner: Scanner, range: Range<u64>) -> Result<(), Refusal> {
        let areas = self.question.areas;
        let first = areas.partition_point(|area| area.end <= range.start);
        let count = areas[first..].partition_point(|area| area.start < range.end);
        let areas = &areas[first..first + count];
        let ways: Vec<_> = areas.iter().map(|area| self.way_to_scan(area)).collect();
        let mut at = 0;
        for equal in ways.chunk_by(|a, b| a == b) {
            let start = areas[at].start.max(range.start);
            at += equal.len();
            let end = areas[at - 1].end.min(range.end);
            self.scan_as(scanner, start..end, equal[0])?;
        }
        Ok(())
    }

    /// How many pages of an area are scanned at once: few, where they are then looked at more
    /// closely. And whether the scan has to tell pages of files from others. A small area may go
    /// with its neighbours.
    fn way_to_scan(&self, area: &Area) -> (u64, bool) {
        let is_small = (area.end - area.start) / self.question.page_size < WORDS;
        let step = match is_small || self.reads_words_of(area) {
            true => WORDS,
            false => STEP,
        };
        let words_tell = self.question.shares != SharesOf::Nothing;
        (step, !words_tell && (is_small || area.has_file))
    }

    fn scan_as(
        &mut self,
        scanner: Scanner,
        range: Range<u64>,
        (step, files): (u64, bool),
    ) -> Result<(), Refusal> {
        let pagemap = self.question.pagemap;
        let mut room = std::mem::take(&mut self.room);
        let sink = |found| match found {
            Found::Run(mut run, attributes) => {
                while let Some((index, part)) = self.next_part(&mut run) {
                    self.found(index, part, attributes)?;
                }
                Ok(())
            }
            Found::StepDone => (self.question.progress)(std::mem::take(&mut self.found)),
        };
        scanner.scan(pagemap, range, step, files, &mut room, sink)?;
        self.room = room;
        Ok(())
    }

    /// Whether the pages of an area are looked at one by one, after the scan.
    fn reads_words_of(&self, area: &Area) -> bool {
        match self.question.shares {
            _ if self.question.has_bad_memory => true,
            SharesOf::Nothing => false,
            SharesOf::Shareable => area.has_file,
            SharesOf::All => true,
        }
    }

    /// Hands over pages that the kernel has put together, after a look at their words if these
    /// tell more.
    fn found(
        &mut self,
        index: usize,
        part: Range<u64>,
        mut attributes: PageAttributes,
    ) -> Result<(), Refusal> {
        let area = self.question.areas[index];
        if attributes.contains(PageAttributes::WRITE_PROTECTED)
            && !self.protects_pages(index, part.start)?
        {
            attributes.remove(PageAttributes::WRITE_PROTECTED);
        }
        let page = Page::new(area.complete(attributes));
        if !page.attributes.intersects(WORTH_A_RUN) {
            return Ok(());
        }
        // The scan does not tell a page in a page file from a mark in an empty place.
        let words_tell_more =
            self.reads_words_of(&area) || page.attributes.contains(PageAttributes::SWAPPED);
        if !words_tell_more || page.attributes.contains(PageAttributes::ZERO) {
            self.found += part.end - part.start;
            self.hand_over(index, part, page);
            return Ok(());
        }
        let mut rest = part;
        while let Some(start) = self.next_words(&mut rest)? {
            let is_there = |word: u64| Word::attributes(word).intersects(WORTH_A_RUN);
            let attributes = |&word: &u64| match is_there(word) {
                true => area.complete(attributes | Word::attributes(word) & PageAttributes::FILE),
                // It left in the meantime.
                false => PageAttributes::empty(),
            };
            let mut pages: Vec<Page> = self.words.iter().map(attributes).map(Page::new).collect();
            self.look_up_frames(&mut pages);
            for (run, page) in runs(start, self.question.page_size, &pages) {
                if !page.attributes.is_empty() {
                    self.found += run.end - run.start;
                    self.hand_over(index, run, page);
                }
            }
        }
        Ok(())
    }

    /// Whether userfaultfd protects pages of an area, by the word of one that the scan does not call
    /// written to. Newer kernels (7.3 is one) call no page so where userfaultfd has no say.
    fn protects_pages(&mut self, index: usize, page: u64) -> Result<bool, Refusal> {
        if let Some((known, protects)) = self.protects
            && known == index
        {
            return Ok(protects);
        }
        let mut word = [0];
        self.question.pagemap.read(page, &mut word)?;
        let protects = Word::from_bits_truncate(word[0]).contains(Word::WRITE_PROTECTED);
        self.protects = Some((index, protects));
        Ok(protects)
    }

    /// What the words of a range say.
    fn read(&mut self, mut range: Range<u64>) -> Result<(), Refusal> {
        while let Some((index, part)) = self.next_part(&mut range) {
            let area = self.question.areas[index];
            let may_have_huge = area.counted.is_none_or(|counted| counted.huge > 0);
            let mut found: Vec<(Range<u64>, Page)> = Vec::new();
            let mut left = match area.counted {
                Some(counted) if area.sparse && counted.swapped == 0 => counted.resident,
                _ => u64::MAX,
            };
            let mut rest = part;
            while let Some(start) = self.next_words(&mut rest)? {
                if self.are_of_no_pages() {
                    (self.question.progress)(0)?;
                    continue;
                }
                let mut pages: Vec<Page> = self
                    .words
                    .iter()
                    .map(|&word| Page::new(area.complete(Word::attributes(word))))
                    .collect();
                if may_have_huge {
                    self.mark_huge(start, &mut pages);
                }
                self.look_up_frames(&mut pages);
                let mut bytes = 0;
                for (run, page) in runs(start, self.question.page_size, &pages) {
                    if page.attributes.intersects(WORTH_A_RUN) {
                        bytes += run.end - run.start;
                        join(&mut found, run, page);
                    }
                }
                (self.question.progress)(bytes)?;
                if area.sparse {
                    left = left.saturating_sub(self.surely_counted());
                }
                if left == 0 && !rest.is_empty() {
                    // `smaps` counts neither.
                    self.known
                        .remove(PageAttributes::ZERO | PageAttributes::GUARD);
                    break;
                }
            }
            if !area.hugetlb {
                self.tell_zeros(&area, &mut found)?;
                self.check_huge(&area, &mut found);
            }
            for (run, page) in found {
                self.hand_over(index, run, page);
            }
        }
        Ok(())
    }

    /// Reads the words of the next pages of a range, and takes these from it. Returns the address
    /// of the first.
    fn next_words(&mut self, rest: &mut Range<u64>) -> Result<Option<u64>, Refusal> {
        if rest.is_empty() {
            return Ok(None);
        }
        let (start, step) = (rest.start, WORDS * self.question.page_size);
        // Blocks begin and end where huge pages do.
        let end = rest.end.min((start / step + 1).saturating_mul(step));
        rest.start = end;
        let count = ((end - start) / self.question.page_size) as usize;
        self.words.resize(count, 0);
        self.question.pagemap.read(start, &mut self.words)?;
        Ok(Some(start))
    }

    /// Whether the words are all the same, and tell of no page. Compared as a whole: of address space
    /// without pages there may be very many.
    fn are_of_no_pages(&self) -> bool {
        let [first, others @ ..] = &self.words[..] else {
            return true;
        };
        !Word::attributes(*first).intersects(WORTH_A_RUN) && *others == self.words[..others.len()]
    }

    /// How many bytes of the pages whose words were read `smaps` surely counts as resident. It does
    /// not count those of zeros, nor a device's: none of these is known as mapped once, nor as
    /// anonymous by its frame.
    fn surely_counted(&mut self) -> u64 {
        let present = || {
            let words = self.words.iter().copied();
            words.filter(|&word| word & Word::PRESENT.bits() != 0)
        };
        let is_exclusive = |word: u64| word & Word::EXCLUSIVE.bits() != 0;
        let mut count = present().filter(|&word| is_exclusive(word)).count();
        if let Some(flags) = &mut self.question.flags {
            self.frames.clear();
            let others = present().filter(|&word| !is_exclusive(word));
            self.frames.extend(others.filter_map(Word::frame));
            if flags.look_up(&mut self.frames).is_ok() {
                let is_anonymous = |&&flags: &&u64| {
                    FrameFlags::from_bits_truncate(flags).contains(FrameFlags::ANON)
                };
                count += self.frames.iter().filter(is_anonymous).count();
            }
        }
        count as u64 * self.question.page_size
    }

    fn asks_for_shares(&self, attributes: PageAttributes) -> bool {
        let wanted = match self.question.shares {
            SharesOf::Nothing => false,
            SharesOf::Shareable => attributes.contains(PageAttributes::FILE),
            SharesOf::All => true,
        };
        let none_has = PageAttributes::SPECIAL | PageAttributes::ZERO;
        wanted && attributes.contains(PageAttributes::RESIDENT) && !attributes.intersects(none_has)
    }

    /// Adds to pages what their frames tell: how often they are mapped, and whether they are
    /// broken.
    fn look_up_frames(&mut self, pages: &mut [Page]) {
        let is_present = |word: u64| word & Word::PRESENT.bits() != 0;
        if self.question.has_bad_memory
            && let Some(flags) = &mut self.question.flags
        {
            let frames = self
                .words
                .iter()
                .map(|&word| Word::frame(word).unwrap_or(0));
            self.frames.clear();
            self.frames.extend(frames);
            if flags.look_up(&mut self.frames).is_ok() {
                for ((page, &word), &flags) in pages.iter_mut().zip(&self.words).zip(&self.frames) {
                    let flags = FrameFlags::from_bits_truncate(flags);
                    let is_bad = is_present(word) && flags.contains(FrameFlags::HWPOISON);
                    page.attributes.set(PageAttributes::BAD, is_bad);
                }
            } else {
                self.known.remove(PageAttributes::BAD);
            }
        }

        self.asked.clear();
        self.frames.clear();
        for (at, &word) in self.words.iter().enumerate() {
            if !is_present(word) || !self.asks_for_shares(pages[at].attributes) {
                continue;
            }
            if word & Word::EXCLUSIVE.bits() != 0 {
                pages[at].shares = Shares::exactly(1);
                continue;
            }
            pages[at].shares = Shares::MORE_THAN_ONE;
            if self.question.counts.is_some()
                && let Some(frame) = Word::frame(word)
            {
                self.asked.push(at);
                self.frames.push(frame);
            }
        }
        if let Some(counts) = &mut self.question.counts
            && counts.look_up(&mut self.frames).is_ok()
        {
            for (&at, &count) in self.asked.iter().zip(&self.frames) {
                pages[at].shares = Shares::exactly(count);
            }
        }
    }

    /// A table of the last level is a page of words, and a huge page takes the place of one.
    fn pages_in_huge(&self) -> usize {
        self.question.page_size as usize / size_of::<u64>()
    }

    /// Marks what may be huge pages by their words: as many neighbours as one has, all alike.
    fn mark_huge(&self, start: u64, pages: &mut [Page]) {
        let in_huge = self.pages_in_huge();
        let first = (start / self.question.page_size) as usize;
        let skip = first.next_multiple_of(in_huge) - first;
        let blocks = self.words.iter().skip(skip).copied().collect::<Vec<_>>();
        let pages = pages.get_mut(skip..).unwrap_or_default();
        for (words, pages) in blocks
            .chunks_exact(in_huge)
            .zip(pages.chunks_exact_mut(in_huge))
        {
            if Word::may_be_one_huge_page(words) {
                for page in pages {
                    page.attributes |= PageAttributes::HUGE;
                }
            }
        }
    }

    /// Finds the pages of zeros of an area, if it has any: a word does not tell them from others,
    /// but `smaps` leaves them out.
    fn tell_zeros(
        &mut self,
        area: &Area,
        found: &mut Vec<(Range<u64>, Page)>,
    ) -> Result<(), Refusal> {
        let has = |page: &Page, attribute| page.attributes.contains(attribute);
        let may_be_zero = |page: &Page| {
            has(page, PageAttributes::RESIDENT) && !has(page, PageAttributes::SPECIAL)
        };
        let resident = total(found, may_be_zero);
        if area
            .counted
            .is_some_and(|counted| counted.resident == resident)
            || resident == 0
        {
            return Ok(());
        }
        if self.question.flags.is_none() {
            self.known.remove(PageAttributes::ZERO);
            // As many pages as may be zeros may be a huge page of them, which `smaps` does not count.
            let huge = self.question.page_size * self.pages_in_huge() as u64;
            let counted = area.counted.map_or(0, |counted| counted.resident);
            let has_room = |run: &Range<u64>| run.start.next_multiple_of(huge) + huge <= run.end;
            if resident.saturating_sub(counted) >= huge
                && found
                    .iter()
                    .any(|(run, page)| may_be_zero(page) && has_room(run))
            {
                self.known.remove(PageAttributes::HUGE);
            }
            return Ok(());
        }
        for (run, page) in std::mem::take(found) {
            if !may_be_zero(&page) {
                join(found, run, page);
                continue;
            }
            let mut rest = run;
            while let Some(start) = self.next_words(&mut rest)? {
                let count = self.words.len();
                let mut pages = vec![page; count];
                self.frames.clear();
                let frame = |&word| Word::frame(word).unwrap_or(0);
                self.frames.extend(self.words.iter().map(frame));
                if let Some(flags) = &mut self.question.flags
                    && flags.look_up(&mut self.frames).is_err()
                {
                    self.known.remove(PageAttributes::ZERO);
                }
                let is_zero = |at: usize| {
                    let flags = self.frames.get(at).copied().unwrap_or(0);
                    FrameFlags::from_bits_truncate(flags).contains(FrameFlags::ZERO_PAGE)
                };
                for at in (0..count).filter(|&at| is_zero(at)) {
                    // There is one small page of zeros, but a huge one has a frame for each page.
                    let is_huge = [at.wrapping_sub(1), at + 1].into_iter().any(|next| {
                        is_zero(next) && frame(&self.words[next]) != frame(&self.words[at])
                    });
                    pages[at].become_zero(is_huge);
                }
                for (run, page) in runs(start, self.question.page_size, &pages) {
                    join(found, run, page);
                }
            }
        }
        Ok(())
    }

    /// Takes the marks of huge pages back where `smaps` does not count as many.
    fn check_huge(&mut self, area: &Area, found: &mut Vec<(Range<u64>, Page)>) {
        let is_huge = |page: &Page| {
            let (huge, zero) = (PageAttributes::HUGE, PageAttributes::ZERO);
            page.attributes.contains(huge) && !page.attributes.contains(zero)
        };
        let huge = total(found, is_huge);
        if area.counted.is_some_and(|counted| counted.huge == huge) {
            return;
        }
        self.known.remove(PageAttributes::HUGE);
        for (run, mut page) in std::mem::take(found) {
            page.attributes.remove(PageAttributes::HUGE);
            join(found, run, page);
        }
    }

    /// Hands over pages, by their nodes.
    fn hand_over(&mut self, index: usize, run: Range<u64>, mut page: Page) {
        let has_node = page.attributes.contains(PageAttributes::RESIDENT)
            && !page.attributes.contains(PageAttributes::SPECIAL);
        match self.question.nodes {
            Nodes::Only(node) if has_node => page.node = node,
            Nodes::Asked(process) if has_node => {
                let size = self.question.page_size;
                node::of_pages(process, run.step_by(size as usize), |address, node| {
                    page.node = node.unwrap_or(Page::NO_NODE);
                    (self.sink)(index, address..address + size, page);
                });
                return;
            }
            _ => {}
        }
        (self.sink)(index, run, page);
    }
}

/// Pages that are told of; of others, nothing is known but that they are not there.
const WORTH_A_RUN: PageAttributes = PageAttributes::RESIDENT
    .union(PageAttributes::SWAPPED)
    .union(PageAttributes::GUARD);

impl Word {
    fn attributes(word: u64) -> PageAttributes {
        let bits = Word::from_bits_truncate(word);
        let mut attributes = PageAttributes::empty();
        for (bit, attribute) in [
            (Word::PRESENT, PageAttributes::RESIDENT),
            (Word::SWAPPED, PageAttributes::SWAPPED),
            (Word::FILE, PageAttributes::FILE),
            (Word::SOFT_DIRTY, PageAttributes::SOFT_DIRTY),
            (Word::WRITE_PROTECTED, PageAttributes::WRITE_PROTECTED),
            (Word::GUARD, PageAttributes::GUARD),
        ] {
            attributes.set(attribute, bits.contains(bit));
        }
        if Word::is_in_no_page_file(word) {
            attributes.remove(PageAttributes::SWAPPED);
        }
        attributes
    }

    /// Whether words may be those of one huge page: all present, alike, and in neighbouring frames.
    /// Another process may map a part of it, so that not all of its pages are mapped as often.
    fn may_be_one_huge_page(words: &[u64]) -> bool {
        let alike = |word: u64| word & !Word::EXCLUSIVE.bits();
        let Some(first) = words.first().copied().map(alike) else {
            return false;
        };
        let step = u64::from(Word::frame(first).is_some());
        first & Word::PRESENT.bits() != 0
            && words
                .iter()
                .zip(0..)
                .all(|(&word, at)| alike(word) == first + at * step)
    }
}

impl Page {
    fn become_zero(&mut self, is_huge: bool) {
        self.attributes.remove(PageAttributes::FILE);
        self.attributes.insert(PageAttributes::ZERO);
        self.attributes.set(PageAttributes::HUGE, is_huge);
        self.shares = Shares::NONE;
    }
}

/// Equal neighbours put together.
fn runs(start: u64, page_size: u64, pages: &[Page]) -> impl Iterator<Item = (Range<u64>, Page)> {
    let mut address = start;
    pages.chunk_by(|a, b| a == b).map(move |equal| {
        let first = address;
        address += equal.len() as u64 * page_size;
        (first..address, equal[0])
    })
}

fn join(runs: &mut Vec<(Range<u64>, Page)>, run: Range<u64>, page: Page) {
    match runs.last_mut() {
        Some((last, of)) if last.end == run.start && *of == page => last.end = run.end,
        _ => runs.push((run, page)),
    }
}

fn total(runs: &[(Range<u64>, Page)], which: impl Fn(&Page) -> bool) -> u64 {
    let of = runs.iter().filter(|(_, page)| which(page));
    of.map(|(run, _)| run.end - run.start).sum()
}

/// "No such process" once the address space that a `pagemap` was opened for is gone: what was told
/// of it until then may be cut short.
pub(crate) fn check_still_there(pagemap: &Pagemap<'_>) -> Result<(), Refusal> {
    match pagemap.read(0, &mut [0]) {
        Err(refusal) if refusal.is(Errno::SRCH) => Err(refusal),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: Area = Area {
        start: 0,
        end: 1 << 30,
        has_file: false,
        special: false,
        swaps: true,
        hugetlb: false,
        locked: false,
        counted: None,
        sparse: false,
    };

    #[test]
    fn a_mapping_completes_what_its_pages_are() {
        let here = PageAttributes::RESIDENT;
        let (file, zero) = (here | PageAttributes::FILE, here | PageAttributes::ZERO);
        let shared = Area {
            has_file: true,
            special: true,
            swaps: false,
            ..AREA
        };
        assert_eq!(AREA.complete(here), here);
        assert_eq!(shared.complete(here), here | PageAttributes::SPECIAL);
        assert_eq!(shared.complete(file), file);
        assert_eq!(shared.complete(zero), zero);
        let locked = Area {
            locked: true,
            ..AREA
        };
        assert_eq!(locked.complete(here), here | PageAttributes::LOCKED);
        // An area without files has a huge page of zeros.
        assert_eq!(AREA.complete(file), here);
        let swapped = PageAttributes::SWAPPED;
        assert_eq!(locked.complete(swapped), swapped);
        assert_eq!(shared.complete(swapped), PageAttributes::empty());
        let hugetlb = Area {
            hugetlb: true,
            ..shared
        };
        let expected = here | PageAttributes::HUGE | PageAttributes::HUGETLB;
        assert_eq!(hugetlb.complete(here), expected);
        // The kernel calls guards swapped.
        let guard = PageAttributes::GUARD;
        assert_eq!(AREA.complete(guard | swapped), guard);
    }

    #[test]
    fn a_huge_page_has_neighbouring_frames_and_equal_words() {
        let present = Word::PRESENT.bits();
        let words = |frame: u64, step: u64| -> Vec<u64> {
            (0..512).map(|at| present | (frame + at * step)).collect()
        };
        assert!(Word::may_be_one_huge_page(&words(0x200, 1)));
        // Frames are not told.
        assert!(Word::may_be_one_huge_page(&words(0, 0)));
        assert!(!Word::may_be_one_huge_page(&words(0x200, 2)));
        assert!(!Word::may_be_one_huge_page(&words(0x200, 0)));
        let mut dirty = words(0x200, 1);
        dirty[7] |= Word::SOFT_DIRTY.bits();
        assert!(!Word::may_be_one_huge_page(&dirty));
        let mut partly_shared = words(0x200, 1);
        partly_shared[7] |= Word::EXCLUSIVE.bits();
        assert!(Word::may_be_one_huge_page(&partly_shared));
        assert!(!Word::may_be_one_huge_page(&[0; 512]));
        assert!(!Word::may_be_one_huge_page(&[]));
    }
}
