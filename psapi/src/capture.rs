use crate::error::{Refusal, Result};
use crate::fields::Fields;
use crate::linux::capture::{self, Place};
use crate::linux::ids;
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
    processes: Vec<ProcessStatus>,
    ids: Vec<ProcessId>,
    listing: ids::Room,
    room: capture::Room,
}

impl Capture {
    /// An empty one, which will read `fields`.
    pub fn new(fields: Fields) -> Self {
        Capture {
            fields: fields | Fields::STAT,
            processes: Vec::new(),
            ids: Vec::new(),
            listing: ids::Room::default(),
            room: capture::Room::default(),
        }
    }

    /// What it reads.
    pub fn fields(&self) -> Fields {
        self.fields
    }

    /// The processes, by ascending id.
    pub fn processes(&self) -> &[ProcessStatus] {
        &self.processes
    }

    /// The process that had an id.
    pub fn process(&self, id: ProcessId) -> Option<&ProcessStatus> {
        let at = self
            .processes
            .binary_search_by_key(&id, |status| status.id)
            .ok()?;
        Some(&self.processes[at])
    }

    /// Takes the processes out.
    pub fn into_processes(self) -> Vec<ProcessStatus> {
        self.processes
    }

    /// Describes all processes anew. For a process that was there before, memory is allocated only
    /// for texts that outgrew their place.
    ///
    /// # Errors
    ///
    /// As [`System::capture`]. The rows are then those of the processes read so far.
    pub fn refresh(&mut self, system: &System) -> Result<()> {
        self.read(system)
            .map_err(|refusal| refusal.of_system("status of the processes"))
    }

    fn read(&mut self, system: &System) -> Result<(), Refusal> {
        let listed = system.proc_directory().and_then(|proc| {
            ids::list(proc, &mut self.listing, &mut self.ids)?;
            Ok(proc)
        });
        let proc = match listed {
            Ok(proc) => proc,
            Err(refusal) => {
                self.processes.clear();
                return Err(refusal);
            }
        };
        align(&mut self.processes, &self.ids);
        let (fields, room) = (self.fields, &mut self.room);
        let mut outcome = Ok(());
        self.processes.retain_mut(|status| {
            if outcome.is_err() {
                return false;
            }
            match capture::read(Place::ById(proc, status.id), fields, room) {
                Ok(Some(raw)) => status.fill(&raw, fields),
                Ok(None) => return false,
                Err(refusal) => outcome = Err(refusal),
            }
            outcome.is_ok()
        });
        outcome
    }
}

/// Makes the rows those of `ids`; both ascend. A row whose id is still there keeps its memory.
fn align(rows: &mut Vec<ProcessStatus>, ids: &[ProcessId]) {
    let mut listed = ids.iter().peekable();
    rows.retain(|row| {
        while listed.next_if(|&&id| id < row.id).is_some() {}
        listed.next_if(|&&id| id == row.id).is_some()
    });
    // From the end, so that nothing moves where what is new has the highest ids, as it mostly has.
    // All from `kept` up to the place at hand are blank.
    let mut kept = rows.len();
    rows.resize_with(ids.len(), || ProcessStatus::new(ProcessId::new(0)));
    for (place, &id) in ids.iter().enumerate().rev() {
        if kept > place {
            break;
        }
        match kept.checked_sub(1) {
            Some(last) if rows[last].id == id => {
                rows.swap(last, place);
                kept = last;
            }
            _ => rows[place].id = id,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    #[test]
    fn rows_follow_the_ids_and_keep_their_memory() {
        let ids = |ids: &[u32]| ids.iter().copied().map(ProcessId::new).collect::<Vec<_>>();
        let mut rows = Vec::new();
        for listed in [
            &[3, 5, 7][..],
            &[3, 5, 7],
            &[3, 5, 7, 9, 10],
            &[1, 5, 6, 10],
            &[6],
            &[],
            &[2, 4],
            &[1, 2, 3, 4, 5],
            &[6, 7],
        ] {
            let before: Vec<_> = rows.iter().map(|row: &ProcessStatus| row.id).collect();
            align(&mut rows, &ids(listed));
            assert!(rows.iter().map(|row| row.id).eq(ids(listed)), "{listed:?}");
            for row in &mut rows {
                let name = OsString::from(row.id.to_string());
                match before.contains(&row.id) {
                    true => assert_eq!(row.name.as_ref(), Some(&name), "{listed:?}"),
                    false => assert_eq!(row.name, None, "{listed:?}"),
                }
                row.name = Some(name);
            }
        }
    }
}
