//! `perf_event_open`: lets the kernel count and record the page faults of a thread.

use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

use perf_event_open_sys::bindings::{
    ENABLE, PERF_COUNT_SW_PAGE_FAULTS_MAJ, PERF_COUNT_SW_PAGE_FAULTS_MIN, PERF_FLAG_FD_CLOEXEC,
    PERF_FORMAT_LOST, PERF_SAMPLE_ADDR, PERF_SAMPLE_CPU, PERF_SAMPLE_ID, PERF_SAMPLE_IP,
    PERF_SAMPLE_TID, PERF_SAMPLE_TIME, PERF_TYPE_SOFTWARE, SET_OUTPUT, perf_event_attr,
};
use rustix::io::Errno;
use rustix::ioctl::{IntegerSetter, NoArg, Opcode};

use crate::process_id::ProcessId;

/// The name of the system call, for error messages.
pub(crate) const SOURCE: &str = "perf_event_open";

/// The fields in each record.
pub(crate) const SAMPLE_TYPE: u64 =
    (PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR | PERF_SAMPLE_ID)
        as u64;

/// An additional field in the records of major faults, which makes them longer.
///
/// The length distinguishes major from minor faults. The event id cannot: since Linux 6.2 it can be
/// the id of another event that recorded the same fault, even for another observer.
pub(crate) const MAJOR_SAMPLE_TYPE: u64 = PERF_SAMPLE_CPU as u64;

/// Attributes of events that depend on the kernel and on privileges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EventAttr {
    /// Whether to leave out faults inside the kernel on the process's behalf.
    pub(crate) exclude_kernel: bool,
    /// Whether only threads inherit the event, and child processes do not (Linux 5.13).
    pub(crate) inherit_thread: bool,
    /// Whether to count the records that did not fit (Linux 6.0).
    pub(crate) format_lost: bool,
    /// The number of bytes in the ring at which the kernel wakes a waiting reader.
    pub(crate) wakeup_watermark: u32,
}

/// An event of one thread, and of the threads that it starts later, on one CPU.
#[derive(Debug)]
pub(crate) struct Event(OwnedFd);

impl Event {
    /// Opens an event for minor or for major faults.
    ///
    /// An event without `format_lost` is opened disabled; see [`enable`](Self::enable).
    pub(crate) fn open(
        thread: ProcessId,
        cpu: u32,
        major: bool,
        attr: EventAttr,
    ) -> Result<Self, Errno> {
        let mut request = perf_event_attr {
            type_: PERF_TYPE_SOFTWARE,
            size: size_of::<perf_event_attr>() as u32,
            config: u64::from(if major {
                PERF_COUNT_SW_PAGE_FAULTS_MAJ
            } else {
                PERF_COUNT_SW_PAGE_FAULTS_MIN
            }),
            sample_type: if major {
                SAMPLE_TYPE | MAJOR_SAMPLE_TYPE
            } else {
                SAMPLE_TYPE
            },
            read_format: if attr.format_lost {
                PERF_FORMAT_LOST.into()
            } else {
                0
            },
            clockid: libc::CLOCK_MONOTONIC,
            ..perf_event_attr::default()
        };
        request.__bindgen_anon_1.sample_period = 1;
        request.__bindgen_anon_2.wakeup_watermark = attr.wakeup_watermark;
        request.set_watermark(1);
        request.set_use_clockid(1);
        request.set_inherit(1);
        request.set_inherit_thread(attr.inherit_thread.into());
        request.set_exclude_kernel(attr.exclude_kernel.into());
        request.set_disabled((!attr.format_lost).into());
        let (thread, cpu) = match (thread.get().try_into(), cpu.try_into()) {
            (Ok(thread), Ok(cpu)) => (thread, cpu),
            _ => return Err(Errno::SRCH),
        };
        // SAFETY: the pointer refers to a live `perf_event_attr` whose `size` field is its size.
        // The kernel reads it, and on failure writes to it.
        let fd = unsafe {
            perf_event_open_sys::perf_event_open(
                &mut request,
                thread,
                cpu,
                -1,
                PERF_FLAG_FD_CLOEXEC.into(),
            )
        };
        if fd < 0 {
            let error = std::io::Error::last_os_error();
            return Err(Errno::from_io_error(&error).unwrap_or(Errno::IO));
        }
        // SAFETY: the call succeeded and created `fd`, which nothing else owns.
        Ok(Event(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Redirects the event's records to the ring buffer of another event.
    pub(crate) fn write_to(&self, other: BorrowedFd<'_>) -> Result<(), Errno> {
        let other = other.as_raw_fd() as usize;
        // SAFETY: `SET_OUTPUT` takes a descriptor number and does not access memory.
        let request = unsafe { IntegerSetter::<{ SET_OUTPUT as Opcode }>::new_usize(other) };
        // SAFETY: `self.0` is a perf_event descriptor, for which the request is defined.
        unsafe { rustix::ioctl::ioctl(&self.0, request) }
    }

    /// Starts counting and recording, including the events inherited from this one.
    pub(crate) fn enable(&self) -> Result<(), Errno> {
        // SAFETY: `ENABLE` takes no argument and does not access memory.
        let request = unsafe { NoArg::<{ ENABLE as Opcode }>::new() };
        // SAFETY: `self.0` is a perf_event descriptor, for which the request is defined.
        unsafe { rustix::ioctl::ioctl(&self.0, request) }
    }

    /// Returns the number of faults, including those counted by inherited events.
    ///
    /// Includes faults whose record did not fit or is not yet written. Only for events without
    /// `format_lost`.
    pub(crate) fn count(&self) -> Result<u64, Errno> {
        let mut count = [0; 8];
        if rustix::io::read(&self.0, &mut count)? == count.len() {
            Ok(u64::from_ne_bytes(count))
        } else {
            Err(Errno::IO)
        }
    }

    /// Returns the number of records that did not fit, including those of inherited events.
    ///
    /// Only for events with `format_lost`.
    pub(crate) fn lost(&self) -> Result<u64, Errno> {
        // The number of faults, then the number of lost records.
        let mut counts = [[0; 8]; 2];
        let length = rustix::io::read(&self.0, counts.as_flattened_mut())?;
        if length == size_of_val(&counts) {
            Ok(u64::from_ne_bytes(counts[1]))
        } else {
            Err(Errno::IO)
        }
    }
}

impl AsFd for Event {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
