//! Which attributes of pages the running kernel tells at all: pages of the caller's own show it.

use std::ptr;

use linux_raw_sys::general::MADV_GUARD_INSTALL;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

use super::file::Directory;
use super::pagemap::{Pagemap, Word};
use crate::error::Refusal;
use crate::working_set::PageAttributes;

/// Those of soft-dirty pages and of guard regions, as far as `PROC/self/pagemap` can tell.
pub(crate) fn find(proc: &Directory, page_size: u64) -> PageAttributes {
    let told = proc
        .directory(b"self")
        .and_then(|own| words_of_own_pages(&Pagemap::open(&own, page_size)?, page_size));
    let mut known = PageAttributes::empty();
    if let Ok((written, guarded)) = told {
        known.set(
            PageAttributes::SOFT_DIRTY,
            Word::from_bits_truncate(written).contains(Word::SOFT_DIRTY),
        );
        // A kernel that makes no guard regions has none to tell of.
        known.set(
            PageAttributes::GUARD,
            guarded.is_none_or(|word| Word::from_bits_truncate(word).contains(Word::GUARD)),
        );
    }
    known
}

/// The word of a page that has just been written to, and that of a guard region, if the kernel
/// makes one.
fn words_of_own_pages(
    pagemap: &Pagemap<'_>,
    page_size: u64,
) -> Result<(u64, Option<u64>), Refusal> {
    let size = page_size as usize;
    let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
    // SAFETY: the kernel chooses where new memory goes.
    let pages = unsafe { mmap_anonymous(ptr::null_mut(), 2 * size, access, flags) }
        .map_err(|errno| pagemap.refusal(errno))?;
    // SAFETY: the first page is ours to write to.
    unsafe { pages.cast::<u8>().write_volatile(1) };
    // SAFETY: the second page is ours, and nobody has a reference to it.
    let guards = unsafe {
        let advice = MADV_GUARD_INSTALL as libc::c_int;
        libc::madvise(pages.byte_add(size), size, advice) == 0
    };
    let mut words = [0; 2];
    let read = pagemap.read(pages as u64, &mut words);
    // SAFETY: both pages are ours, and nobody has a reference to them.
    let _ = unsafe { munmap(pages, 2 * size) };
    read?;
    Ok((words[0], guards.then_some(words[1])))
}
