//! The ring buffer of one CPU: its records, and the number of records that did not fit.
//!
//! Since Linux 6.0 an event counts its lost records. Before, the number is derived: a fault that
//! the event counted and the ring never contained is lost. The count and the record of a fault are
//! not written at the same moment, so the derivation waits for pending records.

use std::os::fd::{AsFd as _, BorrowedFd};

use rustix::io::Errno;
use rustix::thread::{MembarrierCommand, membarrier};

use super::dedup::DedupFilter;
use crate::error::{ErrorCause, SourceError};
use crate::sys::linux::calls::perf_event::{self, Event};
use crate::sys::linux::calls::perf_record::{Record, Records, Sample};
use crate::sys::linux::calls::perf_ring::{self, Ring};

/// The ring buffer of one CPU, and the events that write to it.
#[derive(Debug)]
pub(super) struct CpuRing {
    pub(super) cpu: u32,
    ring: Ring,
    /// The first event created the ring.
    events: Vec<Event>,
    /// The number of samples read from the ring, including duplicates.
    records: u64,
    /// The number of records known to be lost.
    lost: u64,
    /// The number of further calls that check for lost records.
    loss_checks: u8,
    filter: DedupFilter,
}

impl CpuRing {
    /// Creates a ring with its first event.
    pub(super) fn new(cpu: u32, ring: Ring, event: Event) -> Self {
        CpuRing {
            cpu,
            ring,
            events: vec![event],
            records: 0,
            lost: 0,
            loss_checks: 0,
            filter: DedupFilter::default(),
        }
    }

    /// Adds an event that writes to the ring.
    pub(super) fn add(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Returns the descriptor of the event that owns the ring.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.events[0].as_fd()
    }

    /// Returns true if the ring contains records.
    pub(super) fn has_data(&self) -> bool {
        self.ring.has_data()
    }

    /// Calls `on_sample` with each recorded fault, without duplicates. Returns the number of
    /// records that were lost since the last call.
    pub(super) fn take(
        &mut self,
        bytes: &mut Vec<u8>,
        format_lost: bool,
        on_sample: &mut impl FnMut(Sample),
    ) -> Result<u64, SourceError> {
        self.take_records(bytes, on_sample)?;
        if self.loss_checks == 0 {
            return Ok(0);
        }
        self.loss_checks -= 1;
        let lost = if format_lost {
            self.sum(Event::lost)?
        } else {
            self.derive_lost(bytes, on_sample)?
        };
        let more = lost.saturating_sub(self.lost);
        self.lost += more;
        Ok(more)
    }

    /// Derives the number of lost records from the number of faults that the events counted.
    ///
    /// The kernel also writes a record about losses, but only before the next record that fits,
    /// which might never come.
    fn derive_lost(
        &mut self,
        bytes: &mut Vec<u8>,
        on_sample: &mut impl FnMut(Sample),
    ) -> Result<u64, SourceError> {
        let count = self.sum(Event::count)?;
        self.take_records(bytes, on_sample)?;
        if count > self.records + self.lost {
            // The kernel counts a fault before it writes the record, both within one RCU read-side
            // section. The barrier waits for all sections that had begun, which takes some
            // milliseconds, so that all records of counted faults are in the ring. With nohz_full
            // the barrier is not available, and a pending record counts as lost for a moment.
            let _ = membarrier(MembarrierCommand::Global);
            self.take_records(bytes, on_sample)?;
        }
        Ok(count.saturating_sub(self.records))
    }

    fn sum(&self, count: impl Fn(&Event) -> Result<u64, Errno>) -> Result<u64, SourceError> {
        let sum: Result<u64, Errno> = self.events.iter().map(count).sum();
        sum.map_err(|errno| SourceError::new(perf_event::SOURCE, ErrorCause::from(errno)))
    }

    /// Reads the records in the ring, and schedules loss checks if a record might not have fitted.
    fn take_records(
        &mut self,
        bytes: &mut Vec<u8>,
        on_sample: &mut impl FnMut(Sample),
    ) -> Result<(), SourceError> {
        let mut has_losses = self.ring.take(bytes);
        for record in Records::new(bytes) {
            let record = record.map_err(|reason| {
                SourceError::new(perf_ring::SOURCE, ErrorCause::Malformed(reason))
            })?;
            match record {
                Record::Sample(sample) => {
                    self.records += 1;
                    if self.filter.is_new(&sample) {
                        on_sample(sample);
                    }
                }
                Record::Lost => has_losses = true,
                Record::Other => {}
            }
        }
        if has_losses {
            // A CPU might be about to increase its count, so the next call checks again.
            self.loss_checks = 2;
        }
        Ok(())
    }
}
