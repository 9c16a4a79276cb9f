use crate::error::{Asked, Cause, Refusal, Result};
use crate::linux::process_madvise::{self, Whose};
use crate::linux::smaps::{self, Smaps};
use crate::linux::smaps_rollup;
use crate::mapping::{Backing, Mapping};
use crate::process::Process;

/// What [`Process::empty_working_set`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct EmptiedWorkingSet {
    /// What was in the working set before.
    pub before: WorkingSetSize,
    /// What was in it afterwards. The process goes on meanwhile, and what it touches comes back.
    pub after: WorkingSetSize,
    /// Why that was there.
    pub remaining: RemainingMemory,
    /// The mappings that the kernel refused to touch, by ascending address, pages in memory or not.
    /// Those that are gone since are left out.
    pub refused: Vec<RefusedMapping>,
}

impl EmptiedWorkingSet {
    /// How much less of each kind there was afterwards; 0 of a kind that grew.
    pub fn left(&self) -> WorkingSetSize {
        WorkingSetSize {
            private: self.before.private.saturating_sub(self.after.private),
            file: self.before.file.saturating_sub(self.after.file),
        }
    }
}

/// How much of what kind is in a working set, in bytes. Hugetlb pages are not in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct WorkingSetSize {
    /// Private pages.
    pub private: u64,
    /// Pages of files and of shared memory.
    pub file: u64,
}

impl WorkingSetSize {
    /// All of it: [`MemoryCounters::working_set`](crate::MemoryCounters::working_set).
    pub fn total(&self) -> u64 {
        self.private.saturating_add(self.file)
    }

    fn add(&mut self, rss: u64, anonymous: u64) {
        let private = anonymous.min(rss);
        count(&mut self.private, private);
        count(&mut self.file, rss - private);
    }
}

fn count(figure: &mut u64, bytes: u64) {
    *figure = figure.saturating_add(bytes);
}

/// Why memory was still in a working set after that had been emptied, in bytes. Each page is
/// counted once, by the first reason here that holds for it; together they are
/// [`EmptiedWorkingSet::after`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct RemainingMemory {
    /// It is locked in memory (`mlock`).
    pub locked: u64,
    /// It is the kernel's, such as the vDSO.
    pub kernel: u64,
    /// It is mapped elsewhere, too: by another process, or twice by this one.
    pub shared: u64,
    /// It is private, and no page file has room for it.
    pub no_page_file: u64,
    /// None of these. It was touched again; or it is of a file that the caller neither owns nor may
    /// write to; or a processor had yet to put it on the lists that the kernel takes pages from; or
    /// the process's control group may have no more in page files.
    pub other: u64,
}

impl RemainingMemory {
    fn add(&mut self, smaps: &Smaps, backing: Option<&Backing>, has_room: bool) {
        let kernels = matches!(backing, Some(Backing::Kernel { .. } | Backing::Vdso));
        if smaps.locked {
            return count(&mut self.locked, smaps.rss);
        }
        if kernels || smaps.device {
            return count(&mut self.kernel, smaps.rss);
        }
        let shared = smaps.shared.min(smaps.rss);
        let own = smaps.rss - shared;
        let private = match has_room {
            true => 0,
            false => own.min(smaps.anonymous),
        };
        count(&mut self.shared, shared);
        count(&mut self.no_page_file, private);
        count(&mut self.other, own - private);
    }
}

/// A mapping whose pages the kernel refused to take.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct RefusedMapping {
    /// The mapping.
    pub mapping: Mapping,
    /// Why.
    pub reason: RefusalReason,
}

/// Why the kernel refuses to take the pages of a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum RefusalReason {
    /// It is locked in memory (`mlock`).
    Locked,
    /// It is of hugetlb pages, which never leave memory.
    Hugetlb,
    /// It is of the kernel, such as `[vvar]`, or of a device.
    Kernel,
    /// It does not show any more.
    Unknown,
}

impl RefusalReason {
    fn of(smaps: &Smaps) -> Self {
        match smaps {
            Smaps { hugetlb: true, .. } => RefusalReason::Hugetlb,
            Smaps { device: true, .. } => RefusalReason::Kernel,
            Smaps { locked: true, .. } => RefusalReason::Locked,
            _ => RefusalReason::Unknown,
        }
    }
}

impl Process {
    /// Takes as much out of the process's working set as the kernel lets go: private memory moves to
    /// page files, and pages of files are dropped. Nothing is lost: what the process touches again
    /// comes back, at the price of a fault.
    ///
    /// What leaves the working set need not leave memory. Pages of files that were changed stay there
    /// until they are written, and shared memory does where there is no page file.
    ///
    /// What stays is told by [`RemainingMemory`]: without a page file (swap) all private memory does.
    /// The kernel takes only pages that nobody else maps. Of files in shared mappings, and of what
    /// is unchanged in private ones, it takes pages only where the caller owns the file or may write
    /// to it. The process runs on, and what it maps meanwhile, or has as another program that it
    /// executes, may stay.
    ///
    /// Source: `process_madvise` with `MADV_PAGEOUT` (Linux 5.10) over the mappings of `maps`, for
    /// the calling process `madvise`; the figures are those of `smaps_rollup` before and of `smaps`
    /// afterwards, so that the parts add up. Cost: *exact*, twice, and the moving, which waits for
    /// what has to be written to page files.
    /// Privileges: none for the calling process; for another one `CAP_SYS_NICE`, and
    /// `CAP_SYS_PTRACE` unless it is of the same user.
    ///
    /// ```
    /// let me = psapi::System::new().current_process()?;
    /// let emptied = me.empty_working_set()?;
    /// println!("{} bytes of {} left", emptied.left().total(), emptied.before.total());
    /// if emptied.remaining.no_page_file > 0 {
    ///     println!("{} would, were there a page file", emptied.remaining.no_page_file);
    /// }
    /// # Ok::<(), psapi::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotSupported`](crate::ErrorKind::NotSupported) before Linux 5.10, for a process
    /// below the proc root of another pid namespace, since system calls know it by another id, and
    /// for another process whose first thread has ended before the others;
    /// [`ErrorKind::AccessDenied`](crate::ErrorKind::AccessDenied) without the privilege;
    /// [`ErrorKind::NoAddressSpace`](crate::ErrorKind::NoAddressSpace) for a kernel thread;
    /// [`ErrorKind::Ended`](crate::ErrorKind::Ended) once the process has ended.
    #[doc(alias = "EmptyWorkingSet")]
    #[doc(alias = "SetProcessWorkingSetSize")]
    pub fn empty_working_set(&self) -> Result<EmptiedWorkingSet> {
        const ASKED: Asked = Asked::TO_EMPTY_WORKING_SET;
        let mut text = Vec::new();
        let rollup = self.ask(ASKED, |directory| smaps_rollup::read(directory, &mut text))?;
        let mut before = WorkingSetSize::default();
        before.add(rollup.rss, rollup.anonymous);

        let mut mappings = self.mappings()?;
        // The kernel's own page at the end of the address space is of no process.
        mappings.retain(|mapping| i64::try_from(mapping.end).is_ok());
        let refused = self
            .page_out(&mappings)
            .map_err(|refusal| self.error(ASKED, refusal))?;

        let mapped = self.ask(ASKED, smaps::read)?;
        let files = self.system().page_files()?;
        let has_room = files.iter().any(|file| file.in_use < file.total);
        let mut after = WorkingSetSize::default();
        let mut remaining = RemainingMemory::default();
        for smaps in &mapped {
            let backing = around(&mappings, smaps.start, |mapping| {
                (mapping.start, mapping.end)
            });
            after.add(smaps.rss, smaps.anonymous);
            remaining.add(smaps, backing.map(|mapping| &mapping.backing), has_room);
        }
        let refused = refused.into_iter().filter_map(|index| {
            let mapping = &mappings[index];
            let smaps = around(&mapped, mapping.start, |smaps| (smaps.start, smaps.end))?;
            Some(RefusedMapping {
                mapping: mapping.clone(),
                reason: RefusalReason::of(smaps),
            })
        });
        Ok(EmptiedWorkingSet {
            before,
            after,
            remaining,
            refused: refused.collect(),
        })
    }

    /// Moves out what is in mappings, and tells the indexes of those that the kernel refused.
    fn page_out(&self, mappings: &[Mapping]) -> Result<Vec<usize>, Refusal> {
        let id = self.id_for_system_calls().ok_or_else(|| {
            let why = "the proc file system is of another pid namespace, \
                       and system calls know the process by another id";
            Refusal::new(self.directory().path(), Cause::Unsupported(why))
        })?;
        let whose = Whose::of(self.directory(), id)?;
        let ranges: Vec<_> = mappings
            .iter()
            .map(|mapping| mapping.start..mapping.end)
            .collect();
        let mut refused = Vec::new();
        process_madvise::page_out(&whose, &ranges, |index| {
            if refused.last() != Some(&index) {
                refused.push(index);
            }
        })?;
        Ok(refused)
    }
}

/// Of ascending ranges, the one that an address is in.
fn around<T>(ranges: &[T], address: u64, range: impl Fn(&T) -> (u64, u64)) -> Option<&T> {
    let next = &ranges[ranges.partition_point(|item| range(item).1 <= address)..];
    next.first().filter(|item| range(item).0 <= address)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: u64 = 4096;

    fn remaining(smaps: Smaps, backing: Option<&Backing>, has_room: bool) -> RemainingMemory {
        let mut remaining = RemainingMemory::default();
        remaining.add(&smaps, backing, has_room);
        remaining
    }

    #[test]
    fn each_page_remains_for_one_reason() {
        let smaps = Smaps {
            start: 0,
            end: 16 * PAGE,
            page_size: PAGE,
            rss: 9 * PAGE,
            shared: 2 * PAGE,
            anonymous: 4 * PAGE,
            swap: 0,
            huge: 0,
            locked: false,
            hugetlb: false,
            device: false,
        };
        let shared = RemainingMemory {
            shared: 2 * PAGE,
            ..RemainingMemory::default()
        };
        assert_eq!(
            remaining(smaps, None, false),
            RemainingMemory {
                no_page_file: 4 * PAGE,
                other: 3 * PAGE,
                ..shared
            }
        );
        assert_eq!(
            remaining(smaps, None, true),
            RemainingMemory {
                other: 7 * PAGE,
                ..shared
            }
        );
        let of_kernel = RemainingMemory {
            kernel: 9 * PAGE,
            ..RemainingMemory::default()
        };
        assert_eq!(remaining(smaps, Some(&Backing::Vdso), false), of_kernel);
        let locked = Smaps {
            locked: true,
            device: true,
            ..smaps
        };
        assert_eq!(remaining(locked, None, true).locked, 9 * PAGE);
    }

    #[test]
    fn an_address_is_in_one_range_or_none() {
        let ranges = [(1, 3), (3, 5), (8, 9)];
        let found = |address| around(&ranges, address, |&range| range).copied();
        assert_eq!(found(0), None);
        assert_eq!(found(2), Some((1, 3)));
        assert_eq!(found(3), Some((3, 5)));
        assert_eq!(found(5), None);
        assert_eq!(found(9), None);
    }
}
