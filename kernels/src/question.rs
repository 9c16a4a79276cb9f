//! The questions.

use std::ops::ControlFlow;

use psapi::{
    DriverKind, Fields, ModuleFilter, Process, Result, ShareCount, System, WorkingSetOptions,
};

pub struct Question {
    pub name: &'static str,
    /// Or of the machine.
    pub of_process: bool,
    /// Whether there is an answer.
    pub ask: fn(u32) -> bool,
}

/// A question of a process. A refusal, and an answer without what was asked for, are none.
macro_rules! of_process {
    ($name:literal, $ask:expr) => {
        Question {
            name: $name,
            of_process: true,
            ask: |id| {
                let ask: fn(&Process) -> Result<bool> = $ask;
                System::new()
                    .process(id)
                    .and_then(|process| ask(&process))
                    .unwrap_or(false)
            },
        }
    };
}

macro_rules! of_machine {
    ($name:literal, $ask:expr) => {
        Question {
            name: $name,
            of_process: false,
            ask: |_| {
                let ask: fn(&System) -> Result<bool> = $ask;
                ask(&System::new()).unwrap_or(false)
            },
        }
    };
}

pub const QUESTIONS: &[Question] = &[
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
