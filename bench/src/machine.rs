//! The machine that produced the figures.

use std::fmt;
use std::fs;

use serde::{Deserialize, Serialize};

/// Processor, memory and kernel of a machine.
#[derive(Debug, Serialize, Deserialize)]
pub struct Machine {
    pub processor: String,
    /// The number of available processors.
    pub processors: usize,
    pub memory_bytes: u64,
    pub kernel: String,
}

impl Machine {
    pub fn describe() -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let processor = cpuinfo
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(key, _)| key.trim() == "model name")
            .map_or("unknown processor", |(_, model)| model.trim());
        let name = rustix::system::uname();
        let system = rustix::system::sysinfo();
        Machine {
            processor: processor.into(),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: system.totalram * u64::from(system.mem_unit),
            kernel: format!(
                "{} {} {}",
                name.sysname().to_string_lossy(),
                name.release().to_string_lossy(),
                name.machine().to_string_lossy()
            ),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gib = self.memory_bytes as f64 / f64::from(1 << 30);
        let (count, processor, kernel) = (self.processors, &self.processor, &self.kernel);
        write!(f, "{count} × {processor}, {gib:.0} GiB, {kernel}")
    }
}
