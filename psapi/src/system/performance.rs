//! The performance figures of a system.

use crate::cpu_times::CpuTimes;
use crate::error::Result;
use crate::performance::PerformanceInfo;
use crate::sys;
use crate::system::System;

impl System {
    /// Returns how the machine's memory is used, and how many processes and threads there are.
    ///
    /// Source: `PROC/meminfo`, `PROC/loadavg`, `PROC/sys/vm/overcommit_memory`,
    /// `PROC/sys/fs/file-nr`, the names in the proc root. Cost: cheap, four small files and a
    /// listing. Privileges: none, but with `hidepid=2` or 4 only the processes that the caller can
    /// inspect are counted.
    ///
    /// Source on Windows: `SystemPerformanceInformation` and five further classes, which
    /// [`PerformanceInfo`] names. Privileges: none, except for
    /// [`physical_free`](PerformanceInfo::physical_free).
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::NotProc`](crate::ErrorKind::NotProc) if the proc root is not a proc file
    ///   system.
    /// - [`ErrorKind::NotSupported`](crate::ErrorKind::NotSupported) if it was mounted with
    ///   `subset=pid`.
    /// - [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) if a file lacks a value that every
    ///   kernel reports.
    ///
    /// ```
    /// let info = psapi::System::new().performance_info()?;
    /// println!("{} of {} bytes are available", info.physical_available, info.physical_total);
    /// # Ok::<(), psapi::Error>(())
    /// ```
    #[doc(alias = "GetPerformanceInfo")]
    pub fn performance_info(&self) -> Result<PerformanceInfo> {
        sys::performance_info(self.inner())
            .map_err(|source| self.error("performance information", source))
    }

    /// Returns how the processors spent their time since boot.
    ///
    /// Source: the first line of `PROC/stat`; on Windows `SystemProcessorPerformanceInformation` of
    /// each processor group. Cost: one file, for which the kernel visits every processor and
    /// interrupt. Privileges: none.
    ///
    /// # Errors
    ///
    /// As for [`performance_info`](Self::performance_info).
    #[doc(alias = "GetSystemTimes")]
    pub fn cpu_times(&self) -> Result<CpuTimes> {
        sys::cpu_times(self.inner()).map_err(|source| self.error("CPU times", source))
    }
}
