//! One run of the command: the system to inspect, the output, and whether anything failed.

use std::fmt::Display;
use std::io::{self, Write as _};

use anyhow::Result;
use psapi::System;

use crate::failures;
use crate::options::Global;
use crate::output::{Output, printable};
use crate::sys;
use crate::users::Users;

/// The state that every subcommand works with.
#[derive(Debug)]
pub struct Session {
    pub system: System,
    pub output: Output,
    pub users: Users,
    failed: bool,
    /// The exit code of the command that `psapi watch` ran.
    exit_code: Option<sys::ExitCode>,
}

impl Session {
    pub fn new(options: &Global) -> Result<Self> {
        let system = options.source.system()?;
        Ok(Session {
            users: Users::new(system.clone()),
            system,
            output: Output::new(options.output()?),
            failed: false,
            exit_code: None,
        })
    }

    /// Prints an error that concerns only a part of the request. The exit code reports the failure.
    pub fn report(&mut self, error: impl Display) {
        self.failed = true;
        warn(error);
    }

    /// Prints an error of the library like [`report`](Self::report), in short form.
    pub fn report_error(&mut self, error: psapi::Error) {
        let message = failures::message(error, &mut self.users);
        self.report(message);
    }

    /// Prints any error like [`report`](Self::report), and an error of the library in short form.
    pub fn report_any(&mut self, error: anyhow::Error) {
        match error.downcast() {
            Ok(error) => self.report_error(error),
            Err(error) => self.report(format_args!("{error:#}")),
        }
    }

    /// Sets the exit code of the command that was run, or a code for the failure to run it.
    pub fn exit_with(&mut self, code: sys::ExitCode) {
        self.exit_code = Some(code);
    }

    /// Returns the code set by [`exit_with`](Self::exit_with). Otherwise returns 1 if an error was
    /// reported, and 0 if none was.
    pub fn exit_code(&self) -> sys::ExitCode {
        self.exit_code.unwrap_or(self.failed.into())
    }
}

/// Prints a message to standard error. Ignores a failure to write it.
pub fn warn(message: impl Display) {
    let text = printable(message.to_string().as_bytes());
    let _ = writeln!(io::stderr(), "psapi: {text}");
}
