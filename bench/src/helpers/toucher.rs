//! A process that touches fresh memory, page by page, whenever it is told to.
//!
//! Argument: how many threads it has beside the first one. A line on standard input says who is to
//! do it – `first`, `all` the others at once, or as many `new` ones – and after a blank how many
//! bytes each. The answer is the time in nanoseconds that the loop took of the first one.

use std::error::Error;
use std::hint::black_box;
use std::io::{Write as _, stdin, stdout};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

const PAGE: usize = 4096;

fn main() -> Result<(), Box<dyn Error>> {
    // Pages of 4 KiB are what it is about.
    rustix::thread::disable_transparent_huge_pages(true)?;
    let threads = std::env::args().nth(1).ok_or("how many threads?")?;
    let threads: usize = threads.parse()?;
    let crew = Arc::new(Crew {
        begin: Barrier::new(threads + 1),
        end: Barrier::new(threads + 1),
        bytes: AtomicUsize::new(0),
    });
    for _ in 0..threads {
        let crew = Arc::clone(&crew);
        std::thread::spawn(move || crew.work());
    }
    for line in stdin().lines() {
        let line = line?;
        let (who, bytes) = line.split_once(' ').ok_or("who, and how many bytes?")?;
        let bytes = bytes.parse()?;
        let mut time = Duration::ZERO;
        match who {
            "first" => time = touch(bytes),
            "all" => crew.touch(bytes),
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

/// Threads that wait for orders.
struct Crew {
    begin: Barrier,
    end: Barrier,
    bytes: AtomicUsize,
}

impl Crew {
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

fn touch(bytes: usize) -> Duration {
    // Fresh from the kernel: nothing is there yet.
    let mut memory = vec![0u8; bytes];
    let start = Instant::now();
    for page in memory.chunks_mut(PAGE) {
        page[0] = black_box(1);
    }
    start.elapsed()
}
