use crate::error::{Refusal, Result};
use crate::fields::Fields;
use crate::linux::capture::{self, Place};
use crate::linux::ids::{self, Listing};
use crate::process::ProcessId;
use crate::status::ProcessStatus;
use crate::system::System;

/// All processes, as one pass saw them; made by [`System::capture`]. Refreshed, it works in the
/// memory that it has.
///
/// ```
/// use psapi::{Capture, Fields, System};
///
/// let system = System::new();
/// let mut capture = Capture::new(Fields::MEMORY);
/// for _ in 0..3 {
///     capture.refresh(&system)?;
///     let total: u64 = capture.processes().iter().filter_map(|p| p.memory).map(|m| m.rss_anon).sum();
///     println!("{total} bytes of private memory are in use");
/// }
/// # Ok::<(), psapi::Error>(())
/// ```
#[derive(Debug)]
pub struct Capture {
    fields: Fields,
    table: Table,
    listing: ids::Room,
    ids: Vec<ProcessId>,
    room: capture::Room,
}

impl Capture {
    /// An empty one, which will read `fields`.
    pub fn new(fields: Fields) -> Self {
        Capture {
            fields: fields | Fields::STAT,
            table: Table::default(),
            listing: ids::Room::default(),
            ids: Vec::new(),
            room: capture::Room::default(),
        }
    }

    /// What it reads.
    pub fn fields(&self) -> Fields {
        self.fields
    }

    /// The processes, by ascending id.
    pub fn processes(&self) -> &[ProcessStatus] {
        &self.table.rows
    }

    /// The process that had an id.
    pub fn process(&self, id: ProcessId) -> Option<&ProcessStatus> {
        let at = self
            .processes()
            .binary_search_by_key(&id, |status| status.id)
            .ok()?;
        self.processes().get(at)
    }

    /// Takes the processes out.
    pub fn into_processes(self) -> Vec<ProcessStatus> {
        self.table.rows
    }

    /// Describes all processes anew. For a process that was there before, memory is allocated only
    /// for texts that outgrew their place.
    ///
    /// # Errors
    ///
    /// As [`System::capture`]. The rows are then those of the processes read so far.
    pub fn refresh(&mut self, system: &System) -> Result<()> {
        self.table.begin();
        let outcome = self.read(system);
        self.table.finish();
        outcome.map_err(|refusal| refusal.of_system("status of the processes"))
    }

    fn read(&mut self, system: &System) -> Result<(), Refusal> {
        let proc = system.proc_directory()?;
        let refused = |errno| proc.refusal(b"", errno);
        let mut listing = Listing::of(proc, b".").map_err(refused)?;
        let (mut more, mut found) = (true, false);
        while more {
            self.ids.clear();
            let next = listing.next(&mut self.listing, &mut self.ids);
            more = next.map_err(refused)?;
            found |= !self.ids.is_empty();
            for &id in &self.ids {
                let place = Place::ById(proc, id);
                if let Some(raw) = capture::read(place, self.fields, &mut self.room)? {
                    self.table.row(id).fill(&raw, self.fields);
                }
            }
        }
        match found {
            true => Ok(()),
            false => Err(ids::no_proc(proc)),
        }
    }
}

/// The rows, filled anew in place, by ascending id. A process that is there again keeps its row and
/// the memory in it; what one that ended leaves is for the next new one.
#[derive(Debug, Default)]
struct Table {
    rows: Vec<ProcessStatus>,
    /// So many rows are filled.
    filled: usize,
    /// From here on, rows are still those of the pass before; between, there are left ones.
    before: usize,
    /// New rows for which there was no place between the others.
    added: Vec<ProcessStatus>,
}

impl Table {
    fn begin(&mut self) {
        (self.filled, self.before) = (0, 0);
    }

    /// The row for the next process.
    fn row(&mut self, id: ProcessId) -> &mut ProcessStatus {
        let rows = &mut self.rows;
        while rows.get(self.before).is_some_and(|row| row.id < id) {
            self.before += 1;
        }
        let again = rows.get(self.before).is_some_and(|row| row.id == id);
        let at_end = self.before == rows.len();
        if again {
            rows.swap(self.filled, self.before);
            self.before += 1;
        } else if self.filled < self.before {
            rows[self.filled].id = id;
        } else if at_end {
            rows.push(ProcessStatus::new(id));
            self.before += 1;
        } else {
            self.added.push(ProcessStatus::new(id));
            let last = self.added.len() - 1;
            return &mut self.added[last];
        }
        self.filled += 1;
        &mut rows[self.filled - 1]
    }

    fn finish(&mut self) {
        self.rows.truncate(self.filled);
        if !self.added.is_empty() {
            self.rows.append(&mut self.added);
            self.rows.sort_unstable_by_key(|row| row.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    #[test]
    fn rows_follow_the_ids_and_keep_their_memory() {
        let mut table = Table::default();
        for listed in [
            &[3, 5, 7][..],
            &[3, 5, 7],
            &[3, 5, 7, 9, 10],
            &[1, 5, 6, 10],
            &[1, 2, 3, 4, 5, 6, 10, 11],
            &[6],
            &[],
            &[2, 4],
            &[1, 2, 3, 4, 5],
            &[6, 7],
        ] {
            let before: Vec<_> = table.rows.iter().map(|row| row.id).collect();
            table.begin();
            for id in listed.iter().copied().map(ProcessId::new) {
                let row = table.row(id);
                let name = Some(OsString::from(id.to_string()));
                if before.contains(&id) {
                    assert_eq!((row.id, &row.name), (id, &name), "{listed:?}");
                }
                row.name = name;
            }
            table.finish();
            let ids: Vec<_> = table.rows.iter().map(|row| row.id.get()).collect();
            assert_eq!(ids, listed);
        }
    }
}
