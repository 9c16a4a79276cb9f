//! `psapi mapped`: the file at an address.

use anyhow::Result;
use psapi::{MappedFile, MappedFileKind, ProcessId};

use crate::output::{Column, Shape, Value};
use crate::session::Session;
use crate::target::Target;

/// Options of `psapi mapped`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// Where to look: hexadecimal with 0x, or decimal
    #[arg(value_name = "ADDRESS", required = true, value_parser = address)]
    addresses: Vec<u64>,
}

/// An address of a process, and what is there.
struct Row {
    pid: ProcessId,
    address: u64,
    file: Option<MappedFile>,
}

fn address(text: &str) -> Result<u64, String> {
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let (digits, radix) = hexadecimal.map_or((text, 10), |digits| (digits, 16));
    Some(digits)
        // The parser would take a sign.
        .filter(|digits| !digits.starts_with('+'))
        .and_then(|digits| u64::from_str_radix(digits, radix).ok())
        .ok_or_else(|| "neither hexadecimal with 0x nor decimal, of at most 64 bits".to_owned())
}

pub fn run(args: &Args, session: &mut Session) -> Result<()> {
    let mut rows = Vec::new();
    args.target.ask(session, |process| {
        for &address in &args.addresses {
            rows.push(Row {
                pid: process.id(),
                address,
                file: process.mapped_file(address)?,
            });
        }
        Ok(())
    });
    if rows.is_empty() {
        return Ok(());
    }
    let several = rows.iter().any(|row| row.pid != rows[0].pid);
    let columns = columns(&rows, several);
    let columns = session.output.usual(&columns);
    let mut document = session.output.document(None)?;
    document.rows("mapped_files", &columns, &rows)?;
    document.end()?;
    for row in rows.iter().filter(|row| row.file.is_none()) {
        session.report(format_args!(
            "process {} has no file mapped at {:#x}",
            row.pid, row.address
        ));
    }
    Ok(())
}

fn columns(rows: &[Row], several: bool) -> [Column<Row>; 6] {
    let deleted = rows
        .iter()
        .any(|row| row.file.as_ref().is_some_and(|file| file.deleted));
    [
        column(("pid", "PID", "pid"), Shape::Number, |row| {
            Value::count(row.pid.get())
        })
        .in_table_if(several),
        column(("address", "ADDRESS", "address"), Shape::Number, |row| {
            Value::Address(row.address)
        }),
        column(("kind", "KIND", "kind"), Shape::Word, |row| {
            row.tell(|file| {
                Value::Word(match file.kind {
                    MappedFileKind::File => "file",
                    MappedFileKind::Memfd => "memfd",
                    MappedFileKind::SharedMemory => "shared",
                    _ => "other",
                })
            })
        }),
        column(("offset", "OFFSET", "offset_bytes"), Shape::Number, |row| {
            row.tell(|file| Value::Offset(file.offset))
        }),
        column(("deleted", "DELETED", "deleted"), Shape::Word, |row| {
            row.tell(|file| Value::Flag(file.deleted))
        })
        .in_table_if(deleted),
        column(("path", "PATH", "path"), Shape::Path, |row| {
            row.tell(|file| Value::path(&file.path))
        }),
    ]
}

impl Row {
    fn tell<'r>(&'r self, value: fn(&'r MappedFile) -> Value<'r>) -> Value<'r> {
        self.file.as_ref().map_or(Value::Unknown, value)
    }
}

fn column(
    names: (&'static str, &'static str, &'static str),
    shape: Shape,
    value: for<'r> fn(&'r Row) -> Value<'r>,
) -> Column<Row> {
    Column::new(names, shape, "", value)
}
