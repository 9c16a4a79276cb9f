//! The columns of a report.

use std::borrow::Cow;
use std::os::unix::ffi::OsStrExt as _;

use psapi::{Mapping, SourceLine};

use super::counted::Compared;
use super::report::{FunctionRow, MappingRow, ModuleRow, Named, Sum, Summary, ThreadRow};
use crate::commands::maps;
use crate::output::{Column, Shape, Value};

/// The columns that rows of every list have in front.
fn common<Row: AsRef<Sum>>(several: bool) -> Vec<Column<Row>> {
    vec![
        column(("pid", "PID", "pid"), Shape::Number, |row: &Row| {
            Value::count(row.as_ref().process.id.get())
        })
        .in_table_if(several),
        column(
            ("process", "PROCESS", "process"),
            Shape::Name,
            |row: &Row| process(&row.as_ref().process),
        )
        .in_table_if(several),
        column(
            ("faults", "FAULTS", "faults"),
            Shape::Number,
            |row: &Row| Value::Count(row.as_ref().counts.total()),
        ),
        column(
            ("share", "%", "share_percent"),
            Shape::Number,
            |row: &Row| Value::Ratio(row.as_ref().share),
        ),
        column(
            ("soft", "SOFT", "soft_faults"),
            Shape::Number,
            |row: &Row| Value::Count(row.as_ref().counts.soft),
        ),
        column(
            ("hard", "HARD", "hard_faults"),
            Shape::Number,
            |row: &Row| Value::Count(row.as_ref().counts.hard),
        ),
    ]
}

fn column<Row>(
    names: (&'static str, &'static str, &'static str),
    shape: Shape,
    value: for<'r> fn(&'r Row) -> Value<'r>,
) -> Column<Row> {
    Column::new(names, shape, "", value)
}

fn process(named: &Named) -> Value<'_> {
    named.name.as_deref().map_or(Value::Unknown, Value::text)
}

pub fn mappings(several: bool, rows: &[MappingRow]) -> Vec<Column<MappingRow>> {
    let mut columns = common(several);
    columns.extend([
        column(
            ("came", "CAME", "came_bytes"),
            Shape::Number,
            |row: &MappingRow| row.memory(0),
        ),
        column(("left", "LEFT", "left_bytes"), Shape::Number, |row| {
            row.memory(1)
        }),
        column(
            ("resident", "AT END", "resident_after_bytes"),
            Shape::Number,
            |row| row.memory(2),
        ),
        column(("start", "START", "start_address"), Shape::Number, |row| {
            row.place(|mapping| Value::Address(mapping.start))
        }),
        column(
            ("end", "END", "end_address"),
            Shape::Number,
            |row: &MappingRow| row.place(|mapping| Value::Address(mapping.end)),
        )
        .in_table_if(false),
        column(("permissions", "PERM", "permissions"), Shape::Word, |row| {
            row.mapping(maps::permissions)
        }),
        column(("kind", "KIND", "kind"), Shape::Word, |row| {
            row.mapping(maps::kind)
        }),
        column(("gone", "GONE", "gone"), Shape::Word, |row: &MappingRow| {
            row.mapping
                .as_ref()
                .map_or(Value::Unknown, |_| Value::Flag(row.is_gone))
        })
        .in_table_if(rows.iter().any(|row| row.is_gone)),
        column(("name", "NAME", "name"), Shape::Path, |row| {
            row.mapping(maps::name)
        }),
    ]);
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

    /// Of several that are told together there is none.
    fn place<'r>(&'r self, value: fn(&'r Mapping) -> Value<'r>) -> Value<'r> {
        let mapping = self.mapping.as_ref().filter(|mapping| mapping.end > 0);
        mapping.map_or(Value::Unknown, value)
    }
}

pub fn modules(several: bool) -> Vec<Column<ModuleRow>> {
    let mut columns = common(several);
    columns.push(column(
        ("module", "MODULE", "module"),
        Shape::Path,
        |row: &ModuleRow| row.module.as_deref().map_or(Value::Unknown, Value::path),
    ));
    columns
}

pub fn functions(several: bool) -> Vec<Column<FunctionRow>> {
    let mut columns = common(several);
    columns.extend([
        column(
            ("function", "FUNCTION", "function"),
            Shape::Name,
            |row: &FunctionRow| {
                let name = row.function.as_deref();
                name.map_or(Value::Unknown, |name| Value::Text(name.as_bytes().into()))
            },
        ),
        column(
            ("inlined-into", "INLINED INTO", "inlined_into"),
            Shape::Name,
            |row| match &row.inlined_into[..] {
                [] => Value::Names(Vec::new()),
                outer => Value::Names(outer.iter().map(|name| name.as_bytes()).collect()),
            },
        ),
        column(("module", "MODULE", "module"), Shape::Path, |row| {
            row.module.as_deref().map_or(Value::Unknown, Value::path)
        }),
        column(("source", "SOURCE", "source"), Shape::Path, |row| {
            row.source.as_ref().map_or(Value::Unknown, source)
        }),
    ]);
    columns
}

fn source(source: &SourceLine) -> Value<'_> {
    let path = source.path.as_os_str().as_bytes();
    Value::Text(match source.line {
        Some(line) => Cow::Owned([path, format!(":{line}").as_bytes()].concat()),
        None => Cow::Borrowed(path),
    })
}

pub fn threads(several: bool) -> Vec<Column<ThreadRow>> {
    let mut columns = common(several);
    columns.extend([
        column(
            ("thread", "THREAD", "thread"),
            Shape::Number,
            |row: &ThreadRow| Value::count(row.id),
        ),
        column(("name", "NAME", "name"), Shape::Name, |row| {
            let name = row.name.as_deref();
            name.map_or(Value::Unknown, |name| Value::Text(Cow::Borrowed(name)))
        }),
    ]);
    columns
}

impl Summary {
    fn account(&self, figure: fn(&super::account::Closed) -> Value<'static>) -> Value<'static> {
        self.closed.as_ref().map_or(Value::Unknown, figure)
    }

    fn counted(&self, figure: fn(Compared) -> u64) -> Value<'static> {
        self.counted
            .map_or(Value::Unknown, |counted| Value::Count(figure(counted)))
    }

    /// Whether the kernel counted what was recorded and lost, and nothing else.
    fn agrees(&self) -> bool {
        self.counted.is_some_and(|counted| counted.unrecorded == 0)
    }
}

pub fn summary(row: &Summary) -> Vec<Column<Summary>> {
    let has_account = row.closed.is_some();
    let number = |names, about, value: for<'r> fn(&'r Summary) -> Value<'r>| {
        Column::new(names, Shape::Number, about, value)
    };
    vec![
        Column::new(
            ("process", "PROCESS", "process"),
            Shape::Name,
            "",
            |row: &Summary| row.name.as_deref().map_or(Value::Unknown, Value::text),
        ),
        number(("pid", "PID", "pid"), "", |row: &Summary| {
            Value::count(row.id.get())
        }),
        number(("watched", "WATCHED", "watched_seconds"), "", |row| {
            Value::Seconds(row.duration)
        }),
        number(("faults", "FAULTS", "faults"), "recorded", |row| {
            Value::Count(row.counts.total())
        }),
        number(
            ("soft", "SOFT", "soft_faults"),
            "of these, the page was in memory, or is new",
            |row| Value::Count(row.counts.soft),
        ),
        number(
            ("hard", "HARD", "hard_faults"),
            "of these, something was read for it",
            |row| Value::Count(row.counts.hard),
        ),
        number(
            ("lost", "LOST", "lost_faults"),
            "happened, but there was no room to record them",
            |row| Value::Count(row.lost),
        ),
        number(
            ("counted", "COUNTED", "counted_faults"),
            "that the kernel counted for the process itself",
            |row| row.counted(|counted| counted.counted),
        )
        .in_table_if(!row.agrees()),
        number(
            ("unrecorded", "UNRECORDED", "unrecorded_faults"),
            match row.user_only {
                true => "of these, in system calls, or on pages that the kernel touched itself",
                false => "of these, on pages that the kernel touched itself: locked, populated, a new stack",
            },
            |row| row.counted(|counted| counted.unrecorded),
        )
        .in_table_if(!row.agrees()),
        number(
            ("doubtful", "DOUBTFUL", "doubtful_faults"),
            "so many more may be unrecorded: they came while the kernel's count was read",
            |row| row.counted(|counted| counted.doubtful),
        )
        .in_table_if(!row.agrees() && row.counted.is_some_and(|counted| counted.doubtful > 0)),
        number(
            ("buffer", "BUFFER", "buffer_bytes"),
            "room for records of each processor: more memory may not be locked",
            |row| Value::Bytes(row.buffer),
        )
        .in_table_if(row.short_of_room),
        Column::new(
            ("user-only", "USER ONLY", "user_only"),
            Shape::Word,
            "",
            |row: &Summary| Value::Flag(row.user_only),
        )
        .in_table_if(false),
        Column::new(
            ("unaccounted", "UNACCOUNTED", "unaccounted"),
            Shape::Name,
            "",
            |row: &Summary| {
                let why = row.unaccounted.as_deref();
                why.map_or(Value::Unknown, |why| Value::Text(why.as_bytes().into()))
            },
        )
        .in_table_if(false),
        number(
            ("before", "BEFORE", "resident_before_bytes"),
            "the working set when the watch began",
            |row| row.account(|closed| Value::Bytes(closed.before)),
        )
        .in_table_if(has_account),
        number(
            ("by-fault", "BY FAULT", "came_by_fault_bytes"),
            "+ pages that took a fault and are still there",
            |row| row.account(|closed| Value::Bytes(closed.by_fault)),
        )
        .in_table_if(has_account),
        number(
            ("without-fault", "WITHOUT FAULT", "came_without_fault_bytes"),
            match row.user_only {
                true => "+ pages that came with others, populated, locked, or in system calls",
                false => "+ pages that came with others, populated or locked",
            },
            |row| row.account(|closed| Value::Bytes(closed.without_fault)),
        )
        .in_table_if(has_account),
        number(("left", "LEFT", "left_bytes"), "- pages that left", |row| {
            row.account(|closed| Value::Bytes(closed.left))
        })
        .in_table_if(has_account),
        number(
            ("after", "AFTER", "resident_after_bytes"),
            "= the working set at the end",
            |row| row.account(|closed| Value::Bytes(closed.after)),
        )
        .in_table_if(has_account),
        number(
            ("peak", "PEAK", "peak_working_set_bytes"),
            "the largest that it ever was",
            |row| row.peak.map_or(Value::Unknown, Value::Bytes),
        )
        .in_table_if(row.peak.is_some()),
        number(
            ("on-present", "ON PRESENT", "faults_on_present_pages"),
            "faults on pages that were there already, such as first writes",
            |row| row.account(|closed| Value::Count(closed.faults_on_present)),
        )
        .in_table_if(has_account),
        number(
            ("on-gone", "ON GONE", "pages_come_and_gone"),
            "faults on pages that came and are gone at the end",
            |row| row.account(|closed| Value::Count(closed.faults_on_gone)),
        )
        .in_table_if(has_account),
    ]
}
