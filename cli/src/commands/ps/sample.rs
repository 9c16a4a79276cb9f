//! One look at the processes: at all, or at those whose ids were given.

use psapi::{Capture, ErrorKind, Fields, ProcessId, ProcessStatus, System};

use crate::session::Session;
use crate::target::{self, HasEnded, Pin};

/// A process that was chosen by its id.
#[derive(Debug)]
pub struct Chosen {
    id: ProcessId,
    /// The process that had the id at first.
    pin: Option<Pin>,
}

impl Chosen {
    pub fn new(id: ProcessId) -> Self {
        Chosen { id, pin: None }
    }

    fn look(&mut self, look: &mut Look<'_>) -> anyhow::Result<ProcessStatus> {
        let status = look.at(self.id);
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

/// Looking at single processes.
struct Look<'a> {
    system: &'a System,
    capture: &'a mut Capture,
    /// Whether the capture is of this look.
    refreshed: bool,
}

impl Look<'_> {
    fn at(&mut self, id: ProcessId) -> psapi::Result<ProcessStatus> {
        let status = self
            .system
            .process(id)
            .and_then(|process| process.status(self.capture.fields()));
        let Err(refused) = status else { return status };
        if refused.kind() != ErrorKind::AccessDenied {
            return Err(refused);
        }
        // With hidepid=1 none can be opened that is another user's, but a listing of all has it.
        if !self.refreshed {
            self.capture.refresh(self.system)?;
            self.refreshed = true;
        }
        self.capture.process(id).cloned().ok_or(refused)
    }
}

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

    /// Looks at all processes, or at the chosen ones. One that is not there, or not any more, is
    /// reported and taken off the list; the others are still looked at.
    pub fn refresh(
        &mut self,
        chosen: &mut Option<Vec<Chosen>>,
        session: &mut Session,
    ) -> psapi::Result<()> {
        let Some(chosen) = chosen else {
            return self.capture.refresh(&session.system);
        };
        let mut look = Look {
            system: &session.system,
            capture: &mut self.capture,
            refreshed: false,
        };
        let statuses = self.chosen.insert(Vec::new());
        let mut errors = Vec::new();
        chosen.retain_mut(|chosen| match chosen.look(&mut look) {
            Ok(status) => {
                statuses.push(status);
                true
            }
            Err(error) => {
                errors.push(error);
                false
            }
        });
        // What ends while it is looked at for the first time is no failure.
        let ends = |error: &anyhow::Error| {
            let kind = error.downcast_ref().map(psapi::Error::kind);
            kind == Some(ErrorKind::Ended)
        };
        for error in errors.into_iter().filter(|error| !ends(error)) {
            session.report(format_args!("{error:#}"));
        }
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
