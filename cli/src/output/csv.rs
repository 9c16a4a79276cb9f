//! CSV: a header with the field names, then one line per row. Names are raw bytes, missing values
//! are empty.

use std::io::{self, Write};
use std::time::Duration;

use ::csv::ErrorKind;

use super::column::{Column, SAMPLE_FIELD};
use super::value::{Value, seconds, start_seconds};

/// Writes the rows, after a header if `header` is set. Each row begins with the time of the sample
/// if `at` is given.
pub fn write<Row>(
    out: &mut impl Write,
    header: bool,
    at: Option<Duration>,
    columns: &[impl AsRef<Column<Row>>],
    rows: &[Row],
) -> io::Result<()> {
    write_records(out, header, at, columns, rows).map_err(|error| match error.into_kind() {
        // Keep the kind of the error: the caller recognizes a closed pipe by it.
        ErrorKind::Io(error) => error,
        kind => io::Error::other(format!("{kind:?}")),
    })
}

fn write_records<Row>(
    out: &mut impl Write,
    header: bool,
    at: Option<Duration>,
    columns: &[impl AsRef<Column<Row>>],
    rows: &[Row],
) -> ::csv::Result<()> {
    let mut writer = ::csv::Writer::from_writer(out);
    if header {
        if at.is_some() {
            writer.write_field(SAMPLE_FIELD)?;
        }
        for column in columns {
            writer.write_field(column.as_ref().field)?;
        }
        writer.write_record(None::<&[u8]>)?;
    }
    let mut text = Vec::new();
    for row in rows {
        if let Some(at) = at {
            writer.write_field(seconds(at).to_string())?;
        }
        for column in columns {
            text.clear();
            push(&mut text, &(column.as_ref().value)(row))?;
            writer.write_field(&text)?;
        }
        writer.write_record(None::<&[u8]>)?;
    }
    Ok(writer.flush()?)
}

fn push(text: &mut Vec<u8>, value: &Value<'_>) -> io::Result<()> {
    match value {
        Value::Unknown | Value::Refused | Value::Bar(_) | Value::Sizes(_) => Ok(()),
        Value::Count(number) | Value::Bytes(number) | Value::Offset(number) => {
            text.extend_from_slice(itoa::Buffer::new().format(*number).as_bytes());
            Ok(())
        }
        Value::Signed(number) | Value::Growth(number) => write!(text, "{number}"),
        Value::Address(address) => write!(text, "{address:#x}"),
        Value::Seconds(time) => write!(text, "{}", seconds(*time)),
        Value::Moment(start) => write!(text, "{}", start_seconds(*start)),
        Value::Ratio(ratio) => write!(text, "{ratio}"),
        Value::Flag(flag) => write!(text, "{flag}"),
        Value::Word(word) => text.write_all(word.as_bytes()),
        Value::Words(words) => text.write_all(words.join(" ").as_bytes()),
        Value::Letter(letter) => write!(text, "{letter}"),
        Value::Names(names) => text.write_all(&names.join(&b' ')),
        Value::Text(bytes) => text.write_all(bytes),
        Value::Process { name, .. } => text.write_all(name),
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::output::columns;

    #[test]
    fn names_are_quoted_and_keep_bytes() {
        let columns = columns! { row: &[u8];
            "name"       Name: Value::Text(Cow::Borrowed(row));
            "size_bytes" Number: Value::bytes((!row.is_empty()).then_some(row.len() as u64));
        };
        let rows = [&b"a\nb"[..], b"", b"c,\"d\"", b"\xff"];
        let mut out = Vec::new();
        write(&mut out, true, None, &columns, &rows).unwrap();
        assert_eq!(
            out,
            b"name,size_bytes\n\"a\nb\",3\n,\n\"c,\"\"d\"\"\",5\n\xff,1\n"
        );
    }
}
