//! The address ranges that `VirtualAlloc` reserved, and their committed pages. The functions here
//! never unmap other memory or make it accessible.
//!
//! A reservation is an inaccessible mapping, which costs neither memory nor commit charge.
//! Committing pages makes them accessible, and the kernel then adds them to the commit charge
//! (`Committed_AS`). For this reason the mapping has no `MAP_NORESERVE`, which would exempt it.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;

use super::ranges::Ranges;
use crate::win32_error::{Result, Win32Error};

/// The alignment of reservations in bytes.
pub const GRANULARITY: usize = 64 * 1024;

/// All reservations by their base address.
#[derive(Debug)]
pub struct Reservations(BTreeMap<usize, Reservation>);

#[derive(Debug)]
struct Reservation {
    end: usize,
    committed: Ranges,
}

/// The owner of the pages of a range.
#[derive(Debug, PartialEq, Eq)]
pub enum Owner {
    /// All pages are committed pages of one reservation.
    Committed,
    /// No page belongs to a reservation.
    Foreign,
    /// The range spans several reservations, is partly outside of one, or has uncommitted pages.
    Mixed,
}

/// Pages of one reservation that are all committed, or all uncommitted.
#[derive(Debug, PartialEq, Eq)]
pub struct ReservedPages {
    /// The base address of the reservation.
    pub base: usize,
    /// The end of the pages.
    pub end: usize,
    pub committed: bool,
}

impl Reservations {
    pub const fn new() -> Self {
        Reservations(BTreeMap::new())
    }

    /// Adds a range that was just mapped.
    ///
    /// Earlier reservations that overlap it are removed. The caller must have unmapped them without
    /// `VirtualFree`; otherwise the range would not have been free.
    pub fn insert(&mut self, range: Range<usize>) {
        self.0
            .retain(|&base, reservation| reservation.end <= range.start || base >= range.end);
        let reservation = Reservation {
            end: range.end,
            committed: Ranges::default(),
        };
        self.0.insert(range.start, reservation);
    }

    /// Commits pages of one reservation. Pages that are committed already keep their contents.
    pub fn commit(&mut self, range: &Range<usize>, protection: i32) -> Result<()> {
        let reservation = self.containing(range).ok_or(Win32Error::INVALID_ADDRESS)?;
        if let Err(error) = protect(range, protection) {
            // The kernel might have changed some of the pages. If undoing that also fails, these
            // pages stay accessible.
            for gap in reservation.committed.gaps(range) {
                let _ = protect(&gap, libc::PROT_NONE);
            }
            return Err(error);
        }
        reservation.committed.insert(range.clone());
        Ok(())
    }

    /// Discards pages of one reservation. The pages stay reserved.
    pub fn decommit(&mut self, range: &Range<usize>) -> Result<()> {
        let reservation = self.containing(range).ok_or(Win32Error::INVALID_ADDRESS)?;
        // SAFETY: the range is part of a reservation, and its owner asked to discard the pages.
        unsafe { map(range.start, size(range), libc::MAP_FIXED) }?;
        reservation.committed.remove(range);
        Ok(())
    }

    /// Describes the reserved pages from an address on, up to the first one that differs.
    pub fn at(&self, address: usize) -> Option<ReservedPages> {
        let (&base, reservation) = self.0.range(..=address).next_back()?;
        if address >= reservation.end {
            return None;
        }
        let rest = address..reservation.end;
        let gaps = reservation.committed.gaps(&rest);
        let (committed, end) = match gaps.first() {
            Some(gap) if gap.start == address => (false, gap.end),
            Some(gap) => (true, gap.start),
            None => (true, reservation.end),
        };
        Some(ReservedPages {
            base,
            end,
            committed,
        })
    }

    /// Returns the range of the reservation with a base address.
    pub fn starting_at(&self, base: usize) -> Result<Range<usize>> {
        let reservation = self.0.get(&base).ok_or(Win32Error::INVALID_ADDRESS)?;
        Ok(base..reservation.end)
    }

    /// Unmaps the reservation with a base address.
    pub fn release(&mut self, base: usize) -> Result<()> {
        let range = self.starting_at(base)?;
        unmap(&range)?;
        self.0.remove(&base);
        Ok(())
    }

    pub fn owner(&mut self, range: &Range<usize>) -> Owner {
        if let Some(reservation) = self.containing(range) {
            return if reservation.committed.contains(range) {
                Owner::Committed
            } else {
                Owner::Mixed
            };
        }
        let last = self.0.range(..range.end).next_back();
        if last.is_some_and(|(_, reservation)| reservation.end > range.start) {
            Owner::Mixed
        } else {
            Owner::Foreign
        }
    }

    /// Returns the reservation that contains all of a range.
    fn containing(&mut self, range: &Range<usize>) -> Option<&mut Reservation> {
        let (_, reservation) = self.0.range_mut(..=range.start).next_back()?;
        (range.end <= reservation.end).then_some(reservation)
    }
}

/// Reserves `bytes` bytes at an address that the kernel chooses.
pub fn reserve_anywhere(bytes: usize) -> Result<Range<usize>> {
    // The kernel aligns mappings only to pages. So map enough to contain an aligned range, and
    // unmap the rest.
    let mapped = bytes
        .checked_add(GRANULARITY)
        .ok_or(Win32Error::NOT_ENOUGH_MEMORY)?;
    // SAFETY: without `MAP_FIXED`, the mapping replaces nothing.
    let start = unsafe { map(0, mapped, 0) }?;
    let base = start.next_multiple_of(GRANULARITY);
    let range = base..base + bytes;
    for excess in [start..base, range.end..start + mapped] {
        if !excess.is_empty() {
            // This can fail if the process is at its limit of mappings, because unmapping can split
            // one. The excess then remains mapped and costs only address space.
            let _ = unmap(&excess);
        }
    }
    Ok(range)
}

/// Reserves a range if nothing is mapped in it.
pub fn reserve_at(range: Range<usize>) -> Result<Range<usize>> {
    // SAFETY: `MAP_FIXED_NOREPLACE` replaces no existing mapping, and neither do kernels that
    // ignore the flag.
    let start = unsafe { map(range.start, size(&range), libc::MAP_FIXED_NOREPLACE) }?;
    if start == range.start {
        return Ok(range);
    }
    // Before Linux 4.17 the kernel ignores the flag and treats the address as a hint.
    let _ = unmap(&(start..start + size(&range)));
    Err(Win32Error::INVALID_ADDRESS)
}

fn size(range: &Range<usize>) -> usize {
    range.end - range.start
}

/// Creates an inaccessible mapping.
///
/// # Safety
///
/// If `flags` has `MAP_FIXED`, nothing must use the memory in the range any longer.
unsafe fn map(start: usize, bytes: usize, flags: i32) -> Result<usize> {
    // SAFETY: the contract of this function covers `MAP_FIXED`. Without it, nothing is replaced.
    let mapped = unsafe {
        libc::mmap(
            std::ptr::without_provenance_mut(start),
            bytes,
            libc::PROT_NONE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | flags,
            -1,
            0,
        )
    };
    match mapped {
        libc::MAP_FAILED => Err(last_error()),
        _ => Ok(mapped.addr()),
    }
}

/// Unmaps a range that a function of this file mapped.
fn unmap(range: &Range<usize>) -> Result<()> {
    let start = std::ptr::without_provenance_mut(range.start);
    // SAFETY: the range is a reservation that its owner releases, or was never returned to a
    // caller.
    match unsafe { libc::munmap(start, size(range)) } {
        0 => Ok(()),
        _ => Err(last_error()),
    }
}

/// Changes the protection of pages, as if the caller called `mprotect`: the caller owns the memory
/// and is responsible for the effect.
pub fn protect(range: &Range<usize>, protection: i32) -> Result<()> {
    let start = std::ptr::without_provenance_mut(range.start);
    // SAFETY: the memory belongs to the caller, who requested the change. This library never
    // exposes the addresses of its own memory.
    match unsafe { libc::mprotect(start, size(range), protection) } {
        0 => Ok(()),
        _ => Err(last_error()),
    }
}

/// Converts the `errno` of a mapping call.
fn last_error() -> Win32Error {
    match io::Error::last_os_error().raw_os_error() {
        // The file was not opened for writing, or its file system is mounted `noexec`.
        Some(libc::EACCES) => Win32Error::ACCESS_DENIED,
        // EEXIST: the range is in use. EPERM: the address is below `vm.mmap_min_addr`.
        Some(libc::EEXIST | libc::EPERM) => Win32Error::INVALID_ADDRESS,
        Some(libc::EINVAL) => Win32Error::INVALID_PARAMETER,
        _ => Win32Error::NOT_ENOUGH_MEMORY,
    }
}
