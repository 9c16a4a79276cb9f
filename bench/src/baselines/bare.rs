//! Bare system calls: the smallest possible cost of reading the same files.

use std::ffi::CString;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags, RawDir, open, openat};

const READ: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC);

/// Opens the proc root.
pub fn proc() -> anyhow::Result<OwnedFd> {
    Ok(open("/proc", READ | OFlags::DIRECTORY, Mode::empty())?)
}

/// Prepares the names of the files, so that only the system calls are measured.
pub fn names(files: &[&str]) -> anyhow::Result<Vec<CString>> {
    let mut names = Vec::new();
    for id in psapi::System::new().process_ids()? {
        for file in files {
            names.push(CString::new(format!("{id}/{file}"))?);
        }
    }
    Ok(names)
}

/// Opens, reads and closes each file. Files of processes that have exited are skipped.
pub fn read(proc: &OwnedFd, names: &[CString], buffer: &mut [u8]) {
    for name in names {
        if let Ok(file) = openat(proc, name, READ, Mode::empty()) {
            let _ = rustix::io::read(&file, &mut *buffer);
        }
    }
}

/// Lists the proc root, and ignores the entries.
pub fn list(buffer: &mut [MaybeUninit<u8>]) -> anyhow::Result<()> {
    let proc = proc()?;
    // Each iterator makes one `getdents64` call and is dropped with the entries that it returned.
    // The next call continues after them.
    while let Some(entry) = RawDir::new(&proc, &mut *buffer).next() {
        entry?;
    }
    Ok(())
}
