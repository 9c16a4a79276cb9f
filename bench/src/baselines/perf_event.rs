//! The smallest record that the kernel can make of a page fault. Its cost is part of every watch.

use std::fs::File;
use std::io;
use std::os::fd::FromRawFd as _;

use anyhow::Context as _;
use memmap2::{MmapMut, MmapOptions};
use perf_event_open_sys::bindings::{
    PERF_COUNT_SW_PAGE_FAULTS, PERF_FLAG_FD_CLOEXEC, PERF_TYPE_SOFTWARE, perf_event_attr,
    perf_event_header,
};

const PAGE: usize = 4096;

/// A recording of a thread's faults in records without any field. Nothing reads the records.
/// Recording ends when the value is dropped.
pub struct EmptyRecords {
    _ring: MmapMut,
    _event: File,
}

impl EmptyRecords {
    /// Starts recording the faults of a thread, with room for a number of records.
    pub fn start(thread: u32, records: usize) -> anyhow::Result<Self> {
        let mut request = perf_event_attr {
            type_: PERF_TYPE_SOFTWARE,
            size: size_of::<perf_event_attr>() as u32,
            config: PERF_COUNT_SW_PAGE_FAULTS.into(),
            ..perf_event_attr::default()
        };
        request.__bindgen_anon_1.sample_period = 1;
        // SAFETY: the pointer refers to a live `perf_event_attr` whose `size` field is its size.
        let fd = unsafe {
            perf_event_open_sys::perf_event_open(
                &mut request,
                thread.try_into()?,
                -1,
                -1,
                PERF_FLAG_FD_CLOEXEC.into(),
            )
        };
        if fd < 0 {
            return Err(io::Error::last_os_error()).context("perf_event_open");
        }
        // SAFETY: the call succeeded and created `fd`, which nothing else owns.
        let event = unsafe { File::from_raw_fd(fd) };
        // A full buffer would make recording cheaper.
        let size = (2 * records * size_of::<perf_event_header>()).next_power_of_two();
        // SAFETY: nothing reads the mapping, which the kernel changes.
        let ring = unsafe { MmapOptions::new().len(PAGE + size).map_mut(&event) };
        Ok(EmptyRecords {
            _ring: ring.context("cannot map the buffer of a perf event")?,
            _event: event,
        })
    }
}
