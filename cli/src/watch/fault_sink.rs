//! The receiver of single faults: prints them as they happen, and keeps them for a picture.

use std::io;
use std::path::Path;

use super::engine::Fault;
use super::engine::session::Observer;
use super::engine::tally::{FaultKey, Tally};
use super::report::live;
use super::report::points::Points;
use crate::output::{Output, os_reason};
use anyhow::{Result, anyhow};

/// The destinations of single faults.
#[derive(Debug)]
pub struct FaultSink<'s> {
    /// Where faults are printed as they happen.
    pub live: Option<&'s mut Output>,
    /// The file that `live` writes to; `None` for a standard stream.
    pub file: Option<&'s Path>,
    /// The faults for a picture.
    pub points: Option<Points>,
    /// Whether a failed write ends the watch. False for a command, which keeps running.
    pub stop_on_error: bool,
    /// The first failed write, if the watch continued.
    pub write_error: Option<anyhow::Error>,
}

impl Observer for FaultSink<'_> {
    fn on_faults(
        &mut self,
        batch: &[(Fault, FaultKey)],
        begin_ns: u64,
        tally: &mut Tally,
    ) -> Result<()> {
        if let Some(points) = &mut self.points {
            for (fault, key) in batch {
                points.add(fault, key.program, begin_ns);
            }
        }
        let Some(output) = &mut self.live else {
            return Ok(());
        };
        let written = live::write(batch, begin_ns, tally, output);
        match written.map_err(|error| name_output(self.file, error)) {
            Err(error) if !self.stop_on_error => {
                self.live = None;
                self.write_error = Some(error);
                Ok(())
            }
            written => written,
        }
    }
}

/// Adds the name of the output to a write error. Leaves a broken-pipe error unchanged, so that
/// callers can recognize it.
pub fn name_output(file: Option<&Path>, error: anyhow::Error) -> anyhow::Error {
    match (error.downcast_ref::<io::Error>(), file) {
        (Some(cause), _) if cause.kind() == io::ErrorKind::BrokenPipe => error,
        (Some(cause), Some(path)) => {
            anyhow!("cannot write {}: {}", path.display(), os_reason(cause))
        }
        (Some(cause), None) => anyhow!("cannot write the output: {}", os_reason(cause)),
        (None, _) => error,
    }
}
