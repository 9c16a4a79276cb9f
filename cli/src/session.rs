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
        })
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
