//! The page faults of a whole process, recorded by `perf_event`.
//!
//! ```text
//!  attach   one event for each thread, CPU and kind of fault (minor, major)
//!              |  all events of a CPU write to one ring buffer
//!              v
//!  ring     `CpuRing`: reads records, and counts lost records
//!              |
//!  dedup    drops a fault that two events of the same thread recorded
//!              |
//!  order    sorts the faults of all CPUs by time
//!              |
//!  here     `FaultWatch`: all rings of a process, and one descriptor to wait on
//! ```
//!
//! The kernel has events for threads and for CPUs, but not for processes. A new thread inherits the
//! events of the thread that starts it, so attaching to all existing threads covers the process
//! from then on.

mod attach;
mod dedup;
mod order;
mod poll;
mod ring;

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, epoll, poll};
use rustix::io::Errno;
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create,
    timerfd_settime,
};

use crate::error::{ErrorCause, SourceError};
use crate::process_id::ProcessId;
use crate::sys::linux::calls::perf_event;
use crate::sys::linux::calls::perf_ring;
use crate::sys::linux::calls::pidfd;
use crate::sys::linux::dir::Dir;
use crate::sys::linux::proc::stat;
use crate::sys::linux::proc::timens_offsets::{self, Clock};
use crate::sys::linux::process::Process;
use crate::sys::linux::sysfs::cpus;
use crate::working_set::page_fault::{PageFault, WatchOptions};
use attach::{AttachedEvents, PerfRequest};
use order::FaultOrder;

/// The polling interval. The kernel wakes a reader only at the watermark, so a ring with fewer
/// faults is noticed by polling.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The maximum size of a ring buffer, in bytes.
const MAX_RING_SIZE: usize = 1 << 30;

/// The maximum number of epoll events per call.
const MAX_EPOLL_EVENTS: usize = 64;

/// A watch on the page faults of a process.
#[derive(Debug)]
pub(crate) struct FaultWatch {
    events: AttachedEvents,
    pidfd: OwnedFd,
    timer: OwnedFd,
    epoll: OwnedFd,
    /// The buffer for the content of a ring.
    bytes: Vec<u8>,
    order: FaultOrder,
    /// The difference of the caller's clock from the one that stamps the records, in nanoseconds.
    clock_offset: i64,
}

/// Starts to record the page faults of a process.
pub(crate) fn watch(process: &Process, options: &WatchOptions) -> Result<FaultWatch, SourceError> {
    let open = || {
        let id = process.id_for_system_calls()?.ok_or_else(|| {
            let cause = ErrorCause::Unsupported("the proc root belongs to another pid namespace");
            SourceError::new(perf_event::SOURCE, cause)
        })?;
        let request = PerfRequest {
            id,
            cpus: &cpus::online(process.system().sys_root())?,
            children: options.children,
            buffer_size: options.buffer_size,
            legacy_perf: options.legacy_perf,
        };
        let proc = process.system().proc_directory()?;
        let offset = timens_offsets::offset(proc, Clock::Monotonic, &mut Vec::new())?;
        FaultWatch::open(process.directory(), request, offset)
    };
    open().map_err(|error| process.classify(error))
}

impl FaultWatch {
    /// Attaches to all threads of a pinned process.
    ///
    /// If the ring buffers exceed the memory that the caller can lock, tries again with half the
    /// size, down to one page.
    fn open(
        process: &Dir,
        request: PerfRequest<'_>,
        clock_offset: i64,
    ) -> Result<Self, SourceError> {
        let mut text = Vec::new();
        if stat::read(process, &mut text)?.is_kernel_thread() {
            return Err(SourceError::new(process.path(), ErrorCause::NoAddressSpace));
        }
        let pidfd = pidfd::open(process, request.id)?;
        let page = rustix::param::page_size();
        let mut size = request
            .buffer_size
            .clamp(page, MAX_RING_SIZE)
            .next_power_of_two();
        let events = loop {
            match AttachedEvents::attach(process, request, size) {
                Err(error) if is_out_of_memory(&error) && size > page => {
                    size /= 2;
                }
                attached => break attached?,
            }
        };
        // Events are opened by id, so check that the pinned process still has that id. Until the
        // process ends, no other process can get the id.
        let ended = stat::read(process, &mut text)?.has_ended();
        if ended || events.rings.is_empty() {
            return Err(SourceError::new(process.path(), ErrorCause::Ended));
        }
        let timer = interval_timer().map_err(failed("timerfd"))?;
        let rings = events.rings.iter().map(|ring| ring.fd());
        let epoll = epoll_set(rings, pidfd.as_fd(), timer.as_fd()).map_err(failed("epoll"))?;
        Ok(FaultWatch {
            events,
            pidfd,
            timer,
            epoll,
            bytes: Vec::new(),
            order: FaultOrder::default(),
            clock_offset,
        })
    }

    /// Returns the size of each CPU's ring buffer, in bytes.
    pub(crate) fn buffer_size(&self) -> usize {
        self.events.ring_size
    }

    /// Returns true if faults inside the kernel are left out because the caller lacks the
    /// privilege.
    pub(crate) fn is_user_only(&self) -> bool {
        self.events.attr.exclude_kernel
    }

    /// Returns true if the process has ended.
    pub(crate) fn has_ended(&self) -> Result<bool, SourceError> {
        let mut fds = [PollFd::new(&self.pidfd, PollFlags::IN)];
        let now = Timespec::default();
        let ready =
            rustix::io::retry_on_intr(|| poll(&mut fds, Some(&now))).map_err(failed("poll"))?;
        Ok(ready > 0)
    }

    fn has_data(&self) -> bool {
        self.events.rings.iter().any(|ring| ring.has_data())
    }

    /// Replaces the content of a buffer with the faults since the previous call, by ascending time.
    /// Returns the number of faults that were lost since then.
    pub(crate) fn take(&mut self, faults: &mut Vec<PageFault>) -> Result<u64, SourceError> {
        faults.clear();
        self.order.resume(faults);
        let (now, offset) = (now(), self.clock_offset);
        self.drain_wakeups().map_err(failed("epoll"))?;
        let mut lost = 0;
        for ring in &mut self.events.rings {
            let cpu = ring.cpu;
            let only = self.events.only;
            let format_lost = self.events.attr.format_lost;
            lost += ring.take(&mut self.bytes, format_lost, &mut |sample| {
                if only.is_none_or(|id| id.get() == sample.pid) {
                    faults.push(PageFault {
                        time: sample.time.saturating_add_signed(offset),
                        program_counter: sample.ip,
                        address: sample.addr,
                        process: ProcessId::new(sample.pid),
                        thread: sample.tid,
                        cpu,
                        major: sample.major,
                    });
                }
            })?;
        }
        self.order.sort(faults, now);
        Ok(lost)
    }

    /// Resets the epoll descriptor and the timer, so that the caller's next wait blocks.
    fn drain_wakeups(&self) -> Result<(), Errno> {
        while self.await_ready(Duration::ZERO)? {}
        match rustix::io::read(&self.timer, &mut [0; 8]) {
            Ok(_) | Err(Errno::AGAIN | Errno::INTR) => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    /// Waits until a descriptor is ready. Returns true if more descriptors can be ready than one
    /// call reports.
    fn await_ready(&self, timeout: Duration) -> Result<bool, Errno> {
        let timeout = Timespec::try_from(timeout).map_err(|_| Errno::INVAL)?;
        let mut ready = [const { MaybeUninit::uninit() }; MAX_EPOLL_EVENTS];
        match epoll::wait(&self.epoll, &mut ready[..], Some(&timeout)) {
            Ok((ready, _)) => Ok(ready.len() == MAX_EPOLL_EVENTS),
            Err(Errno::INTR) => Ok(false),
            Err(errno) => Err(errno),
        }
    }

    /// Waits until there are faults to take or the process has ended. Returns false at the timeout.
    pub(crate) fn wait(&self, timeout: Option<Duration>) -> Result<bool, SourceError> {
        if !self.order.is_empty() {
            return Ok(true);
        }
        let end = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            if self.has_data() || self.has_ended()? {
                return Ok(true);
            }
            let remaining = end.map(|end| end.saturating_duration_since(Instant::now()));
            if remaining == Some(Duration::ZERO) {
                return Ok(false);
            }
            // Rings below the watermark need polling. Usually the interval timer ends the wait
            // first.
            let remaining = remaining.unwrap_or(POLL_INTERVAL).min(POLL_INTERVAL);
            self.await_ready(remaining)
                .and_then(|_| self.drain_wakeups())
                .map_err(failed("epoll"))?;
        }
    }
}

impl AsFd for FaultWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }
}

/// Creates an error that names the system call that failed.
fn failed(source: &'static str) -> impl Fn(Errno) -> SourceError {
    move |errno| SourceError::new(source, ErrorCause::from(errno))
}

/// Returns true if mapping a ring failed for lack of lockable or free memory.
fn is_out_of_memory(error: &SourceError) -> bool {
    error.source.as_os_str() == perf_ring::SOURCE
        && matches!(error.errno(), Some(Errno::PERM | Errno::NOMEM))
}

fn interval_timer() -> Result<OwnedFd, Errno> {
    let timer = timerfd_create(
        TimerfdClockId::Monotonic,
        TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
    )?;
    let interval = Timespec::try_from(POLL_INTERVAL).map_err(|_| Errno::INVAL)?;
    let times = Itimerspec {
        it_interval: interval,
        it_value: interval,
    };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &times)?;
    Ok(timer)
}

/// Creates one descriptor that is ready if any of the others is.
fn epoll_set<'a>(
    rings: impl Iterator<Item = BorrowedFd<'a>>,
    process: BorrowedFd<'_>,
    timer: BorrowedFd<'_>,
) -> Result<OwnedFd, Errno> {
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let data = epoll::EventData::new_u64(0);
    for ring in rings {
        // The event that owns a ring reports a hang-up forever once its thread has ended, although
        // events of other threads still write to the ring. Edge-triggered, it is reported once.
        let edge = epoll::EventFlags::IN | epoll::EventFlags::ET;
        epoll::add(&epoll, ring, data, edge)?;
    }
    epoll::add(&epoll, process, data, epoll::EventFlags::IN)?;
    epoll::add(&epoll, timer, data, epoll::EventFlags::IN)?;
    Ok(epoll)
}

/// Returns the current time of the caller's `CLOCK_MONOTONIC`, in nanoseconds.
fn now() -> u64 {
    let now = rustix::time::clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
