//! The machine as the system's own functions report it to another program.

use std::process::Command;

use crate::{Program, TestProcess, programs};

/// A program that reports the machine repeatedly.
pub struct MachineReport {
    subject: TestProcess,
    _program: Program,
}

/// A process in the list of `CreateToolhelp32Snapshot`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedProcess {
    /// `th32ProcessID`.
    pub id: u32,
    /// `th32ParentProcessID`.
    pub parent: u32,
    /// `cntThreads`.
    pub threads: u64,
    /// `szExeFile`.
    pub name: String,
}

/// Figures of `GlobalMemoryStatusEx` and `GetSystemInfo`, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct MachineMemory {
    /// `dwPageSize`.
    pub page_size: u64,
    /// `ullTotalPhys`.
    pub physical_total: u64,
    /// `ullAvailPhys`.
    pub physical_available: u64,
    /// `ullTotalPageFile`.
    pub commit_limit: u64,
    /// `ullAvailPageFile`.
    pub commit_left: u64,
}

impl MachineReport {
    fn start(what: &str) -> Self {
        let program = Program::compile(programs::REPORTS_MACHINE, &[]);
        MachineReport {
            subject: TestProcess::start(Command::new(&program.path).arg(what)),
            _program: program,
        }
    }

    /// Starts a program that reports memory.
    pub fn of_memory() -> Self {
        MachineReport::start("memory")
    }

    /// Starts a program that lists processes.
    pub fn of_processes() -> Self {
        MachineReport::start("processes")
    }

    /// Returns the memory now.
    pub fn memory(&mut self) -> MachineMemory {
        self.subject.resume();
        let mut numbers = self.subject.line.split(' ').map(|text| text.parse());
        let mut next = || numbers.next().expect("a figure").expect("a number");
        MachineMemory {
            page_size: next(),
            physical_total: next(),
            physical_available: next(),
            commit_limit: next(),
            commit_left: next(),
        }
    }

    /// Returns the processes now.
    pub fn processes(&mut self) -> Vec<ListedProcess> {
        self.subject.resume();
        let entry = |entry: &str| {
            let mut fields = entry.splitn(4, ' ');
            let mut next = || fields.next().expect("a field");
            ListedProcess {
                id: next().parse().expect("an id"),
                parent: next().parse().expect("an id"),
                threads: next().parse().expect("a number"),
                name: next().to_owned(),
            }
        };
        let entries = self.subject.line.split_terminator('/');
        entries.map(entry).collect()
    }
}
