//! The rows of a capture, refilled in place.
//!
//! A process that was there in the previous pass keeps its row, and with it the memory of the
//! row's strings. A row whose process has ended is reused for the next new process. So refreshing
//! a capture allocates almost nothing.

use crate::process_id::ProcessId;
use crate::status::ProcessStatus;

/// Rows by ascending id. During a refill, `rows` consists of three parts:
///
/// 1. the rows filled so far
/// 2. rows of processes that have ended, which wait to be reused
/// 3. rows of the previous pass that were not reached yet
#[derive(Debug, Default)]
pub(crate) struct StatusTable {
    rows: Vec<ProcessStatus>,
    /// The end of part 1.
    filled: usize,
    /// The start of part 3.
    previous: usize,
    /// Rows of new processes, created when part 2 was empty.
    added: Vec<ProcessStatus>,
}

impl StatusTable {
    /// Returns the rows.
    pub(crate) fn rows(&self) -> &[ProcessStatus] {
        &self.rows
    }

    /// Returns the rows and drops the table.
    pub(crate) fn into_rows(self) -> Vec<ProcessStatus> {
        self.rows
    }

    /// Begins a refill.
    pub(crate) fn begin(&mut self) {
        (self.filled, self.previous) = (0, 0);
    }

    /// Returns the row to fill for the next process. Ids must ascend for rows to be reused.
    pub(crate) fn row(&mut self, id: ProcessId) -> &mut ProcessStatus {
        let rows = &mut self.rows;
        while rows.get(self.previous).is_some_and(|row| row.id < id) {
            self.previous += 1;
        }
        let is_known = rows.get(self.previous).is_some_and(|row| row.id == id);
        let at_end = self.previous == rows.len();
        if is_known {
            // Move the row from part 3 to the end of part 1.
            rows.swap(self.filled, self.previous);
            self.previous += 1;
        } else if self.filled < self.previous {
            // Reuse the first row of part 2.
            rows[self.filled].id = id;
        } else if at_end {
            rows.push(ProcessStatus::new(id));
            self.previous += 1;
        } else {
            // Inserting the row here would move all later rows, so `finish` adds it.
            self.added.push(ProcessStatus::new(id));
            let last = self.added.len() - 1;
            return &mut self.added[last];
        }
        self.filled += 1;
        &mut rows[self.filled - 1]
    }

    /// Ends a refill: drops the rows that were not filled, and adds the new ones in order.
    pub(crate) fn finish(&mut self) {
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
    fn refill_keeps_rows_of_known_ids() {
        let mut table = StatusTable::default();
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
