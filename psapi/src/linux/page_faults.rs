//! The page faults of a whole process, from the events and ring buffers of `perf_event`.
//!
//! The kernel has no event of a process. There is one for each thread and processor, and threads
//! that start later inherit those of the thread that starts them. All that are of one processor
//! write to one ring buffer.

use std::collections::BTreeSet;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, epoll, poll};
use rustix::io::Errno;
use rustix::thread::{MembarrierCommand, membarrier};
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create,
    timerfd_settime,
};

use super::file::Directory;
use super::ids::{self, Listing};
use super::perf_event::{Event, Manner};
use super::perf_record::{Record, Records, Sample};
use super::perf_ring::Ring;
use super::{pidfd, stat};
use crate::ProcessId;
use crate::error::{Cause, Refusal};

/// What refuses to open an event, for messages.
pub(crate) const EVENT: &str = "perf_event_open";

/// What refuses to map a ring buffer, for messages.
pub(crate) const RING: &str = "perf_event ring buffer";

/// The kernel wakes a reader once a ring is filled to a part; for fewer faults it looks so often.
const TICK: Duration = Duration::from_millis(50);

/// A thread that is being made is listed a moment after it has inherited the events, or not.
const UNTIL_LISTED: Duration = Duration::from_millis(1);

/// The largest ring buffer, in bytes.
const LARGEST: usize = 1 << 30;

/// How many descriptors are asked at a time what they have.
const READY: usize = 64;

/// How often the threads of a process that goes on starting new ones are listed at the most.
const LISTINGS: usize = 64;

/// What is to be watched, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) id: ProcessId,
    pub(crate) cpus: &'a [u32],
    /// Child processes, too.
    pub(crate) children: bool,
    /// Bytes for the ring buffer of each processor.
    pub(crate) size: usize,
    /// As if the kernel had neither `inherit_thread` nor a count of lost records.
    pub(crate) plainly: bool,
}

/// The page faults of a process, as they happen.
#[derive(Debug)]
pub(crate) struct PageFaults {
    attached: Attached,
    process: OwnedFd,
    timer: OwnedFd,
    epoll: OwnedFd,
    bytes: Vec<u8>,
}

impl PageFaults {
    /// Attaches to all threads of a pinned process.
    pub(crate) fn open(process: &Directory, wanted: Wanted<'_>) -> Result<Self, Refusal> {
        let mut text = Vec::new();
        if stat::read(process, &mut text)?.is_kernel_thread() {
            return Err(Refusal::new(process.path(), Cause::NoAddressSpace));
        }
        let pidfd = pidfd::open(process, wanted.id)?;
        let page = rustix::param::page_size();
        let mut size = wanted.size.clamp(page, LARGEST).next_power_of_two();
        let attached = loop {
            match Attached::attach(process, wanted, size) {
                Err(refusal) if is_want_of_room(&refusal) && size > page => {
                    size /= 2;
                }
                attached => break attached?,
            }
        };
        // While the pinned process has not ended, its id is nobody else's.
        let ended = stat::read(process, &mut text)?.has_ended();
        if ended || attached.processors.is_empty() {
            return Err(Refusal::new(process.path(), Cause::Ended));
        }
        let timer = refused_by("timerfd", ticking())?;
        let fds = attached.processors.iter().map(|processor| processor.fd());
        let epoll = refused_by("epoll", gathered(fds, pidfd.as_fd(), timer.as_fd()))?;
        Ok(PageFaults {
            attached,
            process: pidfd,
            timer,
            epoll,
            bytes: Vec::new(),
        })
    }

    /// Bytes in the ring buffer of each processor.
    pub(crate) fn size(&self) -> usize {
        self.attached.size
    }

    /// Whether faults inside the kernel are left out, for want of a privilege.
    pub(crate) fn is_user_only(&self) -> bool {
        self.attached.manner.exclude_kernel
    }

    /// Whether the process has ended.
    pub(crate) fn has_ended(&self) -> Result<bool, Refusal> {
        let mut fds = [PollFd::new(&self.process, PollFlags::IN)];
        let now = Timespec::default();
        let ready =
            rustix::io::retry_on_intr(|| poll(&mut fds, Some(&now))).map_err(refused("poll"))?;
        Ok(ready > 0)
    }

    /// Whether there is something to take.
    pub(crate) fn has_data(&self) -> bool {
        let mut processors = self.attached.processors.iter();
        processors.any(|processor| processor.ring.has_data())
    }

    /// Hands over each fault that was recorded, by ascending time for each processor, with the
    /// processor's number. Says how many are lost that were not told before.
    pub(crate) fn take(&mut self, mut found: impl FnMut(u32, Sample)) -> Result<u64, Refusal> {
        refused_by("epoll", self.calm())?;
        let mut lost = 0;
        for processor in &mut self.attached.processors {
            let number = processor.number;
            let only = self.attached.only;
            let format_lost = self.attached.manner.format_lost;
            lost += processor.take(&mut self.bytes, format_lost, &mut |sample| {
                if only.is_none_or(|id| id.get() == sample.pid) {
                    found(number, sample);
                }
            })?;
        }
        Ok(lost)
    }

    /// Takes back what says that there is something to take.
    fn calm(&self) -> Result<(), Errno> {
        while self.await_ready(Duration::ZERO)? {}
        match rustix::io::read(&self.timer, &mut [0; 8]) {
            Ok(_) | Err(Errno::AGAIN | Errno::INTR) => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    /// Waits until something may be there; says whether more descriptors than `READY` may say so.
    fn await_ready(&self, timeout: Duration) -> Result<bool, Errno> {
        let timeout = Timespec::try_from(timeout).map_err(|_| Errno::INVAL)?;
        let mut ready = [const { MaybeUninit::uninit() }; READY];
        match epoll::wait(&self.epoll, &mut ready[..], Some(&timeout)) {
            Ok((ready, _)) => Ok(ready.len() == READY),
            Err(Errno::INTR) => Ok(false),
            Err(errno) => Err(errno),
        }
    }

    /// Waits until there is something to take, or the process has ended; false: neither in this time.
    pub(crate) fn wait(&self, timeout: Option<Duration>) -> Result<bool, Refusal> {
        let end = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            if self.has_data() || self.has_ended()? {
                return Ok(true);
            }
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Ok(false);
            }
            // The timer ends it sooner, if not told otherwise.
            let left = left.unwrap_or(TICK).min(TICK);
            refused_by("epoll", self.await_ready(left).and_then(|_| self.calm()))?;
        }
    }
}

impl AsFd for PageFaults {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }
}

fn refused(source: &'static str) -> impl Fn(Errno) -> Refusal {
    move |errno| Refusal::new(source, Cause::Os(errno))
}

fn refused_by<T>(source: &'static str, result: Result<T, Errno>) -> Result<T, Refusal> {
    result.map_err(refused(source))
}

/// Whether there is too little memory that may be locked, or at all.
fn is_want_of_room(refusal: &Refusal) -> bool {
    refusal.source.as_os_str() == RING
        && matches!(refusal.cause, Cause::Os(Errno::PERM | Errno::NOMEM))
}

fn ticking() -> Result<OwnedFd, Errno> {
    let timer = timerfd_create(
        TimerfdClockId::Monotonic,
        TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
    )?;
    let tick = Timespec::try_from(TICK).map_err(|_| Errno::INVAL)?;
    let times = Itimerspec {
        it_interval: tick,
        it_value: tick,
    };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &times)?;
    Ok(timer)
}

/// One descriptor for all.
fn gathered<'a>(
    rings: impl Iterator<Item = BorrowedFd<'a>>,
    process: BorrowedFd<'_>,
    timer: BorrowedFd<'_>,
) -> Result<OwnedFd, Errno> {
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let data = epoll::EventData::new_u64(0);
    for ring in rings {
        // The event that made the ring says "hung up" for ever once its thread has ended; others
        // go on to write there. At the edge it says so once.
        let edge = epoll::EventFlags::IN | epoll::EventFlags::ET;
        epoll::add(&epoll, ring, data, edge)?;
    }
    epoll::add(&epoll, process, data, epoll::EventFlags::IN)?;
    epoll::add(&epoll, timer, data, epoll::EventFlags::IN)?;
    Ok(epoll)
}

/// The nanoseconds of the clock that the records are stamped by.
pub(crate) fn now() -> u64 {
    let now = rustix::time::clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// The events that were opened.
#[derive(Debug)]
struct Attached {
    manner: Manner,
    size: usize,
    /// Whose records count, where child processes come along that nobody asked for.
    only: Option<ProcessId>,
    processors: Vec<Processor>,
}

/// What is of one processor.
#[derive(Debug)]
struct Processor {
    number: u32,
    ring: Ring,
    /// Those that write to the ring; the first one made it.
    events: Vec<Event>,
    /// How many faults were taken from the ring, each as often as it was recorded.
    records: u64,
    /// How many records are known to be lost.
    lost: u64,
    /// For how many calls to come it is to be asked whether more are.
    doubts: u8,
    seen: Seen,
}

impl Attached {
    fn attach(process: &Directory, wanted: Wanted<'_>, size: usize) -> Result<Self, Refusal> {
        let mut attached = Attached {
            manner: Manner {
                exclude_kernel: false,
                inherit_thread: !wanted.children && !wanted.plainly,
                format_lost: !wanted.plainly,
                wakeup_watermark: u32::try_from(size / 4).unwrap_or(u32::MAX),
            },
            size,
            only: None,
            processors: Vec::new(),
        };
        let mut known = BTreeSet::new();
        for _ in 0..LISTINGS {
            let mut still = true;
            for thread in threads(process)? {
                if known.insert(thread) {
                    still = false;
                    attached.attach_thread(thread, wanted.cpus)?;
                }
            }
            if still {
                break;
            }
            std::thread::sleep(UNTIL_LISTED);
        }
        if !wanted.children && !attached.manner.inherit_thread {
            attached.only = Some(wanted.id);
        }
        Ok(attached)
    }

    /// Attaches to a thread. One that ends meanwhile has no further faults.
    fn attach_thread(&mut self, thread: ProcessId, cpus: &[u32]) -> Result<(), Refusal> {
        for &cpu in cpus {
            for hard in [false, true] {
                match self.open(thread, cpu, hard) {
                    Ok(event) => self.connect(cpu, event)?,
                    Err(Errno::SRCH) => return Ok(()),
                    // The processor was switched off.
                    Err(Errno::NODEV) => break,
                    Err(errno) => return Err(refused(EVENT)(errno)),
                }
            }
        }
        Ok(())
    }

    /// Opens an event; the first one finds out how.
    fn open(&mut self, thread: ProcessId, cpu: u32, hard: bool) -> Result<Event, Errno> {
        loop {
            let manner = &mut self.manner;
            match Event::open(thread, cpu, hard, *manner) {
                Err(errno) if self.processors.is_empty() => match errno {
                    Errno::ACCESS | Errno::PERM if !manner.exclude_kernel => {
                        manner.exclude_kernel = true;
                    }
                    Errno::INVAL if manner.format_lost => manner.format_lost = false,
                    Errno::INVAL if manner.inherit_thread => manner.inherit_thread = false,
                    errno => return Err(errno),
                },
                event => return event,
            }
        }
    }

    /// Gives an event the ring buffer of its processor.
    fn connect(&mut self, cpu: u32, event: Event) -> Result<(), Refusal> {
        let enable = |event: &Event| match self.manner.format_lost {
            true => Ok(()),
            // What it counts from now on is recorded, or is lost.
            false => refused_by(EVENT, event.enable()),
        };
        match self
            .processors
            .binary_search_by_key(&cpu, |processor| processor.number)
        {
            Ok(index) => {
                let processor = &mut self.processors[index];
                refused_by(EVENT, event.write_to(processor.fd()))?;
                enable(&event)?;
                processor.events.push(event);
            }
            Err(index) => {
                let ring = refused_by(RING, Ring::map(event.as_fd(), self.size))?;
                enable(&event)?;
                let processor = Processor {
                    number: cpu,
                    ring,
                    events: vec![event],
                    records: 0,
                    lost: 0,
                    doubts: 0,
                    seen: Seen::default(),
                };
                self.processors.insert(index, processor);
            }
        }
        Ok(())
    }
}

fn threads(process: &Directory) -> Result<Vec<ProcessId>, Refusal> {
    const TASK: &[u8] = b"task";
    let mut threads = Vec::new();
    let mut list = || {
        let mut listing = Listing::of(process, TASK)?;
        let mut room = ids::Room::default();
        while listing.next(&mut room, &mut threads)? {}
        Ok(())
    };
    list().map_err(|errno| process.refusal(TASK, errno))?;
    Ok(threads)
}

impl Processor {
    fn fd(&self) -> BorrowedFd<'_> {
        self.events[0].as_fd()
    }

    /// Hands over each sample once, and says how many more are lost.
    fn take(
        &mut self,
        bytes: &mut Vec<u8>,
        format_lost: bool,
        found: &mut impl FnMut(Sample),
    ) -> Result<u64, Refusal> {
        self.take_records(bytes, found)?;
        if self.doubts == 0 {
            return Ok(0);
        }
        self.doubts -= 1;
        let lost = match format_lost {
            true => self.sum(Event::lost)?,
            false => self.lost_by_count(bytes, found)?,
        };
        let more = lost.saturating_sub(self.lost);
        self.lost += more;
        Ok(more)
    }

    /// What the events counted and the ring never had, for kernels whose events don't count it
    /// themselves. These tell of losses with the next record that fits, which may never come.
    fn lost_by_count(
        &mut self,
        bytes: &mut Vec<u8>,
        found: &mut impl FnMut(Sample),
    ) -> Result<u64, Refusal> {
        let count = self.sum(Event::count)?;
        self.take_records(bytes, found)?;
        if count > self.records + self.lost {
            // A fault is counted before its record is written. The kernel does both in one section of
            // RCU's readers, and this waits until those have ended that had begun: some milliseconds.
            // Where it can't be had (nohz_full), what is in between has its record a little later.
            let _ = membarrier(MembarrierCommand::Global);
            self.take_records(bytes, found)?;
        }
        Ok(count.saturating_sub(self.records))
    }

    fn sum(&self, of: impl Fn(&Event) -> Result<u64, Errno>) -> Result<u64, Refusal> {
        refused_by(EVENT, self.events.iter().map(of).sum())
    }

    /// Hands over what is in the ring. Where something may not have fitted, it is to be asked how
    /// much.
    fn take_records(
        &mut self,
        bytes: &mut Vec<u8>,
        found: &mut impl FnMut(Sample),
    ) -> Result<(), Refusal> {
        let mut doubtful = self.ring.take(bytes);
        for record in Records::new(bytes) {
            let record = record.map_err(|what| Refusal::new(RING, Cause::Malformed(what)))?;
            match record {
                Record::Sample(sample) => {
                    self.records += 1;
                    if self.seen.is_new(&sample) {
                        found(sample);
                    }
                }
                Record::Lost => doubtful = true,
                Record::Other => {}
            }
        }
        if doubtful {
            // A processor may be about to add to its count just now: asked once more next time.
            self.doubts = 2;
        }
        Ok(())
    }
}

/// A thread that was started while its process was being attached to may have inherited events and
/// have been given its own, too: its faults are then recorded by both, one right after the other.
#[derive(Debug, Default)]
struct Seen {
    last: Option<Sample>,
    /// The events that recorded it.
    events: Vec<u64>,
}

impl Seen {
    fn is_new(&mut self, sample: &Sample) -> bool {
        let what = |sample: &Sample| (sample.tid, sample.addr, sample.ip, sample.hard);
        let is_new = self.last.is_none_or(|last| {
            // Since Linux 6.2 both have the time and the id that the first one was given; before,
            // each has its own.
            what(&last) != what(sample)
                || last.time != sample.time && self.events.contains(&sample.id)
        });
        if is_new {
            self.last = Some(*sample);
            self.events.clear();
        }
        self.events.push(sample.id);
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(tid: u32, addr: u64, id: u64, time: u64) -> Sample {
        Sample {
            ip: 1,
            pid: 1,
            tid,
            time,
            addr,
            id,
            hard: false,
        }
    }

    fn hard(sample: Sample) -> Sample {
        Sample {
            hard: true,
            ..sample
        }
    }

    #[test]
    fn a_fault_that_two_events_recorded_is_one() {
        let old = [
            (sample(7, 4096, 1, 10), true),
            (sample(7, 4096, 2, 11), false),
            (sample(7, 4096, 3, 12), false),
            // The same again, by the same: it did happen twice.
            (sample(7, 4096, 1, 20), true),
            (sample(7, 4096, 2, 21), false),
            // No fault is hard and soft.
            (hard(sample(7, 4096, 4, 22)), true),
            (sample(8, 4096, 2, 23), true),
            (sample(8, 8192, 1, 24), true),
        ];
        let new = [
            (sample(7, 4096, 1, 10), true),
            (sample(7, 4096, 1, 10), false),
            (sample(7, 4096, 1, 20), true),
            (sample(7, 4096, 1, 20), false),
            (hard(sample(7, 4096, 1, 20)), true),
        ];
        for samples in [&old[..], &new] {
            let mut seen = Seen::default();
            for (sample, is_new) in samples {
                assert_eq!(seen.is_new(sample), *is_new, "{sample:?}");
            }
        }
    }
}
