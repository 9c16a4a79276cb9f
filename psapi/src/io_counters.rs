//! Input and output of a process.

/// How much a process has read and written, including threads that have ended.
///
/// Sizes are in bytes. [`read`](Self::read) and [`written`](Self::written) count files, pipes,
/// sockets and terminals, whether or not a disk was involved.
///
/// Source: `PROC/PID/io`; on Windows `ProcessIoCounters`, which has the figures of `IO_COUNTERS`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[doc(alias = "IO_COUNTERS")]
#[non_exhaustive]
pub struct IoCounters {
    /// The bytes that system calls returned to the process (`ReadTransferCount`): `rchar`.
    pub read: u64,
    /// The bytes that the process passed to system calls (`WriteTransferCount`): `wchar`.
    pub written: u64,
    /// The number of system calls that read (`ReadOperationCount`): `syscr`.
    pub read_calls: u64,
    /// The number of system calls that wrote (`WriteOperationCount`): `syscw`.
    pub write_calls: u64,
    /// The bytes passed by calls that neither read nor wrote, such as control calls
    /// (`OtherTransferCount`). Windows only.
    pub other: Option<u64>,
    /// The number of such calls (`OtherOperationCount`). Windows only.
    pub other_calls: Option<u64>,
    /// The bytes read from storage: `read_bytes`. Linux only.
    pub storage_read: Option<u64>,
    /// The bytes to be written to storage, counted when the process changed the pages:
    /// `write_bytes`. Linux only.
    pub storage_written: Option<u64>,
    /// The part of [`storage_written`](Self::storage_written) that was never written, because the
    /// process truncated or deleted the file first: `cancelled_write_bytes`. Linux only.
    pub cancelled_writes: Option<u64>,
}
