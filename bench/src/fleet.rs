//! The processes that are there to be listed: each of its own, with an address space and an image.

use std::io;
use std::process::{Child, Command, Stdio};

use anyhow::Context;

use crate::helper;

/// How many the bars are about.
pub const PROCESSES: usize = 5_000;

/// Processes that sleep until this is dropped, or this program ends in whatever way.
pub struct Fleet(Vec<Child>);

impl Fleet {
    pub fn start(count: usize) -> anyhow::Result<Self> {
        let sleeper = helper::path("bench-sleeper")?;
        let me = std::process::id().to_string();
        let mut fleet = Fleet(Vec::with_capacity(count));
        for _ in 0..count {
            let child = Command::new(&sleeper)
                .arg(&me)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .spawn()
                .with_context(|| refused(fleet.0.len()))?;
            fleet.0.push(child);
        }
        fleet.wait_until_asleep()?;
        Ok(fleet)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Until all have started up, they change, and take the processors from what is measured.
    fn wait_until_asleep(&self) -> anyhow::Result<()> {
        for child in &self.0 {
            let asleep = || -> io::Result<bool> {
                let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id()))?;
                Ok(stat.contains("(bench-sleeper) S"))
            };
            while !asleep()? {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        }
        Ok(())
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
        }
        for child in &mut self.0 {
            let _ = child.wait();
        }
    }
}

fn refused(started: usize) -> String {
    let setting = |path| std::fs::read_to_string(path).unwrap_or_default();
    format!(
        "only {started} processes could be started; see `ulimit -u`, the pids.max of the control \
         group, and kernel.pid_max ({})",
        setting("/proc/sys/kernel/pid_max").trim()
    )
}
