//! Options for the file systems that the figures are read from.

use std::path::PathBuf;

use anyhow::Result;
use psapi::{System, SystemBuilder};

use crate::usage::usage;

/// Options for the file systems that the figures are read from.
#[derive(Debug, clap::Args)]
pub struct Source {
    /// Mount point of the proc file system
    #[arg(long, global = true, value_name = "DIR", default_value = "/proc")]
    proc_root: PathBuf,
    /// Mount point of the sys file system
    #[arg(long, global = true, value_name = "DIR", default_value = "/sys")]
    sys_root: PathBuf,
    /// Directory that contains the system's lib/modules, boot and etc/passwd
    #[arg(long, global = true, value_name = "DIR", default_value = "/")]
    file_root: PathBuf,
}

impl Source {
    /// Returns the system to inspect.
    pub fn system(&self) -> Result<System> {
        let builder = System::builder()
            .proc_root(&self.proc_root)
            .sys_root(&self.sys_root)
            .file_root(&self.file_root);
        Ok(with_disabled(builder)?.build())
    }
}

/// Environment variable that lists kernel interfaces to disable, comma-separated. Lets tests
/// exercise the fallbacks for older kernels.
const DISABLE: &str = "PSAPI_DISABLE";

fn with_disabled(mut builder: SystemBuilder) -> Result<SystemBuilder> {
    let names = std::env::var_os(DISABLE).unwrap_or_default();
    let names = names.to_string_lossy();
    for name in names.split(',').filter(|name| !name.is_empty()) {
        builder = match name {
            "pagemap_scan" => builder.without_pagemap_scan(),
            "procmap_query" => builder.without_procmap_query(),
            _ => {
                return Err(usage(format_args!(
                    "{DISABLE}: unknown interface {name}; expected pagemap_scan or procmap_query"
                )));
            }
        };
    }
    Ok(builder)
}
