//! The processors of the machine, and their times.
//!
//! Windows arranges them in groups of at most 64. Systems that know no groups have one.

use super::buffer::Buffer;
use super::class::SystemClass;
use super::layouts::system_processor_performance_information::{self as layout, ProcessorTimes};
use super::nt;
use super::status::Status;
use super::system::{System, duration};
use crate::cpu_times::CpuTimes;
use crate::error::SourceError;

const CLASS: SystemClass = SystemClass::SystemProcessorPerformanceInformation;

/// The number of processors that a group can have.
const GROUP_SIZE: u32 = 64;

/// Returns the numbers of the processors, ascending: 64 times the group, plus the number there.
pub(crate) fn processors(_: &System) -> Result<Vec<u32>, SourceError> {
    let mut numbers = Vec::new();
    each_group(|group, times| {
        let count = times.count() as u32;
        numbers.extend((0..count).map(|number| u32::from(group) * GROUP_SIZE + number));
    })?;
    Ok(numbers)
}

/// Returns the times of all processors together.
pub(crate) fn cpu_times(_: &System) -> Result<CpuTimes, SourceError> {
    let mut sum = ProcessorTimes::default();
    each_group(|_, times| {
        for times in times {
            sum.idle += times.idle;
            sum.kernel += times.kernel;
            sum.user += times.user;
            sum.deferred += times.deferred;
            sum.interrupts += times.interrupts;
        }
    })?;
    Ok(CpuTimes {
        user: duration(sum.user),
        nice: None,
        kernel: duration(sum.kernel),
        idle: duration(sum.idle),
        io_wait: None,
        interrupts: duration(sum.interrupts),
        soft_interrupts: duration(sum.deferred),
        stolen: None,
    })
}

/// Calls `sink` with the times of the processors of each group.
fn each_group(
    mut sink: impl FnMut(u16, &mut dyn Iterator<Item = ProcessorTimes>),
) -> Result<(), SourceError> {
    let mut buffer = Buffer::default();
    for group in 0..=u16::MAX {
        let answer = buffer.fill(|bytes| nt::query_processor_group(CLASS, group, bytes));
        let bytes = match answer {
            Ok(bytes) => bytes,
            // There are no more groups.
            Err(_) if group > 0 => return Ok(()),
            Err(status) if status.is_unsupported() || status == Status::INVALID_PARAMETER => {
                let bytes = buffer
                    .fill(|bytes| nt::query_system(CLASS, bytes))
                    .map_err(|status| status.error(CLASS))?;
                sink(0, &mut layout::entries(bytes));
                return Ok(());
            }
            Err(status) => return Err(status.error(CLASS)),
        };
        sink(group, &mut layout::entries(bytes));
    }
    Ok(())
}
