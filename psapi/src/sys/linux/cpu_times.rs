//! The CPU time of the whole machine.

use crate::cpu_times::CpuTimes;
use crate::error::SourceError;
use crate::sys::linux::capture::ticks;
use crate::sys::linux::proc::cpu_stat;
use crate::sys::linux::system::System;

/// Reads the CPU time of all processors together.
pub(crate) fn cpu_times(system: &System) -> Result<CpuTimes, SourceError> {
    let stat = cpu_stat::read(system.proc_directory()?)?;
    Ok(CpuTimes {
        user: ticks(stat.user),
        nice: Some(ticks(stat.nice)),
        kernel: ticks(stat.system),
        idle: ticks(stat.idle),
        io_wait: Some(ticks(stat.iowait)),
        interrupts: ticks(stat.irq),
        soft_interrupts: ticks(stat.softirq),
        stolen: Some(ticks(stat.steal)),
    })
}
