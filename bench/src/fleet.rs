//! Many sleeping processes, each with its own address space and image, for workloads that list
//! processes.

use std::io;
use std::process::{Child, Command, Stdio};

use anyhow::Context;

use crate::helper;

/// The number of processes for which the targets hold.
pub const PROCESSES: usize = 5_000;

/// Processes that sleep until this value is dropped, or until this program ends in any way.
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
                .with_context(|| process_limit(fleet.0.len()))?;
            fleet.0.push(child);
        }
        fleet.wait_until_asleep()?;
        Ok(fleet)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Waits until all processes sleep. A process that is still starting changes, and competes with
    /// the workload for processors.
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

/// Describes a failure to start more processes, with the settings to check.
fn process_limit(started: usize) -> String {
    let setting = |path| std::fs::read_to_string(path).unwrap_or_default();
    format!(
        "cannot start more than {started} processes; check `ulimit -u`, pids.max of the cgroup, and \
         kernel.pid_max ({})",
        setting("/proc/sys/kernel/pid_max").trim()
    )
}
