//! One run of the command: the system that is asked, the output, and whether anything failed.

use std::fmt::Display;
use std::io::{self, Write as _};

use psapi::System;

use crate::cli::Global;
use crate::output::{Output, printable};

/// What every subcommand works with.
#[derive(Debug)]
pub struct Session {
    pub system: System,
    pub output: Output,
    failed: bool,
}

impl Session {
    pub fn new(options: &Global) -> Self {
        Session {
            system: System::builder()
                .proc_root(&options.proc_root)
                .sys_root(&options.sys_root)
                .file_root(&options.file_root)
                .build(),
            output: Output::new(options.output()),
            failed: false,
        }
    }

    /// Says what went wrong with a part of the question; the rest goes on.
    pub fn report(&mut self, error: impl Display) {
        self.failed = true;
        say(error);
    }

    /// Whether a part of the question failed.
    pub fn failed(&self) -> bool {
        self.failed
    }
}

/// Writes a message for people to standard error. That it can't be written is no failure.
pub fn say(message: impl Display) {
    let text = printable(message.to_string().as_bytes());
    let _ = writeln!(io::stderr(), "psapi: {text}");
}
