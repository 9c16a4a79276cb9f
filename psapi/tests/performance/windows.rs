//! What `GlobalMemoryStatusEx` and Toolhelp report to another program.

use testing::machine_report::MachineReport;

pub struct Witness {
    memory: MachineReport,
    processes: MachineReport,
}

impl Witness {
    pub fn start() -> Self {
        Witness {
            memory: MachineReport::of_memory(),
            processes: MachineReport::of_processes(),
        }
    }

    pub fn physical_total(&mut self) -> u64 {
        self.memory.memory().physical_total
    }

    pub fn physical_available(&mut self) -> u64 {
        self.memory.memory().physical_available
    }

    pub fn commit_total(&mut self) -> u64 {
        let memory = self.memory.memory();
        memory.commit_limit - memory.commit_left
    }

    pub fn threads(&mut self) -> u64 {
        let processes = self.processes.processes().into_iter();
        processes.map(|process| process.threads).sum()
    }

    pub fn processes(&mut self) -> Option<u64> {
        Some(self.processes.processes().len() as u64)
    }

    pub fn page_size(&mut self) -> Option<u64> {
        Some(self.memory.memory().page_size)
    }
}
