//! Which pages of a process are in memory.

mod run;
mod totals;

pub use run::{PageAttributes, PageRun};
pub use totals::PageTotals;

use crate::error::Result;
use crate::linux::pagemap_scan::{self, Categories};
use crate::mapping::Mapping;
use crate::process::{Process, ProcessId};
use run::Run;

/// Which pages of a process were in memory, or in a page file, when it was asked: runs of
/// neighbouring pages of one mapping with equal attributes, by ascending address. It holds runs and
/// not pages, 24 bytes each, so that a large process takes little to describe.
///
/// Made by [`Process::working_set`].
#[derive(Debug, Clone)]
#[doc(alias = "PSAPI_WORKING_SET_INFORMATION")]
pub struct WorkingSet {
    process: ProcessId,
    page_size: u64,
    mappings: Vec<Mapping>,
    runs: Vec<Run>,
}

impl WorkingSet {
    /// Whose it is.
    pub fn process(&self) -> ProcessId {
        self.process
    }

    /// The size of a page, in bytes.
    pub fn page_size(&self) -> u64 {
        self.page_size
    }

    /// The mappings of the process, by ascending address, those without a page in memory included.
    pub fn mappings(&self) -> &[Mapping] {
        &self.mappings
    }

    /// The runs, by ascending address.
    pub fn runs(&self) -> impl Iterator<Item = PageRun<'_>> {
        self.runs.iter().map(|run| run.of(&self.mappings))
    }

    /// The pages of the whole process.
    pub fn totals(&self) -> PageTotals {
        self.sum(&self.runs)
    }

    /// The pages of each mapping, in the order of [`mappings`](Self::mappings).
    pub fn totals_by_mapping(&self) -> impl Iterator<Item = (&Mapping, PageTotals)> {
        let mut rest = &self.runs[..];
        self.mappings.iter().zip(0..).map(move |(mapping, index)| {
            let count = rest.partition_point(|run| run.mapping() <= index);
            let (own, behind) = rest.split_at(count);
            rest = behind;
            (mapping, self.sum(own))
        })
    }

    fn sum(&self, runs: &[Run]) -> PageTotals {
        let mut totals = PageTotals::default();
        for run in runs {
            totals.add(&run.of(&self.mappings));
        }
        totals
    }
}

impl Process {
    /// Which pages of the process are in memory, or in a page file.
    ///
    /// The kernel does not stop the process meanwhile. Pages that come or go during the scan may or
    /// may not be in the answer, and what is mapped after the mappings were listed is not.
    ///
    /// Source: `PROC/PID/maps`, and `PAGEMAP_SCAN` (Linux 6.7) on `PROC/PID/pagemap`. Cost: *pages*,
    /// the dearest tier: about 10 ns for each resident page of 4 KiB, next to nothing for huge
    /// pages and for address space without pages. Privileges: those of the process's own user or
    /// `CAP_SYS_PTRACE`.
    ///
    /// ```
    /// let me = psapi::System::new().current_process()?;
    /// let before = me.working_set()?.totals();
    /// let filled = vec![1u8; 8 << 20];
    /// let after = me.working_set()?.totals();
    /// assert!(after.private >= before.private + filled.len() as u64 - (1 << 20));
    /// # Ok::<(), psapi::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotSupported`](crate::ErrorKind::NotSupported) before Linux 6.7;
    /// [`ErrorKind::AccessDenied`](crate::ErrorKind::AccessDenied) without the privilege;
    /// [`ErrorKind::NoAddressSpace`](crate::ErrorKind::NoAddressSpace) for a kernel thread;
    /// [`ErrorKind::Ended`](crate::ErrorKind::Ended) once the process has ended.
    #[doc(alias = "QueryWorkingSet")]
    pub fn working_set(&self) -> Result<WorkingSet> {
        let mut mappings = self.mappings()?;
        // The kernel's own page at the end of the address space is of no process.
        mappings.retain(|mapping| i64::try_from(mapping.end).is_ok());
        let runs = self.ask("working set", |directory| {
            let mut runs = Vec::new();
            if let (Some(first), Some(last)) = (mappings.first(), mappings.last()) {
                let mut place = 0;
                let range = first.start..last.end;
                pagemap_scan::scan(directory, range, |start, end, categories| {
                    let attributes = PageAttributes::from(categories);
                    run::push(&mut runs, &mappings, &mut place, start..end, attributes);
                })?;
            }
            Ok(runs)
        })?;
        Ok(WorkingSet {
            process: self.id(),
            page_size: rustix::param::page_size() as u64,
            mappings,
            runs,
        })
    }
}

impl From<Categories> for PageAttributes {
    fn from(categories: Categories) -> Self {
        let mut attributes = PageAttributes::empty();
        for (category, attribute) in [
            (Categories::PRESENT, PageAttributes::RESIDENT),
            (Categories::SWAPPED, PageAttributes::SWAPPED),
            (Categories::FILE, PageAttributes::FILE),
            (Categories::PFNZERO, PageAttributes::ZERO),
            (Categories::HUGE, PageAttributes::HUGE),
            (Categories::SOFT_DIRTY, PageAttributes::SOFT_DIRTY),
        ] {
            attributes.set(attribute, categories.contains(category));
        }
        attributes
    }
}
