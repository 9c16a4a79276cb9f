//! A process that touches fresh memory page by page on request.
//!
//! Argument: the number of threads besides the main thread. A request is a line with the kind of
//! threads and the number of bytes for each. The kind is `main`, `existing` (all others at the same
//! time) or `new` (the same number of new threads). The reply is the time in nanoseconds that the
//! main thread took.

use std::error::Error;
use std::hint::black_box;
use std::io::{Write as _, stdin, stdout};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

const PAGE: usize = 4096;

fn main() -> Result<(), Box<dyn Error>> {
    // Each page of 4 KiB must cause a fault of its own.
    rustix::thread::disable_transparent_huge_pages(true)?;
    let threads = std::env::args()
        .nth(1)
        .ok_or("usage: bench-fault-load THREADS")?;
    let threads: usize = threads.parse()?;
    let pool = Arc::new(Pool {
        begin: Barrier::new(threads + 1),
        end: Barrier::new(threads + 1),
        bytes: AtomicUsize::new(0),
    });
    for _ in 0..threads {
        let pool = Arc::clone(&pool);
        std::thread::spawn(move || pool.work());
    }
    for line in stdin().lines() {
        let line = line?;
        let (which, bytes) = line
            .split_once(' ')
            .ok_or("a request has no number of bytes")?;
        let bytes = bytes.parse()?;
        let mut time = Duration::ZERO;
        match which {
            "main" => time = touch(bytes),
            "existing" => pool.touch(bytes),
            _ => {
                let new = (0..threads).map(|_| std::thread::spawn(move || touch(bytes)));
                for thread in new.collect::<Vec<_>>() {
                    thread.join().map_err(|_| "a thread panicked")?;
                }
            }
        }
        writeln!(stdout(), "{}", time.as_nanos())?;
    }
    Ok(())
}

/// Threads that wait for requests.
struct Pool {
    begin: Barrier,
    end: Barrier,
    bytes: AtomicUsize,
}

impl Pool {
    fn work(&self) {
        loop {
            self.begin.wait();
            touch(self.bytes.load(Ordering::Relaxed));
            self.end.wait();
        }
    }

    fn touch(&self, bytes: usize) {
        self.bytes.store(bytes, Ordering::Relaxed);
        self.begin.wait();
        self.end.wait();
    }
}

/// Touches every page of fresh memory and returns the time.
fn touch(bytes: usize) -> Duration {
    // Zeroed memory of this size comes from `mmap`, without resident pages.
    let mut memory = vec![0u8; bytes];
    let start = Instant::now();
    for page in memory.chunks_mut(PAGE) {
        page[0] = black_box(1);
    }
    start.elapsed()
}
