//! Keeps a `maps` file open between queries for single addresses.
//!
//! An open `maps` file stays bound to the address space that the process had when the file was
//! opened. After `execve` that address space is gone and queries return `ESRCH`, so the file is
//! opened again. A shared address space would survive, however: a child of `vfork` uses its
//! parent's until it calls `execve`. The file is therefore not kept for a process that has not
//! called `execve` since it was forked.

use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::RwLock;

use crate::error::SourceError;
use crate::sys::linux::address_space::AddressSpace;
use crate::sys::linux::calls::procmap_query::{self, NAME_SIZE, VmaQuery};
use crate::sys::linux::dir::Dir;
use crate::sys::linux::proc::maps::{FILE, Vma};
use crate::sys::linux::proc::stat;

/// The file, once a query has opened it.
///
/// No caller waits for the lock. In a forked child, a thread that does not exist there might hold
/// it. Opening the file again always works.
#[derive(Debug, Default)]
pub(crate) struct MapsCache(RwLock<Option<OwnedFd>>);

/// A mapping that was found.
pub(crate) struct MappingHit {
    pub(crate) vma: Vma,
    /// Whether an escape was undone in the name; see [`AddressSpace::find_named`].
    pub(crate) unescaped: bool,
}

impl MapsCache {
    /// Finds the mapping at an address and stores its name in `name`.
    pub(crate) fn find(
        &self,
        process: &Dir,
        use_query: bool,
        address: u64,
        name: &mut Vec<u8>,
    ) -> Result<Option<MappingHit>, SourceError> {
        match self.query(process, use_query, address, name) {
            Some(answer) => Ok(answer),
            None => {
                let space = AddressSpace::open(process, use_query)?;
                let found = space.find_named(VmaQuery::At(address), name)?;
                Ok(found.map(|(vma, unescaped)| MappingHit { vma, unescaped }))
            }
        }
    }

    /// Returns `None` if `PROCMAP_QUERY` is not usable or failed.
    fn query(
        &self,
        process: &Dir,
        use_query: bool,
        address: u64,
        name: &mut Vec<u8>,
    ) -> Option<Option<MappingHit>> {
        if !use_query {
            return None;
        }
        if let Ok(kept) = self.0.try_read()
            && let Some(maps) = &*kept
            && let Some(answer) = query_open(maps, address, name)
        {
            return Some(answer);
        }
        // Checked before opening. In the other order, an `execve` in between would leave the file
        // of the parent's address space in the cache.
        let is_own = has_executed(process);
        let maps = process.file(FILE).ok()?;
        let answer = query_open(&maps, address, name)?;
        if is_own {
            // The previous file is closed after the lock is released.
            let _previous = self.0.try_write().ok().map(|mut kept| kept.replace(maps));
        }
        Some(answer)
    }
}

fn query_open(maps: &OwnedFd, address: u64, name: &mut Vec<u8>) -> Option<Option<MappingHit>> {
    let mut buffer = [0; NAME_SIZE];
    match procmap_query::query_name(maps.as_fd(), VmaQuery::At(address), &mut buffer) {
        Ok(None) => Some(None),
        Ok(Some((vma, found))) => {
            name.clear();
            name.extend_from_slice(found);
            Some(Some(MappingHit {
                vma,
                unescaped: false,
            }))
        }
        Err(_) => None,
    }
}

fn has_executed(process: &Dir) -> bool {
    stat::read(process, &mut Vec::new()).is_ok_and(|stat| stat.has_executed())
}
