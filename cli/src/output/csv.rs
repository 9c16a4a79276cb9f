//! CSV: a header of field names, then a line a row; names are their raw bytes, what is unknown is
//! empty.

use std::io::{self, Write};
use std::time::Duration;

use ::csv::ErrorKind;

use super::column::Column;
use super::value::{Value, seconds};

/// Writes the header, if asked to, and the rows. A sample's time leads each row where one is
/// given.
pub fn write<Row>(
    out: &mut impl Write,
    header: bool,
    at: Option<Duration>,
    columns: &[impl AsRef<Column<Row>>],
    rows: &[Row],
) -> io::Result<()> {
    write_records(out, header, at, columns, rows).map_err(|error| match error.into_kind() {
        // As it was, since a closed pipe is told by it.
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
            writer.write_field(super::SAMPLE_FIELD)?;
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
        Value::Seconds(time) | Value::Moment(time) => write!(text, "{}", seconds(*time)),
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
    use crate::output::column::Shape;

    #[test]
    fn names_are_quoted_where_they_must_be_and_keep_their_bytes() {
        let name = Column::<&[u8]>::new(("n", "N", "name"), Shape::Name, "", |row| {
            Value::Text(Cow::Borrowed(row))
        });
        let size = Column::new(
            ("s", "S", "size_bytes"),
            Shape::Number,
            "",
            |row: &&[u8]| match row.len() {
                0 => Value::Unknown,
                length => Value::Bytes(length as u64),
            },
        );
        let rows = [&b"a\nb"[..], b"", b"c,\"d\"", b"\xff"];
        let mut out = Vec::new();
        write(&mut out, true, None, &[&name, &size], &rows).unwrap();
        assert_eq!(
            out,
            b"name,size_bytes\n\"a\nb\",3\n,\n\"c,\"\"d\"\"\",5\n\xff,1\n"
        );
    }
}
