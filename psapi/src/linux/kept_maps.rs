//! A `maps` file that is kept open between questions for one address each.
//!
//! An open `maps` file answers for the address space that the process had when the file was
//! opened. When the process executes another program, that address space goes, and the file
//! answers "no such process": it is opened anew then. Only an address space that is shared would
//! stay, and a child of `vfork` shares its parent's until it executes something: for a process
//! that has not executed anything since it was forked, the file is not kept.

use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::RwLock;

use super::address_space::AddressSpace;
use super::file::Directory;
use super::maps::{FILE, Vma};
use super::procmap_query::{self, NAME_ROOM, Which};
use super::stat;
use crate::error::Refusal;

/// The file, once it has been needed. Nobody waits for the lock: a fork may have left behind who
/// holds it, and to open the file anew is an answer, too.
#[derive(Debug, Default)]
pub(crate) struct KeptMaps(RwLock<Option<OwnedFd>>);

/// A mapping's name was read into the buffer; whether an escape was undone in it is open to doubt.
pub(crate) struct Found {
    pub(crate) vma: Vma,
    pub(crate) doubtful: bool,
}

impl KeptMaps {
    /// The mapping at an address, and its name in `name`.
    pub(crate) fn find(
        &self,
        process: &Directory,
        use_query: bool,
        address: u64,
        name: &mut Vec<u8>,
    ) -> Result<Option<Found>, Refusal> {
        match self.query(process, use_query, address, name) {
            Some(answer) => Ok(answer),
            None => {
                let space = AddressSpace::open(process, use_query)?;
                let found = space.find_named(Which::At(address), name)?;
                Ok(found.map(|(vma, doubtful)| Found { vma, doubtful }))
            }
        }
    }

    /// `None`: `PROCMAP_QUERY` can't tell.
    fn query(
        &self,
        process: &Directory,
        use_query: bool,
        address: u64,
        name: &mut Vec<u8>,
    ) -> Option<Option<Found>> {
        if !use_query {
            return None;
        }
        if let Ok(kept) = self.0.try_read()
            && let Some(maps) = &*kept
            && let Some(answer) = ask(maps, address, name)
        {
            return Some(answer);
        }
        // Asked before the file is opened: one that is opened before the process executes something
        // and found good after it would answer for the parent for good.
        let is_own = has_executed(process);
        let maps = process.file(FILE).ok()?;
        let answer = ask(&maps, address, name)?;
        if is_own {
            // Dropped after the lock.
            let _before = self.0.try_write().ok().map(|mut kept| kept.replace(maps));
        }
        Some(answer)
    }
}

fn ask(maps: &OwnedFd, address: u64, name: &mut Vec<u8>) -> Option<Option<Found>> {
    let mut room = [0; NAME_ROOM];
    match procmap_query::query_name(maps.as_fd(), Which::At(address), &mut room) {
        Ok(None) => Some(None),
        Ok(Some((vma, found))) => {
            name.clear();
            name.extend_from_slice(found);
            Some(Some(Found {
                vma,
                doubtful: false,
            }))
        }
        Err(_) => None,
    }
}

fn has_executed(process: &Directory) -> bool {
    stat::read(process, &mut Vec::new()).is_ok_and(|stat| stat.has_executed())
}
