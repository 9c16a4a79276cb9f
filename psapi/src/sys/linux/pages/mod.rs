//! The pages of a process: which are in memory, and what kind each is.
//!
//! Two strategies give the same results, as far as the caller's privileges allow:
//!
//! ```text
//!                         mappings of the process
//!                                    |
//!                     areas     one `VmaHints` a mapping: properties that all its
//!                                    |    pages share, and its `smaps` figures
//!                                    v
//!                     source    `PageSource`: the open files, the ranges to walk
//!                                    |
//!                     walker    `PageWalker`: range by range, one mapping at a time
//!                     /             \
//!      since Linux 6.7              before
//!     scan: PAGEMAP_SCAN          entries: blocks of pagemap entries
//!     runs of equal pages            |
//!          |                      huge: entries that form a huge page
//!          |                         |
//!          +----------+--------------+
//!                     |
//!                 moving        entries of pages that the kernel moves are read again
//!                     |
//!                 frames        share counts and broken memory, by frame number;
//!                     |         zero pages, which entries do not distinguish
//!                     v
//!                 `emit`        adds the NUMA node and calls the sink with
//!                               (mapping, address range, page)
//! ```
//!
//! `PAGEMAP_SCAN` reports nearly everything itself, and reports empty address space at no cost. It
//! does not report whether a page is shared, so entries are read for the runs that need it.
//!
//! A `pagemap` entry shows neither huge pages nor zero pages. The second strategy derives both and
//! checks the sums of each mapping against `smaps`. An attribute whose sums disagree is removed
//! from the set of known attributes, instead of being reported wrongly.
//!
//! The entry points are in `working_set` (all pages) and `query` (pages at given addresses).

mod areas;
mod entries;
pub(crate) mod features;
mod frames;
mod huge;
mod moving;
mod patience;
pub(crate) mod query;
mod scan;
mod source;
mod walker;
pub(crate) mod working_set;
