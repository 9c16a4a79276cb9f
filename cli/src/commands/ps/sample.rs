//! One look at the processes: at all, or at those whose ids were given.

use psapi::{Capture, ErrorKind, Fields, ProcessId, ProcessStatus};

use crate::session::Session;

/// What one look saw.
#[derive(Debug)]
pub struct Sample {
    capture: Capture,
    chosen: Option<Vec<ProcessStatus>>,
}

impl Sample {
    /// An empty one.
    pub fn new(fields: Fields) -> Self {
        Sample {
            capture: Capture::new(fields),
            chosen: None,
        }
    }

    /// Looks at all processes, or at those with these ids. An id that no process has is reported, and
    /// taken off the list; the others are still looked at.
    pub fn refresh(
        &mut self,
        ids: &mut Option<Vec<ProcessId>>,
        session: &mut Session,
    ) -> psapi::Result<()> {
        let Some(ids) = ids else {
            return self.capture.refresh(&session.system);
        };
        let fields = self.capture.fields();
        let chosen = self.chosen.insert(Vec::new());
        ids.retain(|&id| {
            let process = session.system.process(id);
            match process.and_then(|process| process.status(fields)) {
                Ok(status) => chosen.push(status),
                Err(error) => {
                    if error.kind() != ErrorKind::Ended {
                        session.report(error);
                    }
                    return false;
                }
            }
            true
        });
        Ok(())
    }

    /// The processes, by ascending id.
    pub fn processes(&self) -> &[ProcessStatus] {
        self.chosen.as_deref().unwrap_or(self.capture.processes())
    }

    /// The process that had an id.
    pub fn process(&self, id: ProcessId) -> Option<&ProcessStatus> {
        let processes = self.processes();
        let at = processes.binary_search_by_key(&id, |status| status.id);
        at.ok().map(|at| &processes[at])
    }
}
