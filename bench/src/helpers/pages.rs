//! A process that holds pages of a known kind until its standard input is closed.
//!
//! Arguments: the kind, the number of bytes, and the file of shared memory. It prints the address
//! of the first page.

use std::error::Error;
use std::fs::OpenOptions;
use std::hint::black_box;
use std::io::Read;

use memmap2::{Advice, MmapMut, MmapOptions};
use rustix::process::{Signal, set_parent_process_death_signal};

const PAGE: usize = 4096;
const HUGE: usize = 2 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (kind, size, file) = match &arguments[..] {
        [kind, size] => (kind.as_str(), size.parse()?, None),
        [kind, size, file] => (kind.as_str(), size.parse()?, Some(file)),
        _ => return Err("usage: bench-pages KIND BYTES [FILE]".into()),
    };
    let (pages, first) = match (kind, file) {
        ("small", None) => touch(MmapMut::map_anon(size)?, 0, PAGE, Advice::NoHugePage)?,
        ("alternate", None) => touch(MmapMut::map_anon(size)?, 0, 2 * PAGE, Advice::NoHugePage)?,
        ("huge", None) => {
            let pages = MmapMut::map_anon(size + HUGE)?;
            let before = pages.as_ptr().align_offset(HUGE);
            touch(pages, before, HUGE, Advice::HugePage)?
        }
        ("shared", Some(file)) => {
            let file = OpenOptions::new().read(true).write(true).open(file)?;
            // SAFETY: the benchmark created the file, and no process truncates or writes it except
            // through these mappings.
            let pages = unsafe { MmapOptions::new().len(size).map_mut(&file)? };
            touch(pages, 0, PAGE, Advice::Normal)?
        }
        _ => return Err(format!("unknown kind of pages: {kind}").into()),
    };
    println!("{}", first as u64);
    std::io::stdin().read_to_end(&mut Vec::new())?;
    black_box(&pages);
    Ok(())
}

/// Writes one byte in each step. Returns the pages with the address of the first one.
fn touch(
    mut pages: MmapMut,
    first: usize,
    step: usize,
    advice: Advice,
) -> std::io::Result<(MmapMut, *const u8)> {
    pages.advise(advice)?;
    for byte in pages[first..].iter_mut().step_by(step) {
        *byte = 1;
    }
    let first = pages[first..].as_ptr();
    Ok((pages, first))
}
