//! The pages that a process takes into its working set, as it does.

mod order;

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use crate::error::{Asked, Cause, Refusal, Result};
use crate::linux::cpus;
use crate::linux::page_faults::{self, PageFaults, Wanted};
use crate::process::{Process, ProcessId};
use order::Order;

/// A page that a process took into its working set: it was not there when the process came to it,
/// and the kernel brought it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
#[doc(alias = "PSAPI_WS_WATCH_INFORMATION_EX")]
pub struct PageFault {
    /// When, in nanoseconds of `CLOCK_MONOTONIC`: of the one clock that the kernel takes for all
    /// who record the same fault, where somebody else does so, too, with another one (Linux 6.2).
    pub time: u64,
    /// The instruction that came to the page; of the kernel's own if it did so in a system call.
    pub program_counter: u64,
    /// The address that it came to.
    pub address: u64,
    /// The process: the watched one or, where these are watched, too, a child.
    pub process: ProcessId,
    /// The thread.
    pub thread: u32,
    /// The processor that the thread ran on.
    pub cpu: u32,
    /// Whether something had to be read for it, from a file or from a page file: a major fault.
    pub hard: bool,
}

/// What came since the last call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PageChanges {
    /// The faults, by ascending time, which goes on from call to call.
    pub faults: Vec<PageFault>,
    /// How many were not recorded, because the buffers were full. Before Linux 5.13 it counts those
    /// of child processes, too.
    pub lost: u64,
}

/// How a process is watched; see [`Process::watch_working_set_with`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchOptions {
    buffer_size: usize,
    children: bool,
    plainly: bool,
}

impl Default for WatchOptions {
    fn default() -> Self {
        WatchOptions {
            buffer_size: 2 << 20,
            children: false,
            plainly: false,
        }
    }
}

impl WatchOptions {
    /// What [`Process::watch_working_set`] does.
    pub fn new() -> Self {
        WatchOptions::default()
    }

    /// The bytes for what each processor records until it is fetched, 48 a fault; 2 MiB if not
    /// said. Made a power of two and a page at least, and smaller where so much may not be locked
    /// in memory: see [`WorkingSetWatch::buffer_size`].
    pub fn buffer_size(mut self, bytes: usize) -> Self {
        self.buffer_size = bytes;
        self
    }

    /// Whether to watch the processes that the process starts from now on, and those that they
    /// start, too; not if not said.
    pub fn children(mut self, children: bool) -> Self {
        self.children = children;
        self
    }

    /// Does without what came with Linux 5.13 and 6.0: for tests that want both ways to give the
    /// same answers.
    #[doc(hidden)]
    pub fn plainly(mut self) -> Self {
        self.plainly = true;
        self
    }
}

/// A watch on the working set of a process; made by [`Process::watch_working_set`].
///
/// It ends when it is dropped. Usable from any thread.
#[derive(Debug)]
#[doc(alias = "InitializeProcessForWsWatch")]
pub struct WorkingSetWatch {
    process: ProcessId,
    faults: PageFaults,
    order: Order,
}

impl WorkingSetWatch {
    /// What came since the last call, or since the watch began.
    ///
    /// Cost: in proportion to the faults, beside what recording them cost the process. Before Linux 6.0
    /// a call that finds faults lost waits some milliseconds, until the kernel has counted all of them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) where a buffer does not hold records.
    /// That the process has ended is none: what it did until then is delivered.
    #[doc(alias = "GetWsChanges")]
    #[doc(alias = "GetWsChangesEx")]
    pub fn changes(&mut self) -> Result<PageChanges> {
        let mut faults = Vec::new();
        let lost = self.changes_into(&mut faults)?;
        Ok(PageChanges { faults, lost })
    }

    /// As [`changes`](Self::changes), into a buffer that is used again: it then holds these faults
    /// and nothing else. Answers how many were lost.
    ///
    /// # Errors
    ///
    /// As for [`changes`](Self::changes).
    pub fn changes_into(&mut self, faults: &mut Vec<PageFault>) -> Result<u64> {
        faults.clear();
        self.order.resume(faults);
        let now = page_faults::now();
        let lost = self
            .faults
            .take(|cpu, sample| {
                faults.push(PageFault {
                    time: sample.time,
                    program_counter: sample.ip,
                    address: sample.addr,
                    process: ProcessId::new(sample.pid),
                    thread: sample.tid,
                    cpu,
                    hard: sample.hard,
                });
            })
            .map_err(|refusal| refusal.of(ASKED, self.process))?;
        self.order.sort(faults, now);
        Ok(lost)
    }

    /// Waits until there are changes, or the process has ended; `false` if the time passed without.
    /// A single fault is noticed within 50 ms, many at once.
    ///
    /// # Errors
    ///
    /// None that can be expected.
    pub fn wait(&mut self, timeout: Option<Duration>) -> Result<bool> {
        if !self.order.is_empty() {
            return Ok(true);
        }
        self.faults
            .wait(timeout)
            .map_err(|refusal| refusal.of(ASKED, self.process))
    }

    /// Whether the process has ended. What it did until then can still be fetched, once.
    ///
    /// # Errors
    ///
    /// None that can be expected.
    pub fn has_ended(&self) -> Result<bool> {
        self.faults
            .has_ended()
            .map_err(|refusal| refusal.of(ASKED, self.process))
    }

    /// The process that is watched.
    pub fn process(&self) -> ProcessId {
        self.process
    }

    /// Whether faults that the process takes inside system calls are left out, because the caller
    /// may not see into the kernel: it has no `CAP_PERFMON`, and `kernel.perf_event_paranoid` is 2
    /// or more.
    pub fn is_user_only(&self) -> bool {
        self.faults.is_user_only()
    }

    /// The bytes that each processor's buffer was given, which may be less than were asked for.
    pub fn buffer_size(&self) -> usize {
        self.faults.size()
    }
}

/// A descriptor to poll for reading, with others. It becomes ready when there are changes, for good
/// once the process has ended, and in between up to 20 times a second for nothing; fetching the
/// changes makes it wait again.
impl AsFd for WorkingSetWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.faults.as_fd()
    }
}

impl Process {
    /// Watches the pages that the process takes into its working set from now on: all its threads,
    /// and those that it starts later.
    ///
    /// Each page fault that the process takes and that the kernel counts for it (`min_flt` and
    /// `maj_flt` of `stat`) is recorded, or counted as lost. Pages that the kernel touches itself
    /// are counted but not recorded: for `mlock`, `MAP_POPULATE` and `MADV_POPULATE_READ`, for direct
    /// I/O, and the first ones of the stack when another program is executed. Neighbours that come
    /// along with a page of a file are neither.
    ///
    /// Source: `perf_event_open`, and `SYS/devices/system/cpu/online` for the processors; one that
    /// is switched on later is not watched. Cost: two descriptors for each thread and processor, a
    /// buffer of 2 MiB for each processor, and of each fault what the kernel needs to record it:
    /// 1 µs on top of 2 where it guards each of its returns (Safe RET). Privileges: `CAP_PERFMON`; or
    /// those of the process's own user, or `CAP_SYS_PTRACE`: where `kernel.perf_event_paranoid` is 2
    /// or more, see [`is_user_only`](WorkingSetWatch::is_user_only). The kernels of some
    /// distributions, Debian's among them, refuse the watch to who has no `CAP_SYS_ADMIN` if it is
    /// more than 2.
    ///
    /// A process that executes a program with the set-user-ID bit, or one that the user may not
    /// read, is not watched from there on: the kernel takes the watch off.
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// let process = psapi::System::new().process(4711)?;
    /// let mut watch = process.watch_working_set()?;
    /// while watch.wait(Some(Duration::from_secs(10)))? {
    ///     let ended = watch.has_ended()?;
    ///     let changes = watch.changes()?;
    ///     for fault in changes.faults {
    ///         println!("{} {:#x} by {:#x}", fault.thread, fault.address, fault.program_counter);
    ///     }
    ///     if ended {
    ///         break;
    ///     }
    /// }
    /// # Ok::<(), psapi::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AccessDenied`](crate::ErrorKind::AccessDenied) without the privilege, or where
    /// not even the smallest buffer may be locked in memory;
    /// [`ErrorKind::NoAddressSpace`](crate::ErrorKind::NoAddressSpace) for a kernel thread;
    /// [`ErrorKind::Ended`](crate::ErrorKind::Ended) once the process has ended;
    /// [`ErrorKind::NotSupported`](crate::ErrorKind::NotSupported) by a kernel without performance
    /// events, and where the proc root is of another pid namespace;
    /// [`ErrorKind::Os`](crate::ErrorKind::Os) for want of descriptors.
    #[doc(alias = "InitializeProcessForWsWatch")]
    pub fn watch_working_set(&self) -> Result<WorkingSetWatch> {
        self.watch_working_set_with(WatchOptions::new())
    }

    /// As [`watch_working_set`](Self::watch_working_set), with options.
    ///
    /// # Errors
    ///
    /// As for [`watch_working_set`](Self::watch_working_set).
    pub fn watch_working_set_with(&self, options: WatchOptions) -> Result<WorkingSetWatch> {
        let faults = self.open_faults(options);
        Ok(WorkingSetWatch {
            process: self.id(),
            faults: faults.map_err(|refusal| self.error(ASKED, refusal))?,
            order: Order::default(),
        })
    }

    fn open_faults(&self, options: WatchOptions) -> Result<PageFaults, Refusal> {
        let id = self.id_for_system_calls().ok_or_else(|| {
            let cause = Cause::Unsupported("the proc root is of another pid namespace");
            Refusal::new(page_faults::EVENT, cause)
        })?;
        let wanted = Wanted {
            id,
            cpus: &cpus::online(self.system().sys_root())?,
            children: options.children,
            size: options.buffer_size,
            plainly: options.plainly,
        };
        PageFaults::open(self.directory(), wanted)
    }
}

const ASKED: Asked = Asked::TO_WATCH_WORKING_SET;
