//! An open watch on a process: fetches its faults and passes them to the accounting.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use psapi::{Process, ProcessId, WorkingSetWatch};

use super::accounting::Accounting;
use super::kernel_count::{CountCheck, KernelCount};
use super::options::Buffer;
use super::tally::{FaultKey, Origin, Tally};
use super::{FAULTS_ARE_DETAILED, Fault, open_watch, take_faults};

/// A receiver of each batch of faults while a watch runs.
pub trait Observer {
    /// Processes a batch. `begin_ns` is the start of the watch in nanoseconds of `CLOCK_MONOTONIC`,
    /// the clock of [`Fault::time`].
    fn on_faults(
        &mut self,
        batch: &[(Fault, FaultKey)],
        begin_ns: u64,
        tally: &mut Tally,
    ) -> Result<()>;
}

/// A watch on a process and its figures so far.
#[derive(Debug)]
pub struct WatchSession {
    process: Arc<Process>,
    watch: WorkingSetWatch,
    buffer: Buffer,
    children: bool,
    kernel_count: KernelCount,
    /// The buffer that faults are fetched into.
    faults: Vec<Fault>,
    begin: Instant,
    accounting: Accounting,
}

/// The figures of a finished watch.
#[derive(Debug)]
pub struct Watched {
    pub accounting: Accounting,
    /// The comparison with the kernel's own count; `None` if a count is missing.
    pub count_check: Option<CountCheck>,
    pub duration: Duration,
    pub buffer: Buffer,
}

impl WatchSession {
    /// Starts to watch a process, and with `children` the processes that it starts.
    pub fn open(
        process: Process,
        children: bool,
        tally: Tally,
        origin: Origin,
        observer: &mut dyn Observer,
    ) -> Result<Self> {
        let (mut watch, buffer) = open_watch(&process, children)?;
        // `begin` discards faults until now: their pages are already in the first snapshot.
        let process = Arc::new(process);
        let accounting = Accounting::new(&process, tally, origin);
        let mut faults = Vec::new();
        let kernel_count = KernelCount::begin(&process, &mut watch, &mut faults)?;
        let mut session = WatchSession {
            process,
            watch,
            buffer,
            children,
            kernel_count,
            faults,
            begin: Instant::now(),
            accounting,
        };
        session.add_up(observer)?;
        Ok(session)
    }

    pub fn process(&self) -> ProcessId {
        self.process.id()
    }

    pub fn begin(&self) -> Instant {
        self.begin
    }

    pub fn tally(&mut self) -> &mut Tally {
        &mut self.accounting.tally
    }

    /// The number of faults so far.
    pub fn faults(&self) -> u64 {
        self.accounting.tally.total.total()
    }

    /// Fetches faults and counts them.
    pub fn fetch(&mut self, observer: &mut dyn Observer) -> Result<()> {
        self.accounting.lost += take_faults(&mut self.watch, &mut self.faults)?;
        self.kernel_count.remove_earlier(&mut self.faults);
        self.add_up(observer)
    }

    fn add_up(&mut self, observer: &mut dyn Observer) -> Result<()> {
        let batch = self.accounting.add(&self.faults);
        let begin_ns = self.kernel_count.begin_ns();
        observer.on_faults(&batch, begin_ns, &mut self.accounting.tally)
    }

    pub fn has_ended(&self) -> Result<bool> {
        Ok(self.watch.has_ended()?)
    }

    /// Fetches the last faults, reads the kernel's count again and ends the watch.
    pub fn close(mut self, observer: &mut dyn Observer) -> Result<Watched> {
        let duration = self.begin.elapsed();
        self.accounting.tally.refresh(self.process());
        self.fetch(observer)?;
        if !self.watch.has_ended()? {
            self.accounting.snapshot_memory(&self.process);
            self.fetch(observer)?;
        }
        self.accounting.lost +=
            self.kernel_count
                .end(&self.process, &mut self.watch, &mut self.faults)?;
        self.add_up(observer)?;
        if self.watch.has_ended()? {
            self.accounting.discard_early_snapshot();
        }
        Ok(Watched {
            count_check: self.count_check(),
            duration,
            buffer: self.buffer,
            accounting: self.accounting,
        })
    }

    fn count_check(&self) -> Option<CountCheck> {
        let lost = self.accounting.lost;
        // A lost fault might have been a child's, and the kernel's count is without children.
        if self.children && lost > 0 || !FAULTS_ARE_DETAILED {
            return None;
        }
        let own = self.accounting.tally.counts_of(self.process()).total();
        self.kernel_count.check(own + lost)
    }
}

/// Methods for a tracer and `poll`.
#[cfg(target_os = "linux")]
impl WatchSession {
    /// The watch, to poll it for new faults.
    pub fn watch(&self) -> &WorkingSetWatch {
        &self.watch
    }

    /// Assigns the faults so far to the old program of a process, and later ones to a new program.
    pub fn start_program(
        &mut self,
        process: ProcessId,
        origin: Origin,
        observer: &mut dyn Observer,
    ) -> Result<()> {
        self.fetch(observer)?;
        self.accounting.tally.start_program(process, origin);
        Ok(())
    }

    /// Starts the account again after the watched process has called `execve`.
    pub fn restart_account(&mut self) {
        self.accounting.restart_account(&self.process);
    }

    /// Reads the memory of a process that is about to exit.
    pub fn before_exit(&mut self, process: ProcessId, observer: &mut dyn Observer) -> Result<()> {
        self.accounting.tally.refresh(process);
        self.fetch(observer)?;
        if process == self.process() {
            self.accounting.snapshot_memory(&self.process);
        }
        Ok(())
    }
}

/// The method for a loop without other sources of events.
#[cfg(windows)]
impl WatchSession {
    /// Waits for new faults, at most for this time.
    pub fn wait(&mut self, timeout: Duration) -> Result<()> {
        self.watch.wait(Some(timeout))?;
        Ok(())
    }
}
