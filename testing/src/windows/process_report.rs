//! A process as the system's own functions report it to another program.

use std::process::Command;

use windows_sys::Win32::System::Memory::*;

use crate::{Program, programs};

const PAGE: u64 = 4096;

/// Figures of `GetProcessMemoryInfo`, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counters {
    /// `WorkingSetSize`.
    pub working_set: u64,
    /// `PeakWorkingSetSize`.
    pub peak: u64,
    /// `PagefileUsage`.
    pub commit: u64,
}

/// A module in the list of `CreateToolhelp32Snapshot`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// `modBaseAddr`.
    pub base: u64,
    /// `modBaseSize`.
    pub size: u64,
    /// `szExePath`.
    pub path: String,
}

/// A region of `VirtualQueryEx` that is not free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// `BaseAddress`.
    pub start: u64,
    /// The end of `RegionSize` bytes.
    pub end: u64,
    state: u32,
    protection: u32,
    allocation_protection: u32,
    kind: u32,
}

/// Returns the lines that the reporting program prints.
fn report(what: &str, id: u32) -> Vec<String> {
    let program = Program::compile(programs::REPORTS_PROCESS, &[]);
    let output = Command::new(&program.path)
        .args([what, &id.to_string()])
        .output()
        .expect("start the program");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("the report is UTF-8");
    text.lines().map(str::to_owned).collect()
}

fn number(text: &str) -> u64 {
    u64::from_str_radix(text, 16).expect("a hexadecimal number")
}

/// Returns the counters of a process.
pub fn counters(id: u32) -> Counters {
    let lines = report("counters", id);
    let mut numbers = lines[0].split(' ').map(number);
    let mut next = || numbers.next().expect("a figure");
    Counters {
        working_set: next(),
        peak: next(),
        commit: next(),
    }
}

/// Returns the modules of a process in load order.
pub fn modules(id: u32) -> Vec<Module> {
    let module = |line: String| {
        let mut fields = line.splitn(3, ' ');
        let mut next = || fields.next().expect("a field");
        Module {
            base: number(next()),
            size: number(next()),
            path: next().to_owned(),
        }
    };
    report("modules", id).into_iter().map(module).collect()
}

/// Returns the regions of a process.
pub fn regions(id: u32) -> Vec<Region> {
    let region = |line: String| {
        let mut fields = line.split(' ').map(number);
        let mut next = || fields.next().expect("a field");
        Region {
            start: next(),
            end: next(),
            state: next() as u32,
            protection: next() as u32,
            allocation_protection: next() as u32,
            kind: next() as u32,
        }
    };
    report("regions", id).into_iter().map(region).collect()
}

impl Region {
    /// Returns true for memory of an image or of a mapped file or section.
    pub fn is_mapped(&self) -> bool {
        self.kind != MEM_PRIVATE
    }

    /// Returns true for private memory that can be read.
    pub fn is_private_memory(&self) -> bool {
        !self.is_mapped() && self.permissions().starts_with('r')
    }

    /// Returns the permissions as `/proc/PID/maps` would print them.
    pub fn permissions(&self) -> String {
        const WRITE: u32 =
            PAGE_READWRITE | PAGE_WRITECOPY | PAGE_EXECUTE_READWRITE | PAGE_EXECUTE_WRITECOPY;
        const EXECUTE: u32 =
            PAGE_EXECUTE | PAGE_EXECUTE_READ | PAGE_EXECUTE_READWRITE | PAGE_EXECUTE_WRITECOPY;
        const READ: u32 = PAGE_READONLY | PAGE_EXECUTE_READ | WRITE;
        const COPY: u32 = PAGE_WRITECOPY | PAGE_EXECUTE_WRITECOPY;
        let has = |protections: u32, letter: char| {
            let has = self.state == MEM_COMMIT && self.protection & protections != 0;
            if has { letter } else { '-' }
        };
        let shared = self.kind == MEM_MAPPED && self.allocation_protection & COPY == 0;
        [
            has(READ, 'r'),
            has(WRITE, 'w'),
            has(EXECUTE, 'x'),
            if shared { 's' } else { 'p' },
        ]
        .iter()
        .collect()
    }

    /// Returns the size of the pages that the stand-in's rule puts into the working set.
    pub fn resident(&self) -> u64 {
        self.pages(|page| page % 4 != 3)
    }

    /// Returns the size of the pages that the stand-in's rule locks.
    pub fn locked(&self) -> u64 {
        self.pages(|page| page % 16 == 1)
    }

    fn pages(&self, is_counted: impl Fn(&u64) -> bool) -> u64 {
        if self.state != MEM_COMMIT || self.protection & PAGE_GUARD != 0 {
            return 0;
        }
        let size = self.end - self.start;
        if !self.is_mapped() && size == 2 << 20 {
            // Large pages, which are locked.
            return size;
        }
        let pages = (0..size / PAGE).filter(is_counted);
        pages.count() as u64 * PAGE
    }
}
