//! One sample: the status of all processes, or of the processes with given ids.

use psapi::{Capture, ErrorKind, Fields, ProcessId, ProcessStatus, System};

use crate::failures::Failures;
use crate::session::Session;
use crate::target::{self, HasEnded, Pin};

/// A process selected by its id.
#[derive(Debug)]
pub struct Selected {
    id: ProcessId,
    /// The process that had the id in the first sample.
    pin: Option<Pin>,
}

impl Selected {
    pub fn new(id: ProcessId) -> Self {
        Selected { id, pin: None }
    }

    /// Reads the status. Fails if the process that had the id in the first sample has ended.
    fn read(&mut self, reader: &mut StatusReader<'_>) -> anyhow::Result<ProcessStatus> {
        let status = reader.read(self.id);
        let Some(pin) = self.pin else {
            let status = status?;
            self.pin = Some(Pin::new(&status));
            return Ok(status);
        };
        match status {
            Ok(status) if pin.is_of(&status) => Ok(status),
            Err(error) if !target::is_gone(error.kind()) => Err(error.into()),
            _ => Err(HasEnded(self.id).into()),
        }
    }
}

/// Reads the status of single processes for one sample.
struct StatusReader<'a> {
    system: &'a System,
    capture: &'a mut Capture,
    /// Whether the capture belongs to this sample.
    refreshed: bool,
}

impl StatusReader<'_> {
    fn read(&mut self, id: ProcessId) -> psapi::Result<ProcessStatus> {
        let status = self
            .system
            .process(id)
            .and_then(|process| process.status(self.capture.fields()));
        let Err(refused) = status else { return status };
        if refused.kind() != ErrorKind::AccessDenied {
            return Err(refused);
        }
        // With hidepid=1, a process of another user cannot be opened, but a listing includes it.
        if !self.refreshed {
            self.capture.refresh(self.system)?;
            self.refreshed = true;
        }
        self.capture.process(id).cloned().ok_or(refused)
    }
}

/// The status of several processes at one time.
#[derive(Debug)]
pub struct Sample {
    capture: Capture,
    chosen: Option<Vec<ProcessStatus>>,
}

impl Sample {
    /// Returns an empty sample.
    pub fn new(fields: Fields) -> Self {
        Sample {
            capture: Capture::new(fields),
            chosen: None,
        }
    }

    /// Reads the status of all processes, or of the chosen ones. A chosen process that does not
    /// exist or has ended is reported and removed from the list; the others are still read.
    pub fn refresh(
        &mut self,
        chosen: &mut Option<Vec<Selected>>,
        session: &mut Session,
    ) -> psapi::Result<()> {
        let Some(chosen) = chosen else {
            return self.capture.refresh(&session.system);
        };
        let mut reader = StatusReader {
            system: &session.system,
            capture: &mut self.capture,
            refreshed: false,
        };
        let statuses = self.chosen.insert(Vec::new());
        let mut errors = Vec::new();
        chosen.retain_mut(|chosen| match chosen.read(&mut reader) {
            Ok(status) => {
                statuses.push(status);
                true
            }
            Err(error) => {
                errors.push(error);
                false
            }
        });
        // A process that ends while it is read for the first time is not a failure.
        let ends = |error: &anyhow::Error| {
            let kind = error.downcast_ref().map(psapi::Error::kind);
            kind == Some(ErrorKind::Ended)
        };
        let mut failures = Failures::default();
        for error in errors.into_iter().filter(|error| !ends(error)) {
            match error.downcast() {
                Ok(error) => failures.add(error),
                Err(error) => session.report(format_args!("{error:#}")),
            }
        }
        for (_, message) in failures.messages(&mut session.users) {
            session.report(message);
        }
        Ok(())
    }

    /// Returns the processes in ascending order of id.
    pub fn processes(&self) -> &[ProcessStatus] {
        self.chosen.as_deref().unwrap_or(self.capture.processes())
    }

    /// Returns the process with an id.
    pub fn process(&self, id: ProcessId) -> Option<&ProcessStatus> {
        let processes = self.processes();
        let at = processes.binary_search_by_key(&id, |status| status.id);
        at.ok().map(|at| &processes[at])
    }
}
