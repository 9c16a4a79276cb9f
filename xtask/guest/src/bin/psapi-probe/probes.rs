//! The probes: one call of the library for each kind of information.

use std::ops::ControlFlow;

use psapi::{
    DriverKind, Fields, ModuleFilter, Process, Result, ShareCount, System, WorkingSetOptions,
};

/// Reads one kind of information.
pub struct Probe {
    pub name: &'static str,
    /// Whether the information is about a process rather than the machine.
    pub needs_process: bool,
    /// Returns true if the information is available, given the id of a process.
    pub run: fn(u32) -> bool,
}

/// A probe of a process. An error, or a result that lacks the information, is a failure.
macro_rules! of_process {
    ($name:literal, $read:expr) => {
        Probe {
            name: $name,
            needs_process: true,
            run: |id| {
                let read: fn(&Process) -> Result<bool> = $read;
                System::new()
                    .process(id)
                    .and_then(|process| read(&process))
                    .unwrap_or(false)
            },
        }
    };
}

/// A probe of the machine.
macro_rules! of_machine {
    ($name:literal, $read:expr) => {
        Probe {
            name: $name,
            needs_process: false,
            run: |_| {
                let read: fn(&System) -> Result<bool> = $read;
                read(&System::new()).unwrap_or(false)
            },
        }
    };
}

pub const PROBES: &[Probe] = &[
    of_process!("status", |process| {
        let fields =
            Fields::STAT | Fields::MEMORY | Fields::USER | Fields::COMMAND_LINE | Fields::CGROUP;
        let status = process.status(fields)?;
        Ok(status.memory.is_some() && status.user.is_some() && status.command_line.is_some())
    }),
    of_process!("image-file", |process| Ok(process.image_file()?.is_some())),
    of_process!("exact-memory", |process| process
        .exact_memory()
        .map(|_| true)),
    of_process!("mappings", |process| Ok(!process.mappings()?.is_empty())),
    of_process!("modules", |process| Ok(!process
        .modules(ModuleFilter::All)?
        .is_empty())),
    of_process!("entry-points", |process| {
        let modules = process.modules(ModuleFilter::All)?;
        Ok(modules.iter().any(|module| module.entry_point.is_some()))
    }),
    of_process!("working-set", |process| Ok(process
        .working_set()?
        .runs()
        .next()
        .is_some())),
    of_process!("share-counts", |process| {
        let options = WorkingSetOptions::new().with_private_share_counts();
        let set = process.working_set_with(&options, |_| ControlFlow::Continue(()))?;
        let mut shared = set.runs().filter_map(|run| run.shares);
        Ok(shared.any(|shares| matches!(shares, ShareCount::Exactly(count) if count > 1)))
    }),
    of_process!("watch", |process| process.watch_working_set().map(|_| true)),
    of_process!("watch-kernel", |process| Ok(!process
        .watch_working_set()?
        .is_user_only())),
    of_process!("empty", |process| process.empty_working_set().map(|_| true)),
    of_machine!("drivers", |system| {
        let drivers = system.device_drivers()?;
        Ok(drivers
            .iter()
            .any(|driver| driver.kind == DriverKind::Loadable))
    }),
    of_machine!("driver-addresses", |system| {
        let drivers = system.device_drivers()?;
        Ok(drivers.iter().any(|driver| driver.load_address.is_some()))
    }),
    of_machine!("page-files", |system| system.page_files().map(|_| true)),
    of_machine!("performance", |system| system
        .performance_info()
        .map(|_| true)),
];
