//! The columns of the lists and of the summary of a watch.

use std::borrow::Cow;

use psapi::Mapping;

use super::call_tree::Start;
use super::lists::{FaultShare, FunctionRow, MappingRow, ModuleRow, Summary, ThreadRow};
use super::process_name::ProcessName;
use crate::columns::mapping;
use crate::output::{Column, Value, columns};
use crate::watch::engine::account::ClosedAccount;
use crate::watch::engine::kernel_count::CountCheck;
use crate::watch::engine::{CODE, FAULTS_ARE_DETAILED, MissingSymbols, SourceLine};

/// Removes the columns that need details of faults, if there are none.
fn known<Row>(mut columns: Vec<Column<Row>>) -> Vec<Column<Row>> {
    const DETAILS: [&str; 2] = ["minor_faults", "major_faults"];
    columns.retain(|column| FAULTS_ARE_DETAILED || !DETAILS.contains(&column.field));
    columns
}

/// Returns the first columns of every list.
fn common<Row: AsRef<FaultShare>>(with_process: bool) -> Vec<Column<Row>> {
    known(columns! { row: Row;
        "pid" "PID" "pid" Number: Value::count(row.as_ref().process.id.get()), priority 6, if with_process;
        "process" "PROCESS" "process" Name: process(&row.as_ref().process), priority 7, if with_process;
        "faults" "FAULTS" "faults" Number: Value::Count(row.as_ref().counts.total()), priority 9;
        "share" "%" "share_percent" Number: Value::Ratio(row.as_ref().percent), priority 7;
        "minor" "MINOR" "minor_faults" Number: Value::Count(row.as_ref().counts.minor), priority 3;
        "major" "MAJOR" "major_faults" Number: Value::Count(row.as_ref().counts.major), priority 4;
    })
}

fn process(process: &ProcessName) -> Value<'_> {
    process.name.as_deref().map_or(Value::Unknown, Value::text)
}

fn name(name: Option<&[u8]>) -> Value<'_> {
    name.map_or(Value::Unknown, |name| Value::Text(Cow::Borrowed(name)))
}

pub fn mappings(with_process: bool, rows: &[MappingRow]) -> Vec<Column<MappingRow>> {
    let has_gone = rows.iter().any(|row| row.is_gone);
    let mut columns = common(with_process);
    columns.extend(columns! { row: MappingRow;
        "came" "CAME" "came_bytes" Number: row.memory(0), priority 6;
        "evicted" "EVICTED" "evicted_bytes" Number: row.memory(1), priority 4;
        "resident" "AT END" "resident_after_bytes" Number: row.memory(2);
        "start" "START" "start_address" Number: row.address(|mapping| Value::Address(mapping.start));
        "end" "END" "end_address" Number: row.address(|mapping| Value::Address(mapping.end)), if false;
        "permissions" "PERM" "permissions" Word: row.mapping(mapping::permissions), priority 3;
        "kind" "KIND" "kind" Word: row.mapping(mapping::kind), priority 4;
        "gone" "GONE" "gone" Word: row.mapping_is_gone(), if has_gone;
        "name" "NAME" "name" Path: row.mapping(mapping::name), priority 9;
    });
    columns
}

impl MappingRow {
    fn memory(&self, figure: usize) -> Value<'_> {
        self.memory
            .map_or(Value::Unknown, |memory| Value::Bytes(memory[figure]))
    }

    fn mapping<'r>(&'r self, value: fn(&'r Mapping) -> Value<'r>) -> Value<'r> {
        self.mapping.as_ref().map_or(Value::Unknown, value)
    }

    fn mapping_is_gone(&self) -> Value<'_> {
        let flag = |_: &Mapping| Value::Flag(self.is_gone);
        self.mapping.as_ref().map_or(Value::Unknown, flag)
    }

    /// Returns an address of the mapping. A row that combines similar mappings has none: the tally
    /// has reached `MAX_REGIONS`.
    fn address<'r>(&'r self, value: fn(&'r Mapping) -> Value<'r>) -> Value<'r> {
        let mapping = self.mapping.as_ref().filter(|mapping| mapping.end > 0);
        mapping.map_or(Value::Unknown, value)
    }
}

pub fn modules(with_process: bool) -> Vec<Column<ModuleRow>> {
    let mut columns = common(with_process);
    columns.extend(columns! { row: ModuleRow;
        "module" "MODULE" "module" Path: row.module.as_deref().map_or(Value::Unknown, Value::path), priority 8;
    });
    columns
}

pub fn functions(with_process: bool, rows: &[FunctionRow]) -> Vec<Column<FunctionRow>> {
    let is_ambiguous = rows.iter().any(|row| row.is_ambiguous);
    let mut columns = common(with_process);
    if !CODE.has_symbols {
        columns.extend(columns! { row: FunctionRow;
            "instruction" "INSTRUCTION" "instruction" Name: name(row.function.as_deref().map(str::as_bytes)), priority 9;
            "module" "MODULE" "module" Path: row.module.as_deref().map_or(Value::Unknown, Value::path), priority 8;
        });
        return columns;
    }
    columns.extend(columns! { row: FunctionRow;
        "function" "FUNCTION" "function" Name: name(row.function.as_deref().map(str::as_bytes)), priority 9;
        "start" "START" "function_offset_bytes" Number: match row.start {
            Some(Start::InModule(offset)) => Value::Offset(offset),
            _ => Value::Unknown,
        }, priority 7, if is_ambiguous;
        "address" "ADDRESS" "function_address" Number: match row.start {
            Some(Start::Address(address)) => Value::Address(address),
            _ => Value::Unknown,
        }, if false;
        "inlined-into" "INLINED INTO" "inlined_into" Name:
            Value::Names(row.inlined_into.iter().map(|name| name.as_bytes()).collect()), priority 3;
        "module" "MODULE" "module" Path: row.module.as_deref().map_or(Value::Unknown, Value::path), priority 8;
        "source" "SOURCE" "source" Path: row.source.as_ref().map_or(Value::Unknown, source), priority 6;
    });
    columns
}

fn source(source: &SourceLine) -> Value<'_> {
    let path = source.path.as_os_str().as_encoded_bytes();
    Value::Text(match source.line {
        Some(line) => Cow::Owned([path, format!(":{line}").as_bytes()].concat()),
        None => Cow::Borrowed(path),
    })
}

pub fn missing() -> Vec<Column<MissingSymbols>> {
    columns! { row: MissingSymbols;
        "module" "MODULE" "module" Path: Value::path(&row.module);
        "reason" "REASON" "reason" Name: name(Some(row.reason.as_bytes()));
    }
}

pub fn threads(with_process: bool) -> Vec<Column<ThreadRow>> {
    let mut columns = common(with_process);
    columns.extend(columns! { row: ThreadRow;
        "thread" "THREAD" "thread" Number: Value::count(row.id), priority 9;
        "name" "NAME" "name" Name: name(row.name.as_deref()), priority 9;
    });
    columns
}

impl Summary {
    fn account_bytes(&self, figure: fn(&ClosedAccount) -> u64) -> Value<'static> {
        let account = self.account.as_ref();
        account.map_or(Value::Unknown, |account| Value::Bytes(figure(account)))
    }

    fn account_count(&self, figure: fn(&ClosedAccount) -> u64) -> Value<'static> {
        let account = self.account.as_ref();
        account.map_or(Value::Unknown, |account| Value::Count(figure(account)))
    }

    fn count_check(&self, figure: fn(CountCheck) -> u64) -> Value<'static> {
        self.count_check
            .map_or(Value::Unknown, |check| Value::Count(figure(check)))
    }

    /// Returns true if the kernel's count equals the number of recorded and lost faults.
    fn agrees(&self) -> bool {
        self.count_check.is_some_and(|check| check.unrecorded == 0)
    }
}

pub fn summary(summary: &Summary) -> Vec<Column<Summary>> {
    let has_account = summary.account.is_some();
    let has_peak = summary.peak.is_some();
    let disagrees = !summary.agrees();
    let has_doubtful = disagrees && summary.count_check.is_some_and(|check| check.doubtful > 0);
    let unrecorded = if summary.user_only {
        "in system calls, or by the kernel itself"
    } else {
        "on pages touched by the kernel itself"
    };
    let without_fault = if summary.user_only {
        "+ with neighbors, populated, in system calls"
    } else {
        "+ mapped with neighbors, populated or locked"
    };
    known(columns! { row: Summary;
        "process" "PROCESS" "process" Name: row.name.as_deref().map_or(Value::Unknown, Value::text);
        "pid" "PID" "pid" Number: Value::count(row.id.get());
        "programs" "PROGRAMS" "programs" Number: Value::Count(row.programs as u64),
            "ran, this one included", if summary.programs > 1;
        "watched" "WATCHED" "watched_seconds" Number: Value::Seconds(row.duration);
        "faults" "FAULTS" "faults" Number: Value::Count(row.counts.total()), "recorded";
        "minor" "MINOR" "minor_faults" Number: Value::Count(row.counts.minor),
            "the page was already in memory, or is new";
        "major" "MAJOR" "major_faults" Number: Value::Count(row.counts.major),
            "the page was read from a file or page file";
        "lost" "LOST" "lost_faults" Number: Value::Count(row.lost),
            "not recorded, because a buffer was full";
        "counted" "COUNTED" "counted_faults" Number: row.count_check(|check| check.counted),
            "by the kernel, for the process itself", if disagrees;
        "unrecorded" "UNRECORDED" "unrecorded_faults" Number:
            row.count_check(|check| check.unrecorded), (unrecorded), if disagrees;
        "doubtful" "DOUBTFUL" "doubtful_faults" Number: row.count_check(|check| check.doubtful),
            "taken during the count, possibly unrecorded", if has_doubtful;
        "buffer" "BUFFER" "buffer_bytes" Number: Value::bytes(row.buffer),
            "for each CPU; limited by RLIMIT_MEMLOCK", if summary.has_small_buffer;
        "user-only" "USER ONLY" "user_only" Word: Value::Flag(row.user_only), if false;
        "unaccounted" "UNACCOUNTED" "unaccounted" Name:
            name(row.unaccounted.as_deref().map(str::as_bytes)), if false;
        "unread" "UNREAD" "unread_files" Name:
            Value::Names(row.unread.iter().map(|file| file.as_os_str().as_encoded_bytes()).collect()), if false;
        "before" "BEFORE" "resident_before_bytes" Number: row.account_bytes(|account| account.before),
            "working set at the start", if has_account;
        "by-fault" "BY FAULT" "came_by_fault_bytes" Number:
            row.account_bytes(|account| account.by_fault),
            "+ pages that took a fault and are resident", if has_account;
        "without-fault" "WITHOUT FAULT" "came_without_fault_bytes" Number:
            row.account_bytes(|account| account.without_fault), (without_fault), if has_account;
        "evicted" "EVICTED" "evicted_bytes" Number: row.account_bytes(|account| account.evicted),
            "- pages that are no longer resident", if has_account;
        "after" "AFTER" "resident_after_bytes" Number: row.account_bytes(|account| account.after),
            "= working set at the end", if has_account;
        "peak" "PEAK" "peak_working_set_bytes" Number:
            row.peak.map_or(Value::Unknown, Value::Bytes), "largest working set of the process", if has_peak;
        "on-present" "ON PRESENT" "faults_on_present_pages" Number:
            row.account_count(|account| account.faults_on_present),
            "on resident pages, such as first writes", if has_account;
        "on-gone" "ON GONE" "pages_come_and_gone" Number:
            row.account_count(|account| account.faults_on_gone),
            "took a fault and are not resident at the end", if has_account;
    })
}
