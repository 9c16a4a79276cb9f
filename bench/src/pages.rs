//! Processes that hold pages of a known kind, for workloads about working sets.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::fd::AsRawFd as _;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, ensure};
use psapi::{Process, System};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

use crate::helper;

/// A process with one range of pages. It ends when this value is dropped.
pub struct Pages {
    child: Child,
    pub start: u64,
    pub size: u64,
}

impl Pages {
    /// Starts a process with private pages of the kind `small`, `alternate` or `huge`.
    pub fn start(kind: &str, size: u64) -> anyhow::Result<Self> {
        Pages::with(&[kind, &size.to_string()], size)
    }

    fn with(arguments: &[&str], size: u64) -> anyhow::Result<Self> {
        let mut child = Command::new(helper::path("bench-pages")?)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child
            .stdout
            .take()
            .context("standard output is not a pipe")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let start = line
            .trim()
            .parse()
            .context("bench-pages printed no address")?;
        let pages = Pages { child, start, size };
        let resident = pages.process()?.memory_counters()?.working_set;
        ensure!(
            resident >= size / 2,
            "the pages of bench-pages are not resident"
        );
        Ok(pages)
    }

    pub fn process(&self) -> anyhow::Result<Process> {
        Ok(System::new().process(self.id())?)
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts processes that share one range of memory.
pub fn shared(processes: usize, size: u64) -> anyhow::Result<Vec<Pages>> {
    let memory = File::from(memfd_create("shared", MemfdFlags::CLOEXEC)?);
    ftruncate(&memory, size)?;
    let path = format!("/proc/{}/fd/{}", std::process::id(), memory.as_raw_fd());
    (0..processes)
        .map(|_| Pages::with(&["shared", &size.to_string(), &path], size))
        .collect()
}
