//! What a process has done: CPU time and page faults, so far and between two samples.

use std::time::Duration;

use psapi::{Fields, ProcessStatus};

use super::ProcessColumn;
use crate::output::{Shape, Value};

/// What a process did between two samples.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    cpu: Option<f64>,
    minor: Option<f64>,
    major: Option<f64>,
}

impl Progress {
    /// `None` if the two are not of one process: an id may have been handed on.
    pub fn between(
        before: &ProcessStatus,
        after: &ProcessStatus,
        elapsed: Duration,
    ) -> Option<Self> {
        let seconds = elapsed.as_secs_f64();
        if before.start.is_none() || before.start != after.start || seconds <= 0.0 {
            return None;
        }
        let rate = |before: Option<u64>, after: Option<u64>| {
            Some(after?.checked_sub(before?)? as f64 / seconds)
        };
        let faults = |status: &ProcessStatus| status.faults;
        Some(Progress {
            cpu: cpu_time(after)
                .zip(cpu_time(before))
                .and_then(|(after, before)| after.checked_sub(before))
                .map(|spent| 100.0 * spent.as_secs_f64() / seconds),
            minor: rate(
                faults(before).map(|faults| faults.minor),
                faults(after).map(|faults| faults.minor),
            ),
            major: rate(
                faults(before).map(|faults| faults.major),
                faults(after).map(|faults| faults.major),
            ),
        })
    }
}

pub fn columns<'a>() -> Vec<ProcessColumn<'a>> {
    const STAT: Fields = Fields::STAT;
    use Shape::Number;
    let column = ProcessColumn::new;
    vec![
        column(
            STAT,
            Number,
            ("cpu", "CPU%", "cpu_percent"),
            "CPU time since the sample before, 100 a processor; with --interval",
            |row| ratio(row.progress.and_then(|progress| progress.cpu)),
        )
        .or(&["pcpu", "%cpu"])
        .comparing(),
        column(
            STAT,
            Number,
            ("time", "TIME", "cpu_seconds"),
            "CPU time so far, the kernel's for it included",
            |row| row.stat(cpu_time(row.status), Value::Seconds),
        )
        .or(&["cputime"]),
        column(
            STAT,
            Number,
            ("utime", "UTIME", "user_cpu_seconds"),
            "CPU time in user mode",
            |row| row.stat(row.status.user_time, Value::Seconds),
        ),
        column(
            STAT,
            Number,
            ("ktime", "KTIME", "kernel_cpu_seconds"),
            "CPU time that the kernel spent for it",
            |row| row.stat(row.status.kernel_time, Value::Seconds),
        )
        .or(&["stime"]),
        column(
            STAT,
            Number,
            ("faults", "FAULTS", "page_faults"),
            "page faults so far, minor and major",
            |row| row.stat(row.status.faults, |faults| Value::Count(faults.total())),
        ),
        column(
            STAT,
            Number,
            ("minflt", "MINFLT", "minor_faults"),
            "page faults resolved without a disk",
            |row| row.stat(row.status.faults, |faults| Value::Count(faults.minor)),
        )
        .or(&["min_flt", "minor"]),
        column(
            STAT,
            Number,
            ("majflt", "MAJFLT", "major_faults"),
            "page faults that waited for a read",
            |row| row.stat(row.status.faults, |faults| Value::Count(faults.major)),
        )
        .or(&["maj_flt", "major"]),
        column(
            STAT,
            Number,
            ("minrate", "MINFLT/s", "minor_faults_per_second"),
            "minor faults a second since the sample before; with --interval",
            |row| ratio(row.progress.and_then(|progress| progress.minor)),
        )
        .comparing(),
        column(
            STAT,
            Number,
            ("majrate", "MAJFLT/s", "major_faults_per_second"),
            "major faults a second since the sample before; with --interval",
            |row| ratio(row.progress.and_then(|progress| progress.major)),
        )
        .comparing(),
    ]
}

fn cpu_time(status: &ProcessStatus) -> Option<Duration> {
    status.user_time?.checked_add(status.kernel_time?)
}

fn ratio<'r>(ratio: Option<f64>) -> Value<'r> {
    ratio.map_or(Value::Unknown, Value::Ratio)
}
