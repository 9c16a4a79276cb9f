//! Bare system calls: the least that the kernel lets anyone pay for the same files.

use std::ffi::CString;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags, RawDir, open, openat};

const READ: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC);

pub fn proc() -> anyhow::Result<OwnedFd> {
    Ok(open("/proc", READ | OFlags::DIRECTORY, Mode::empty())?)
}

/// The names of the files, made beforehand: no time is spent on anything but the calls.
pub fn names(files: &[&str]) -> anyhow::Result<Vec<CString>> {
    let mut names = Vec::new();
    for id in psapi::System::new().process_ids()? {
        for file in files {
            names.push(CString::new(format!("{id}/{file}"))?);
        }
    }
    Ok(names)
}

/// Opens, reads and closes each. Some processes of a live machine are gone by now.
pub fn read(proc: &OwnedFd, names: &[CString], buffer: &mut [u8]) {
    for name in names {
        if let Ok(file) = openat(proc, name, READ, Mode::empty()) {
            let _ = rustix::io::read(&file, &mut *buffer);
        }
    }
}

/// Lists the proc root, and looks at nothing.
pub fn list(buffer: &mut [MaybeUninit<u8>]) -> anyhow::Result<()> {
    let proc = proc()?;
    // Each iterator makes one call and is dropped with all that the call brought; the next one
    // goes on behind it.
    while let Some(entry) = RawDir::new(&proc, &mut *buffer).next() {
        entry?;
    }
    Ok(())
}
