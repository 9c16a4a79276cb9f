//! What `VirtualAlloc` has reserved, and which pages of it are committed. Nothing else is ever
//! unmapped, or made accessible, by what is here.
//!
//! A reservation is a mapping that may not be accessed, which the kernel counts nowhere. To commit
//! pages is to allow access to them: from then on they are part of the system's commit charge
//! (`Committed_AS`). That is why the mapping has no `MAP_NORESERVE`, which would keep them out of it.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;

use super::ranges::Ranges;
use crate::boundary::Answer;
use crate::code::Code;

/// Where a reservation may begin: a multiple of it.
pub const GRANULARITY: usize = 64 * 1024;

/// All of them, by their base.
#[derive(Debug)]
pub struct Reservations(BTreeMap<usize, Reservation>);

#[derive(Debug)]
struct Reservation {
    end: usize,
    committed: Ranges,
}

/// To whom the pages of a range belong.
#[derive(Debug, PartialEq, Eq)]
pub enum Owner {
    /// They are in a reservation, and committed.
    Committed,
    /// None of them is in a reservation.
    Foreign,
    /// They are in more than one, partly in one, or not committed.
    Mixed,
}

impl Reservations {
    pub const fn new() -> Self {
        Reservations(BTreeMap::new())
    }

    /// Adds a range that was just mapped. What was known of its addresses is no more: they would not
    /// have been free if it had not been unmapped without `VirtualFree`.
    pub fn insert(&mut self, range: Range<usize>) {
        self.0
            .retain(|&base, it| it.end <= range.start || base >= range.end);
        let reservation = Reservation {
            end: range.end,
            committed: Ranges::default(),
        };
        self.0.insert(range.start, reservation);
    }

    /// Commits pages, which are in one reservation. Those that were before keep what is in them.
    pub fn commit(&mut self, range: &Range<usize>, protection: i32) -> Answer<()> {
        let (_, reservation) = self.around(range).ok_or(Code::INVALID_ADDRESS)?;
        if let Err(code) = protect(range, protection) {
            // The kernel may have come a part of the way. What can't be undone stays accessible.
            for gap in reservation.committed.gaps(range) {
                let _ = protect(&gap, libc::PROT_NONE);
            }
            return Err(code);
        }
        reservation.committed.insert(range.clone());
        Ok(())
    }

    /// Gives pages back, which are in one reservation. They stay reserved.
    pub fn decommit(&mut self, range: &Range<usize>) -> Answer<()> {
        let (_, reservation) = self.around(range).ok_or(Code::INVALID_ADDRESS)?;
        // SAFETY: all of it is of a reservation, whose owner wants the pages to be gone.
        unsafe { map(range.start, size(range), libc::MAP_FIXED) }?;
        reservation.committed.remove(range);
        Ok(())
    }

    /// The reservation that starts there.
    pub fn starting_at(&self, base: usize) -> Answer<Range<usize>> {
        let reservation = self.0.get(&base).ok_or(Code::INVALID_ADDRESS)?;
        Ok(base..reservation.end)
    }

    /// Unmaps the reservation that starts there.
    pub fn release(&mut self, base: usize) -> Answer<()> {
        let range = self.starting_at(base)?;
        unmap(&range)?;
        self.0.remove(&base);
        Ok(())
    }

    pub fn owner(&mut self, range: &Range<usize>) -> Owner {
        if let Some((_, reservation)) = self.around(range) {
            return match reservation.committed.cover(range) {
                true => Owner::Committed,
                false => Owner::Mixed,
            };
        }
        let before = self.0.range(..range.end).next_back();
        match before.is_some_and(|(_, it)| it.end > range.start) {
            true => Owner::Mixed,
            false => Owner::Foreign,
        }
    }

    /// The reservation that all of a range is in.
    fn around(&mut self, range: &Range<usize>) -> Option<(usize, &mut Reservation)> {
        let (&base, reservation) = self.0.range_mut(..=range.start).next_back()?;
        (range.end <= reservation.end).then_some((base, reservation))
    }
}

/// Reserves so many bytes where the kernel has room for them.
pub fn reserve_anywhere(bytes: usize) -> Answer<Range<usize>> {
    let whole = bytes
        .checked_add(GRANULARITY)
        .ok_or(Code::NOT_ENOUGH_MEMORY)?;
    // SAFETY: the kernel chooses a place where nothing is.
    let start = unsafe { map(0, whole, 0) }?;
    let base = start.next_multiple_of(GRANULARITY);
    let range = base..base + bytes;
    // What is too much. If the process has so many mappings that one can't be cut, it stays, and
    // takes nothing but addresses.
    for rest in [start..base, range.end..start + whole] {
        if !rest.is_empty() {
            let _ = unmap(&rest);
        }
    }
    Ok(range)
}

/// Reserves a range if nothing is there.
pub fn reserve_at(range: Range<usize>) -> Answer<Range<usize>> {
    // SAFETY: with this flag nothing that is there is replaced.
    let start = unsafe { map(range.start, size(&range), libc::MAP_FIXED_NOREPLACE) }?;
    if start == range.start {
        return Ok(range);
    }
    // Before Linux 4.17 the flag is unknown, and the place a mere wish.
    let _ = unmap(&(start..start + size(&range)));
    Err(Code::INVALID_ADDRESS)
}

fn size(range: &Range<usize>) -> usize {
    range.end - range.start
}

/// Maps memory that may not be accessed.
///
/// # Safety
///
/// With `MAP_FIXED`, what is there must be nobody's any more.
unsafe fn map(start: usize, bytes: usize, flags: i32) -> Answer<usize> {
    // SAFETY: by the contract of this function.
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
        libc::MAP_FAILED => Err(reason()),
        _ => Ok(mapped.addr()),
    }
}

/// Unmaps what one of the functions here has mapped.
fn unmap(range: &Range<usize>) -> Answer<()> {
    let start = std::ptr::without_provenance_mut(range.start);
    // SAFETY: it is of a reservation that its owner gives up, or that has no owner yet.
    match unsafe { libc::munmap(start, size(range)) } {
        0 => Ok(()),
        _ => Err(reason()),
    }
}

/// Changes what may be done with pages. It is as if the caller called `mprotect`: the caller's is
/// the memory, and the consequence.
pub fn protect(range: &Range<usize>, protection: i32) -> Answer<()> {
    let start = std::ptr::without_provenance_mut(range.start);
    // SAFETY: see above; this library has no memory of its own that it was told of.
    match unsafe { libc::mprotect(start, size(range), protection) } {
        0 => Ok(()),
        _ => Err(reason()),
    }
}

fn reason() -> Code {
    match io::Error::last_os_error().raw_os_error() {
        // What may not be written to in the file, or not be executed at all.
        Some(libc::EACCES) => Code::ACCESS_DENIED,
        // Something is there, or nothing may be.
        Some(libc::EEXIST | libc::EPERM) => Code::INVALID_ADDRESS,
        Some(libc::EINVAL) => Code::INVALID_PARAMETER,
        _ => Code::NOT_ENOUGH_MEMORY,
    }
}
