//! One run of the command: the system that is asked, the output, and whether anything failed.

use std::fmt::Display;
use std::io::{self, Write as _};

use anyhow::Result;
use psapi::{System, SystemBuilder};

use crate::cli::{Global, usage};
use crate::output::{Output, printable};

/// What every subcommand works with.
#[derive(Debug)]
pub struct Session {
    pub system: System,
    pub output: Output,
    failed: bool,
    /// Of a command that was run.
    exit_code: Option<u8>,
}

impl Session {
    pub fn new(options: &Global) -> Result<Self> {
        let builder = System::builder()
            .proc_root(&options.proc_root)
            .sys_root(&options.sys_root)
            .file_root(&options.file_root);
        Ok(Session {
            system: without(builder)?.build(),
            output: Output::new(options.output()),
            failed: false,
            exit_code: None,
        })
    }

    /// Says what went wrong with a part of the question; the rest goes on.
    pub fn report(&mut self, error: impl Display) {
        self.failed = true;
        say(error);
    }

    /// Ends with the exit code of a command that was run, or one that says why it was not.
    pub fn exit_with(&mut self, code: u8) {
        self.exit_code = Some(code);
    }

    /// As that says; else whether a part of the question failed.
    pub fn exit_code(&self) -> u8 {
        self.exit_code.unwrap_or(u8::from(self.failed))
    }
}

/// Interfaces of newer kernels to leave alone, comma-separated: for tests that want the ways of older
/// ones to give the same answers.
const WITHOUT: &str = "PSAPI_WITHOUT";

fn without(mut builder: SystemBuilder) -> Result<SystemBuilder> {
    let names = std::env::var_os(WITHOUT).unwrap_or_default();
    let names = names.to_string_lossy();
    for name in names.split(',').filter(|name| !name.is_empty()) {
        builder = match name {
            "pagemap_scan" => builder.without_pagemap_scan(),
            "procmap_query" => builder.without_procmap_query(),
            _ => {
                return Err(usage(format_args!(
                    "{WITHOUT}: there is no interface {name}"
                )));
            }
        };
    }
    Ok(builder)
}

/// Writes a message for people to standard error. That it can't be written is no failure.
pub fn say(message: impl Display) {
    let text = printable(message.to_string().as_bytes());
    let _ = writeln!(io::stderr(), "psapi: {text}");
}
