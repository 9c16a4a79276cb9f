//! CPU time and page faults of a process: totals so far, and rates between two samples.

use psapi::Fields;

use super::process::{ProcessColumn, ProcessRow, comparing, tier};
use super::rates::{Rates, cpu_time};
use crate::output::{Value, columns};

pub fn columns<'a>() -> Vec<ProcessColumn<'a>> {
    let mut columns = comparing(
        Fields::STAT,
        columns! { row: ProcessRow<'a>;
            "cpu" | "pcpu" | "%cpu" "CPU%" "cpu_percent" Number: row.rate(|rates| rates.cpu), "CPU time since the previous sample in percent, 100 for each processor; requires --interval", priority 7;
        },
    );
    columns.extend(tier(Fields::STAT, columns! { row: ProcessRow<'a>;
        "time" | "cputime"             "TIME"   "cpu_seconds"        Number: row.stat(cpu_time(row.status), Value::Seconds), "CPU time so far, in user and kernel mode";
        "utime"                        "UTIME"  "user_cpu_seconds"   Number: row.stat(row.status.user_time, Value::Seconds), "CPU time in user mode";
        "ktime" | "stime"              "KTIME"  "kernel_cpu_seconds" Number: row.stat(row.status.kernel_time, Value::Seconds), "CPU time in kernel mode";
        "faults"                       "FAULTS" "page_faults"        Number: row.stat(row.status.faults, |faults| Value::Count(faults.total())), "page faults so far, minor and major";
        "minflt" | "min_flt" | "minor" "MINFLT" "minor_faults"       Number: row.stat(row.status.faults, |faults| count(faults.minor)), "page faults resolved without reading from a disk", priority 2;
        "majflt" | "maj_flt" | "major" "MAJFLT" "major_faults"       Number: row.stat(row.status.faults, |faults| count(faults.major)), "page faults that waited for a read from a disk", priority 2;
    }));
    columns.extend(comparing(Fields::STAT, columns! { row: ProcessRow<'a>;
        "minrate" "MINFLT/s" "minor_faults_per_second" Number: row.rate(|rates| rates.minor), "minor faults per second since the previous sample; requires --interval", priority 6;
        "majrate" "MAJFLT/s" "major_faults_per_second" Number: row.rate(|rates| rates.major), "major faults per second since the previous sample; requires --interval", priority 6;
    }));
    columns
}

fn count<'a>(faults: Option<u64>) -> Value<'a> {
    faults.map_or(Value::Unknown, Value::Count)
}

impl ProcessRow<'_> {
    fn rate(&self, rate: fn(Rates) -> Option<f64>) -> Value<'_> {
        self.rates
            .and_then(rate)
            .map_or(Value::Unknown, Value::Ratio)
    }
}
