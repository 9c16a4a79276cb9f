//! A process that causes page faults on request, for workloads that watch it.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use psapi::{Process, System};

use crate::helper;

/// The threads that touch memory.
#[derive(Clone, Copy)]
pub enum Threads {
    /// The main thread.
    Main,
    /// All other threads at the same time.
    Existing,
    /// The same number of new threads at the same time.
    New,
}

/// The process. It ends when this value is dropped.
pub struct FaultLoad {
    child: Child,
    requests: ChildStdin,
    replies: BufReader<ChildStdout>,
    pub process: Process,
}

impl FaultLoad {
    /// Starts a process with a number of threads besides the main thread.
    pub fn start(threads: usize) -> anyhow::Result<Self> {
        let mut child = Command::new(helper::path("bench-fault-load")?)
            .arg(threads.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(requests), Some(replies)) = (child.stdin.take(), child.stdout.take()) else {
            unreachable!("both are pipes");
        };
        let mut load = FaultLoad {
            process: System::new().process(child.id())?,
            child,
            requests,
            replies: BufReader::new(replies),
        };
        // From here on, the process's own code and stacks are in memory.
        for threads in [Threads::Main, Threads::Existing, Threads::New] {
            load.touch(threads, 1 << 20)?;
        }
        Ok(load)
    }

    /// Makes each thread touch a number of bytes of fresh memory, and waits until all threads sleep
    /// again. Returns the time that the main thread took.
    pub fn touch(&mut self, threads: Threads, bytes: usize) -> anyhow::Result<Duration> {
        let threads = match threads {
            Threads::Main => "main",
            Threads::Existing => "existing",
            Threads::New => "new",
        };
        writeln!(self.requests, "{threads} {bytes}")?;
        let mut reply = String::new();
        self.replies.read_line(&mut reply)?;
        let time = reply.trim().parse();
        let time = time.context("bench-fault-load printed no time")?;
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let stat = thread?.path().join("stat");
            // A thread that has ended causes no faults either.
            while std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") S ")) {
                std::thread::yield_now();
            }
        }
        Ok(Duration::from_nanos(time))
    }

    /// Returns the number of faults that the kernel counted for the process.
    pub fn faults(&self) -> anyhow::Result<u64> {
        let faults = self.process.memory_counters()?.faults;
        Ok(faults.total())
    }
}

impl Drop for FaultLoad {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
