//! `perf_event_open`: the page faults of a thread, counted and recorded by the kernel.

use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

use perf_event_open_sys::bindings::{
    ENABLE, PERF_COUNT_SW_PAGE_FAULTS_MAJ, PERF_COUNT_SW_PAGE_FAULTS_MIN, PERF_FLAG_FD_CLOEXEC,
    PERF_FORMAT_LOST, PERF_SAMPLE_ADDR, PERF_SAMPLE_CPU, PERF_SAMPLE_ID, PERF_SAMPLE_IP,
    PERF_SAMPLE_TID, PERF_SAMPLE_TIME, PERF_TYPE_SOFTWARE, SET_OUTPUT, perf_event_attr,
};
use rustix::io::Errno;
use rustix::ioctl::{IntegerSetter, NoArg, Opcode};

use crate::ProcessId;

/// What each record tells.
pub(crate) const SAMPLE_TYPE: u64 =
    (PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR | PERF_SAMPLE_ID)
        as u64;

/// What the records of hard faults tell, too, which makes them longer. It is this that they are
/// known by: since Linux 6.2 the id in a record may be that of another event of the same fault,
/// also of somebody else's.
pub(crate) const HARD_SAMPLE_TYPE: u64 = PERF_SAMPLE_CPU as u64;

/// How events are opened: what this kernel has, and this user may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Manner {
    /// Leave out what happens inside the kernel, on the process's behalf.
    pub(crate) exclude_kernel: bool,
    /// Go on to threads alone, and not to child processes (Linux 5.13).
    pub(crate) inherit_thread: bool,
    /// Count the records that did not fit (Linux 6.0).
    pub(crate) format_lost: bool,
    /// Wake who waits once so many bytes are there.
    pub(crate) wakeup_watermark: u32,
}

/// An event of one thread, and of those that it starts from now on, on one processor.
#[derive(Debug)]
pub(crate) struct Event(OwnedFd);

impl Event {
    /// Opens the event of the soft or the hard faults. One that does not count lost records counts
    /// nothing until it is enabled.
    pub(crate) fn open(
        thread: ProcessId,
        cpu: u32,
        hard: bool,
        manner: Manner,
    ) -> Result<Self, Errno> {
        let mut attr = perf_event_attr {
            type_: PERF_TYPE_SOFTWARE,
            size: size_of::<perf_event_attr>() as u32,
            config: u64::from(match hard {
                true => PERF_COUNT_SW_PAGE_FAULTS_MAJ,
                false => PERF_COUNT_SW_PAGE_FAULTS_MIN,
            }),
            sample_type: match hard {
                true => SAMPLE_TYPE | HARD_SAMPLE_TYPE,
                false => SAMPLE_TYPE,
            },
            read_format: match manner.format_lost {
                true => PERF_FORMAT_LOST.into(),
                false => 0,
            },
            clockid: libc::CLOCK_MONOTONIC,
            ..perf_event_attr::default()
        };
        attr.__bindgen_anon_1.sample_period = 1;
        attr.__bindgen_anon_2.wakeup_watermark = manner.wakeup_watermark;
        attr.set_watermark(1);
        attr.set_use_clockid(1);
        attr.set_inherit(1);
        attr.set_inherit_thread(manner.inherit_thread.into());
        attr.set_exclude_kernel(manner.exclude_kernel.into());
        attr.set_disabled((!manner.format_lost).into());
        let (thread, cpu) = match (thread.get().try_into(), cpu.try_into()) {
            (Ok(thread), Ok(cpu)) => (thread, cpu),
            _ => return Err(Errno::SRCH),
        };
        // SAFETY: the kernel reads, and on failure writes, a perf_event_attr of the size that it
        // holds; it is ours.
        let fd = unsafe {
            perf_event_open_sys::perf_event_open(
                &mut attr,
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
        // SAFETY: the call made this descriptor, and nobody else has it.
        Ok(Event(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Lets it write to the ring buffer of another one.
    pub(crate) fn write_to(&self, other: BorrowedFd<'_>) -> Result<(), Errno> {
        let other = other.as_raw_fd() as usize;
        // SAFETY: the request takes the number of a descriptor and writes nothing to memory.
        let request = unsafe { IntegerSetter::<{ SET_OUTPUT as Opcode }>::new_usize(other) };
        // SAFETY: the descriptor is of perf_event_open, as the request wants it.
        unsafe { rustix::ioctl::ioctl(&self.0, request) }
    }

    /// Lets it count and record, and those that inherited it.
    pub(crate) fn enable(&self) -> Result<(), Errno> {
        // SAFETY: the request takes no argument and writes nothing to memory.
        let request = unsafe { NoArg::<{ ENABLE as Opcode }>::new() };
        // SAFETY: the descriptor is of perf_event_open, as the request wants it.
        unsafe { rustix::ioctl::ioctl(&self.0, request) }
    }

    /// How many faults there were, of those that inherited it, too: also those whose record did not
    /// fit, or is only about to be written. Of one that does not count lost records.
    pub(crate) fn count(&self) -> Result<u64, Errno> {
        let mut count = [0; 8];
        match rustix::io::read(&self.0, &mut count)? == count.len() {
            true => Ok(u64::from_ne_bytes(count)),
            false => Err(Errno::IO),
        }
    }

    /// How many records of it, and of those that inherited it, did not fit: of one that was opened
    /// to count them.
    pub(crate) fn lost(&self) -> Result<u64, Errno> {
        // The count of what happened comes first.
        let mut counts = [[0; 8]; 2];
        let length = rustix::io::read(&self.0, counts.as_flattened_mut())?;
        match length == size_of_val(&counts) {
            true => Ok(u64::from_ne_bytes(counts[1])),
            false => Err(Errno::IO),
        }
    }
}

impl AsFd for Event {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
