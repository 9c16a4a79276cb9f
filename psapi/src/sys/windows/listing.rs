//! The list of all processes: one call, `SystemProcessInformation`.

use std::cmp::Reverse;

use super::buffer::Buffer;
use super::class::SystemClass;
use super::layouts::reader::Width;
use super::layouts::system_process_information::{self, ProcessEntry};
use super::nt;
use super::system::System;
use crate::error::SourceError;
use crate::process_id::ProcessId;

pub(crate) const CLASS: SystemClass = SystemClass::SystemProcessInformation;

/// The list, read into memory that the next reading reuses.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    answer: Buffer,
    /// The length of the answer.
    length: usize,
    /// The id of each process, its time of creation, and the place of its entry; by ascending id.
    places: Vec<(u32, i64, usize)>,
}

impl Listing {
    /// Reads the list.
    pub(crate) fn read(&mut self) -> Result<(), SourceError> {
        self.places.clear();
        let answer = self
            .answer
            .fill(|bytes| nt::query_system(CLASS, bytes))
            .map_err(|status| status.error(CLASS))?;
        self.length = answer.len();
        let entries = system_process_information::entries(answer, Width::NATIVE);
        let places = entries.map(|entry| (entry.id, entry.create_time, entry.offset));
        self.places.extend(places);
        // A list can have an id twice if it is reused while the list is made. The later process
        // stays.
        self.places
            .sort_unstable_by_key(|&(id, created, _)| (id, Reverse(created)));
        self.places.dedup_by_key(|&mut (id, ..)| id);
        Ok(())
    }

    /// Returns the processes, by ascending id.
    pub(crate) fn entries(&self) -> impl Iterator<Item = ProcessEntry<'_>> {
        self.places
            .iter()
            .filter_map(|&(_, _, offset)| self.entry_at(offset))
    }

    /// Returns a process.
    pub(crate) fn entry(&self, id: ProcessId) -> Option<ProcessEntry<'_>> {
        let (_, offset) = self.find(id.get())?;
        self.entry_at(offset)
    }

    /// Returns the address at which the call filled the list, which names refer to.
    pub(crate) fn base(&self) -> u64 {
        self.answer.bytes().as_ptr() as u64
    }

    /// Returns the parent of a process; `None` if it has none, or if its id belongs to a later
    /// process.
    pub(crate) fn parent(&self, entry: &ProcessEntry<'_>) -> Option<ProcessId> {
        let is_later = self
            .find(entry.parent)
            .is_some_and(|(create_time, _)| create_time > entry.create_time);
        (entry.parent != 0 && !is_later).then(|| ProcessId::new(entry.parent))
    }

    fn find(&self, id: u32) -> Option<(i64, usize)> {
        let at = self.places.binary_search_by_key(&id, |&(id, ..)| id).ok()?;
        let (_, create_time, offset) = self.places[at];
        Some((create_time, offset))
    }

    fn entry_at(&self, offset: usize) -> Option<ProcessEntry<'_>> {
        let answer = self.answer.bytes().get(..self.length)?;
        system_process_information::entry_at(answer, offset, Width::NATIVE)
    }
}

/// Lists the ids of all processes, ascending.
pub(crate) fn process_ids(_: &System) -> Result<Vec<ProcessId>, SourceError> {
    let mut listing = Listing::default();
    listing.read()?;
    let ids = listing.places.iter().map(|&(id, ..)| ProcessId::new(id));
    Ok(ids.collect())
}

/// Lists the ids of the threads of a process, ascending; `None` if there is no such process.
pub(crate) fn thread_ids(_: &System, id: ProcessId) -> Result<Option<Vec<u32>>, SourceError> {
    let mut listing = Listing::default();
    listing.read()?;
    Ok(listing.entry(id).map(|entry| {
        let mut ids: Vec<u32> = entry.thread_ids().collect();
        ids.sort_unstable();
        ids
    }))
}
