//! The calling machine: its constants, and what all questions about it share.

use std::sync::OnceLock;
use std::time::Duration;

use super::buffer::Fixed;
use super::class::SystemClass;
use super::layouts::reader::Width;
use super::layouts::system_basic_information::{self, SystemBasicInformation};
use super::layouts::system_timeofday_information::{self, SystemTimeOfDayInformation};
use super::nt;
use crate::error::{ErrorCause, SourceError};
use crate::start_time::StartTime;

/// What a system is made of. Windows has only the calling machine, so there is nothing to choose.
#[derive(Debug, Clone, Default)]
pub(crate) struct SystemOptions {}

/// The calling machine.
#[derive(Debug)]
pub(crate) struct System {
    /// The system time of the boot.
    boot: OnceLock<i64>,
}

impl System {
    pub(crate) fn new(_: SystemOptions) -> Self {
        System {
            boot: OnceLock::new(),
        }
    }

    /// Returns when a process started; `None` if its time of creation is unknown.
    pub(crate) fn start(&self, create_time: i64) -> Option<StartTime> {
        const PER_SECOND: i64 = 10_000_000;
        // The idle process has none.
        if create_time == 0 {
            return None;
        }
        let boot = match self.boot.get() {
            Some(&boot) => boot,
            None => {
                let boot = clock().ok()?.boot_as_recorded();
                *self.boot.get_or_init(|| boot)
            }
        };
        let since_boot = create_time.checked_sub(boot)?;
        let nanos = since_boot.rem_euclid(PER_SECOND) * 100;
        Some(StartTime::new(
            since_boot.div_euclid(PER_SECOND),
            nanos as u32,
        ))
    }
}

/// Returns the error for an answer that is shorter than its structure.
pub(crate) fn truncated(source: impl Into<std::path::PathBuf>) -> SourceError {
    SourceError::new(source, ErrorCause::Malformed("the answer is too short"))
}

/// Converts a span of time in units of 100 ns.
pub(crate) fn duration(span: u64) -> Duration {
    Duration::new(span / 10_000_000, (span % 10_000_000) as u32 * 100)
}

fn clock() -> Result<SystemTimeOfDayInformation, SourceError> {
    const CLASS: SystemClass = SystemClass::SystemTimeOfDayInformation;
    let mut buffer = Fixed::<{ system_timeofday_information::SIZE }>::new();
    buffer
        .fill(|bytes| nt::query_system(CLASS, bytes))
        .map_err(|status| status.error(CLASS))?;
    SystemTimeOfDayInformation::parse(&buffer.0).ok_or_else(|| truncated(CLASS))
}

/// Reads the constants of the machine.
pub(crate) fn basic_information() -> Result<SystemBasicInformation, SourceError> {
    const CLASS: SystemClass = SystemClass::SystemBasicInformation;
    let mut buffer = Fixed::<{ system_basic_information::MAX_SIZE }>::new();
    let size = system_basic_information::size(Width::NATIVE);
    buffer
        .fill(|bytes| nt::query_system(CLASS, &mut bytes[..size]))
        .map_err(|status| status.error(CLASS))?;
    SystemBasicInformation::parse(&buffer.0, Width::NATIVE).ok_or_else(|| truncated(CLASS))
}

/// Returns the lowest address that a program can map.
pub(crate) fn minimum_address(_: &System) -> Result<u64, SourceError> {
    basic_information().map(|information| information.minimum_address)
}

/// Windows lists all processes to everyone.
pub(crate) fn may_hide_processes(_: &System) -> bool {
    false
}

/// Windows has no pid namespaces.
pub(crate) fn is_of_own_pid_namespace(_: &System) -> Result<bool, SourceError> {
    Ok(true)
}

/// Windows has no user namespaces.
pub(crate) fn maps_user_ids(_: &System) -> Result<bool, SourceError> {
    Ok(false)
}
