//! The totals of a watch: faults by place, the account of the working set, and losses.

use std::sync::Arc;

use psapi::{ErrorKind, Fields, Process, ProcessId};

use super::Fault;
use super::account::{Account, Snapshot};
use super::tally::{FaultKey, Origin, Tally};
use crate::failures;
use crate::sys::{monotonic_ns, page_size};

/// The running figures of a watch.
#[derive(Debug)]
pub struct Accounting {
    /// The watched process. Only its own faults are in the account.
    pub process: ProcessId,
    pub tally: Tally,
    /// Number of faults that were lost because the buffers were full.
    pub lost: u64,
    pub account: Account,
    /// The error that prevented a snapshot of the account.
    pub account_error: Option<String>,
    /// The end of the stack in the first snapshot; another one belongs to another program.
    stack_end: Option<u64>,
    /// The time of the last snapshot, in nanoseconds of `CLOCK_MONOTONIC`.
    snapshot_ns: u64,
    /// Number of faults of the process after that time.
    faults_since_snapshot: u64,
    /// The largest working set of the process so far, in bytes, as the kernel reports it.
    pub peak: Option<u64>,
    pub page_size: u64,
}

impl Accounting {
    /// Takes the first snapshot of the process.
    pub fn new(process: &Arc<Process>, mut tally: Tally, origin: Origin) -> Self {
        tally.start_program(process.id(), origin);
        let mut accounting = Accounting {
            process: process.id(),
            tally,
            lost: 0,
            account: Account::default(),
            account_error: None,
            stack_end: None,
            snapshot_ns: 0,
            faults_since_snapshot: 0,
            peak: None,
            page_size: page_size() as u64,
        };
        accounting.restart_account(process);
        accounting
    }

    /// Starts the account again with a new first snapshot.
    pub fn restart_account(&mut self, process: &Arc<Process>) {
        let (before, error) = match self.read_snapshot(process) {
            Ok(before) => (Some(before), None),
            Err(error) => (None, Some(error.reason)),
        };
        self.stack_end = before.as_ref().and_then(Snapshot::stack_end);
        self.account = Account::new(before);
        self.account_error = error;
        self.faults_since_snapshot = 0;
    }

    fn read_snapshot(&mut self, process: &Arc<Process>) -> Result<Snapshot, SnapshotError> {
        let of = process.clone();
        let read = self.tally.files.read_mappings(move || Snapshot::read(&of));
        match read {
            Some(snapshot) => snapshot.map_err(|error| SnapshotError {
                has_ended: error.kind() == ErrorKind::Ended,
                reason: failures::without_owner(&error),
            }),
            None => Err(SnapshotError {
                has_ended: false,
                reason: "the file system of a mapped file does not respond".to_owned(),
            }),
        }
    }

    /// Counts faults. Returns each fault with its key.
    pub fn add(&mut self, faults: &[Fault]) -> Vec<(Fault, FaultKey)> {
        let mut batch = Vec::with_capacity(faults.len());
        self.tally.add(faults, |fault, key| {
            if fault.process == self.process {
                self.account.add(fault.address, self.page_size);
                self.faults_since_snapshot += u64::from(fault.time > self.snapshot_ns);
            }
            batch.push((*fault, key));
        });
        batch
    }

    /// Takes the final snapshot and the peak, if the process still has memory.
    pub fn snapshot_memory(&mut self, process: &Arc<Process>) {
        let status = process.status(Fields::STAT | Fields::MEMORY).ok();
        let memory = status.and_then(|status| status.memory);
        self.peak = memory.map(|memory| memory.peak_working_set).or(self.peak);
        let stack_end = self.stack_end;
        let has_executed = |after: &Snapshot| {
            let ends = stack_end.zip(after.stack_end());
            ends.is_some_and(|(before, after)| before != after)
        };
        match self.read_snapshot(process) {
            // Only programs that a command executes are traced, so the memory at the beginning of
            // this one is unknown.
            Ok(after) if has_executed(&after) => {
                self.account.after = None;
                self.account_error = Some(
                    "the process executed a program during the watch, which replaced its memory"
                        .to_owned(),
                );
            }
            Ok(after) => {
                self.account.after = Some(after);
                self.snapshot_ns = monotonic_ns();
                self.faults_since_snapshot = 0;
            }
            // The snapshot that was taken just before the exit is the final one.
            Err(error) if error.has_ended && self.account.after.is_some() => {}
            Err(error) => {
                self.account_error.get_or_insert(error.reason);
            }
        }
    }

    /// Discards the final snapshot of an ended process if the process was not ending yet: its first
    /// thread can end before the others.
    pub fn discard_early_snapshot(&mut self) {
        if self.faults_since_snapshot > 0 && self.account.after.take().is_some() {
            self.account_error = Some(
                "the first thread ended before the others, and then the memory cannot be read"
                    .to_owned(),
            );
        }
    }
}

/// The failure to take a snapshot.
struct SnapshotError {
    has_ended: bool,
    reason: String,
}
