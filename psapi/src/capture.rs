//! A capture: the status of all processes, read in one pass.

use crate::error::Result;
use crate::fields::Fields;
use crate::process_id::ProcessId;
use crate::status::ProcessStatus;
use crate::status_table::StatusTable;
use crate::sys;
use crate::system::System;

/// The status of all processes, read in one pass; made by [`System::capture`].
///
/// Refreshing a capture reuses its memory.
///
/// ```
/// use psapi::{Capture, Fields, System};
///
/// let system = System::new();
/// let mut capture = Capture::new(Fields::MEMORY);
/// for _ in 0..3 {
///     capture.refresh(&system)?;
///     let total: u64 = capture.processes().iter().filter_map(|p| p.memory).map(|m| m.commit).sum();
///     println!("{total} bytes of private memory are in use");
/// }
/// # Ok::<(), psapi::Error>(())
/// ```
#[derive(Debug)]
pub struct Capture {
    fields: Fields,
    table: StatusTable,
    buffers: sys::CaptureBuffers,
}

impl Capture {
    /// Creates an empty capture that reads `fields` when it is refreshed.
    pub fn new(fields: Fields) -> Self {
        Capture {
            fields: fields | Fields::STAT,
            table: StatusTable::default(),
            buffers: sys::CaptureBuffers::default(),
        }
    }

    /// Returns the fields that the capture reads.
    pub fn fields(&self) -> Fields {
        self.fields
    }

    /// Returns the processes, by ascending id.
    pub fn processes(&self) -> &[ProcessStatus] {
        self.table.rows()
    }

    /// Returns the process that had an id during the pass.
    pub fn process(&self, id: ProcessId) -> Option<&ProcessStatus> {
        let index = self
            .processes()
            .binary_search_by_key(&id, |status| status.id)
            .ok()?;
        self.processes().get(index)
    }

    /// Returns the processes and drops the capture.
    pub fn into_processes(self) -> Vec<ProcessStatus> {
        self.table.into_rows()
    }

    /// Reads all processes again. For a process that the capture already contains, memory is
    /// allocated only for strings that outgrew their buffer.
    ///
    /// # Errors
    ///
    /// The same as for [`System::capture`]. The capture then contains the processes read before the
    /// error.
    pub fn refresh(&mut self, system: &System) -> Result<()> {
        self.table.begin();
        let result = sys::capture(
            system.inner(),
            self.fields,
            &mut self.buffers,
            &mut self.table,
        );
        self.table.finish();
        result.map_err(|source| system.error(STATUS, source))
    }
}

impl System {
    /// Reads the status of all processes in one pass.
    ///
    /// Reads only the files that `fields` need; see [`Fields`] for the cost of each. On Windows, one
    /// call describes all processes, and a process is opened only for fields that require it. A
    /// process that ends during the pass is left out. A process whose data the caller cannot read
    /// is listed, with those fields `None` and named in [`ProcessStatus::unreadable`]. No row mixes
    /// two processes, even if an id is reused during the pass.
    ///
    /// [`Capture::refresh`] is cheaper for repeated passes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotProc`](crate::ErrorKind::NotProc) if the proc root contains no process.
    pub fn capture(&self, fields: Fields) -> Result<Capture> {
        let mut capture = Capture::new(fields);
        capture.refresh(self)?;
        Ok(capture)
    }
}

const STATUS: &str = "status of all processes";
