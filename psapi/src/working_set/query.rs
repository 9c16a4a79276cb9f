//! Questions for single pages.

use std::ops::{ControlFlow, Range};

use super::page_info::PageInfo;
use super::run::{PageAttributes, Protection};
use super::snapshot::Space;
use crate::error::Result;
use crate::linux::pages::SharesOf;
use crate::mapping::Mapping;
use crate::process::Process;

/// Pages that are so near to each other are asked for together, with those between them.
const GAP: u64 = 16;

/// The mappings of so many addresses are asked for one by one; with more, the list of all costs
/// less in most processes.
const FEW: usize = 16;

impl Process {
    /// What the pages at addresses are, in memory or not: an answer for each address, in their
    /// order. They may come in any order and more than once.
    ///
    /// Source and privileges: those of [`working_set`](Self::working_set). Cost: some
    /// tens of microseconds, about half a microsecond for each mapping of the process unless there
    /// are few addresses (Linux 6.11), and some microseconds for an address; next to each other,
    /// they cost as much as there. Of a process that has locked memory, and before Linux 6.7 of any,
    /// `smaps`, which makes the kernel walk all its page tables; before Linux 6.7 also the whole of
    /// the mappings that the addresses are in.
    ///
    /// ```
    /// let me = psapi::System::new().current_process()?;
    /// let here = [1u8; 1];
    /// let pages = me.query_pages(&[here.as_ptr() as u64, 0])?;
    /// assert!(pages[0].is_valid());
    /// assert!(!pages[1].is_valid());
    /// # Ok::<(), psapi::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`working_set`](Self::working_set). An address where nothing is mapped is none.
    #[doc(alias = "QueryWorkingSetEx")]
    pub fn query_pages(&self, addresses: &[u64]) -> Result<Vec<PageInfo>> {
        let mut order: Vec<(u64, usize)> = addresses.iter().copied().zip(0..).collect();
        order.sort_unstable();
        self.ask("pages", |directory| {
            let space = Space::open(self, directory, |mappings| match order.len() {
                0..=FEW => {
                    let addresses = order.iter().map(|&(address, _)| address);
                    self.list_mappings_at(directory, addresses, mappings)
                }
                _ => self.list_mappings(directory, mappings),
            })?;
            let unmapped = addresses.iter().copied().map(PageInfo::unmapped);
            let mut answers: Vec<PageInfo> = unmapped.collect();
            let ranges = ranges(&space, &order, |at, mapping| {
                answers[at].protection = Some(Protection::of(mapping, PageAttributes::empty()));
            });
            let mut rest = &order[..];
            let mut go_on = |_| ControlFlow::Continue(());
            space.walk(
                SharesOf::Shareable,
                ranges,
                &mut go_on,
                |mapping, range, page| {
                    let mapping = &space.mappings[mapping];
                    let run = page.run(range, mapping);
                    while let [(address, at), behind @ ..] = rest
                        && *address < run.end
                    {
                        if *address >= run.start {
                            answers[*at] = PageInfo::in_run(*address, &run);
                        }
                        rest = behind;
                    }
                },
            )?;
            Ok(answers)
        })
    }
}

/// The ranges that hold the pages of ascending addresses. Each address that is mapped is told with
/// its mapping.
fn ranges(
    space: &Space<'_>,
    addresses: &[(u64, usize)],
    mut mapped: impl FnMut(usize, &Mapping),
) -> Vec<Range<u64>> {
    let mut ranges: Vec<Range<u64>> = Vec::new();
    let mut mappings = space.mappings.iter().peekable();
    for &(address, at) in addresses {
        while mappings.next_if(|mapping| mapping.end <= address).is_some() {}
        let Some(mapping) = mappings.peek().filter(|mapping| mapping.start <= address) else {
            continue;
        };
        mapped(at, mapping);
        let range = match space.needs_whole(mapping) {
            true => mapping.start..mapping.end,
            false => {
                let start = address - address % space.page_size;
                start..start + space.page_size
            }
        };
        match ranges.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(GAP * space.page_size) => {
                last.end = last.end.max(range.end);
            }
            _ => ranges.push(range),
        }
    }
    ranges
}
