//! The CPU time of a machine.

use std::time::Duration;

/// How the processors of a machine spent their time since boot, summed over all processors.
///
/// A processor that is offline does not count. Resolution: 10 ms on Linux, 100 ns on Windows.
///
/// Source: the first line of `PROC/stat`; on Windows `SystemProcessorPerformanceInformation` of
/// each processor group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct CpuTimes {
    /// Programs in user mode, except those with a positive nice value: `user`. It includes virtual
    /// machines. On Windows `UserTime`.
    pub user: Duration,
    /// Programs in user mode with a positive nice value: `nice`. Linux only.
    pub nice: Option<Duration>,
    /// The kernel, on behalf of programs or in its own threads: `system`. On Windows
    /// `KernelTime` without the three times below.
    pub kernel: Duration,
    /// Nothing to do: `idle`; on Windows `IdleTime`.
    pub idle: Duration,
    /// Nothing to do, while a program waited for a disk: `iowait`. The kernel documents this figure
    /// as unreliable, and it can fall. Linux only.
    pub io_wait: Option<Duration>,
    /// Hardware interrupts: `irq`; on Windows `InterruptTime`.
    pub interrupts: Duration,
    /// Deferred interrupt work: `softirq`; on Windows `DpcTime`.
    pub soft_interrupts: Duration,
    /// Time in which the host ran something else, if this machine is a virtual one: `steal`. Linux
    /// only.
    pub stolen: Option<Duration>,
}
