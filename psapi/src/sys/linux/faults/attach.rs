//! Opens the events of all threads of a process, on every CPU.

use std::collections::BTreeSet;
use std::os::fd::AsFd as _;
use std::time::Duration;

use rustix::io::Errno;

use super::ring::CpuRing;
use crate::error::{ErrorCause, SourceError};
use crate::process_id::ProcessId;
use crate::sys::linux::calls::perf_event::{self, Event, EventAttr};
use crate::sys::linux::calls::perf_ring::{self, Ring};
use crate::sys::linux::dir::Dir;
use crate::sys::linux::proc::ids::{self, Listing};

/// The delay before threads are listed again. A thread that is being created appears in the list a
/// moment after the kernel decided whether it inherits the events.
const RELIST_DELAY: Duration = Duration::from_millis(1);

/// The maximum number of listings for a process that keeps starting threads.
const MAX_LISTINGS: usize = 64;

/// The process to watch, and the settings of the watch.
#[derive(Debug, Clone, Copy)]
pub(super) struct PerfRequest<'a> {
    pub(super) id: ProcessId,
    pub(super) cpus: &'a [u32],
    /// Whether to include child processes.
    pub(super) children: bool,
    /// The size of each CPU's ring buffer, in bytes.
    pub(super) buffer_size: usize,
    /// Whether to use neither `inherit_thread` (Linux 5.13) nor the kernel's count of lost records
    /// (Linux 6.0).
    pub(super) legacy_perf: bool,
}

/// The open events of a process, by ring buffer.
#[derive(Debug)]
pub(super) struct AttachedEvents {
    pub(super) attr: EventAttr,
    pub(super) ring_size: usize,
    /// The only process whose records are kept. Set if child processes inherit the events although
    /// they were not requested.
    pub(super) only: Option<ProcessId>,
    /// By ascending CPU.
    pub(super) rings: Vec<CpuRing>,
}

impl AttachedEvents {
    /// Attaches to all threads of a process.
    ///
    /// Threads can start meanwhile, so the threads are listed until no new one appears.
    pub(super) fn attach(
        process: &Dir,
        request: PerfRequest<'_>,
        ring_size: usize,
    ) -> Result<Self, SourceError> {
        let mut attached = AttachedEvents {
            attr: EventAttr {
                exclude_kernel: false,
                inherit_thread: !request.children && !request.legacy_perf,
                format_lost: !request.legacy_perf,
                wakeup_watermark: u32::try_from(ring_size / 4).unwrap_or(u32::MAX),
            },
            ring_size,
            only: None,
            rings: Vec::new(),
        };
        let mut known = BTreeSet::new();
        for _ in 0..MAX_LISTINGS {
            let mut is_complete = true;
            for thread in threads(process)? {
                if known.insert(thread) {
                    is_complete = false;
                    attached.attach_thread(thread, request.cpus)?;
                }
            }
            if is_complete {
                break;
            }
            std::thread::sleep(RELIST_DELAY);
        }
        if !request.children && !attached.attr.inherit_thread {
            attached.only = Some(request.id);
        }
        Ok(attached)
    }

    /// Attaches to one thread. A thread that has ended has no further faults.
    fn attach_thread(&mut self, thread: ProcessId, cpus: &[u32]) -> Result<(), SourceError> {
        for &cpu in cpus {
            for major in [false, true] {
                match self.open(thread, cpu, major) {
                    Ok(event) => self.connect(cpu, event)?,
                    Err(Errno::SRCH) => return Ok(()),
                    // The CPU went offline.
                    Err(Errno::NODEV) => break,
                    Err(errno) => return Err(event_failed(errno)),
                }
            }
        }
        Ok(())
    }

    /// Opens an event. The very first event determines the attributes of all others. Each attribute
    /// that the kernel or the privileges do not permit is dropped.
    fn open(&mut self, thread: ProcessId, cpu: u32, major: bool) -> Result<Event, Errno> {
        loop {
            let attr = &mut self.attr;
            match Event::open(thread, cpu, major, *attr) {
                Err(errno) if self.rings.is_empty() => match errno {
                    Errno::ACCESS | Errno::PERM if !attr.exclude_kernel => {
                        attr.exclude_kernel = true;
                    }
                    Errno::INVAL if attr.format_lost => attr.format_lost = false,
                    Errno::INVAL if attr.inherit_thread => attr.inherit_thread = false,
                    errno => return Err(errno),
                },
                event => return event,
            }
        }
    }

    /// Connects an event to the ring buffer of its CPU. The first event of a CPU creates the ring.
    fn connect(&mut self, cpu: u32, event: Event) -> Result<(), SourceError> {
        let enable = |event: &Event| {
            if self.attr.format_lost {
                Ok(())
            } else {
                // The event was opened disabled. It is enabled only once it has a ring, so
                // everything that it counts is either recorded or lost.
                event.enable().map_err(event_failed)
            }
        };
        match self.rings.binary_search_by_key(&cpu, |ring| ring.cpu) {
            Ok(index) => {
                let ring = &mut self.rings[index];
                event.write_to(ring.fd()).map_err(event_failed)?;
                enable(&event)?;
                ring.add(event);
            }
            Err(index) => {
                let ring = Ring::map(event.as_fd(), self.ring_size).map_err(|errno| {
                    SourceError::new(perf_ring::SOURCE, ErrorCause::from(errno))
                })?;
                enable(&event)?;
                self.rings.insert(index, CpuRing::new(cpu, ring, event));
            }
        }
        Ok(())
    }
}

/// Creates an error that names `perf_event_open`.
fn event_failed(errno: Errno) -> SourceError {
    SourceError::new(perf_event::SOURCE, ErrorCause::from(errno))
}

/// Lists the threads of a process.
fn threads(process: &Dir) -> Result<Vec<ProcessId>, SourceError> {
    const TASK: &[u8] = b"task";
    let mut threads = Vec::new();
    let mut list = || {
        let mut listing = Listing::open(process, TASK)?;
        let mut buffer = ids::DirBuffer::default();
        while listing.next_batch(&mut buffer, &mut threads)? {}
        Ok(())
    };
    list().map_err(|errno| process.error_at(TASK, errno))?;
    Ok(threads)
}
