//! The process whose page faults are watched.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use psapi::{Process, System};

use crate::helper;

/// Who is to touch.
#[derive(Clone, Copy)]
pub enum Who {
    /// Its first thread.
    First,
    /// Its other ones, all at once.
    All,
    /// As many new ones, all at once.
    New,
}

pub struct Toucher {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    pub process: Process,
}

impl Toucher {
    pub fn start(threads: usize) -> anyhow::Result<Self> {
        let mut child = Command::new(helper::path("bench-toucher")?)
            .arg(threads.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(orders), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            unreachable!("both were asked to be pipes");
        };
        let mut toucher = Toucher {
            process: System::new().process(child.id())?,
            child,
            orders,
            answers: BufReader::new(answers),
        };
        // What it needs itself is in memory from here on.
        for who in [Who::First, Who::All, Who::New] {
            toucher.touch(who, 1 << 20)?;
        }
        Ok(toucher)
    }

    /// Lets it touch so many bytes of fresh memory a thread. Tells how long that took the first
    /// thread, once all sleep again.
    pub fn touch(&mut self, who: Who, bytes: usize) -> anyhow::Result<Duration> {
        let who = match who {
            Who::First => "first",
            Who::All => "all",
            Who::New => "new",
        };
        writeln!(self.orders, "{who} {bytes}")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        let time = answer.trim().parse().context("it did not say how long")?;
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let stat = thread?.path().join("stat");
            // One that ends meanwhile sleeps, too.
            while std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") S ")) {
                std::thread::yield_now();
            }
        }
        Ok(Duration::from_nanos(time))
    }

    /// The faults that the kernel counted for it.
    pub fn faults(&self) -> anyhow::Result<u64> {
        let faults = self.process.memory_counters()?.faults;
        Ok(faults.minor + faults.major)
    }
}

impl Drop for Toucher {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
