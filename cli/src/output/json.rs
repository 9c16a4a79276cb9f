//! JSON: a row is an object, numbers are numbers, missing values are `null`.

use std::io::{self, Write};

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::column::Column;
use super::value::{Value, seconds, start_seconds};

/// Writes one row as an object.
pub fn write_row<Row>(
    out: &mut impl Write,
    columns: &[impl AsRef<Column<Row>>],
    row: &Row,
) -> io::Result<()> {
    serde_json::to_writer(out, &Object { columns, row }).map_err(io::Error::from)
}

/// Writes figures as an object.
pub fn write_figures(out: &mut impl Write, figures: &[(&str, Value<'_>)]) -> io::Result<()> {
    let figures = figures.iter().map(|(field, value)| (field, value));
    let mut serializer = serde_json::Serializer::new(out);
    serializer.collect_map(figures).map_err(io::Error::from)
}

struct Object<'a, C, Row> {
    columns: &'a [C],
    row: &'a Row,
}

impl<C: AsRef<Column<Row>>, Row> Serialize for Object<'_, C, Row> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for column in self.columns {
            let column = column.as_ref();
            let value = (column.value)(self.row);
            map.serialize_entry(column.field, &value)?;
            let exact = format_args!("{}_hex", column.field);
            match &value {
                Value::Text(name) if !is_utf8(name) => {
                    map.serialize_entry(&exact, &Hex(name))?;
                }
                Value::Process { name, .. } if !is_utf8(name) => {
                    map.serialize_entry(&exact, &Hex(name))?;
                }
                Value::Names(names) if !names.iter().all(|name| is_utf8(name)) => {
                    let names: Vec<Hex<'_>> = names.iter().map(|name| Hex(name)).collect();
                    map.serialize_entry(&exact, &names)?;
                }
                _ => {}
            }
        }
        map.end()
    }
}

fn is_utf8(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok()
}

/// The bytes of a name that is not UTF-8, which a JSON string cannot contain.
struct Hex<'a>(&'a [u8]);

impl Serialize for Hex<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digits = |byte: &u8| [byte >> 4, byte & 15];
        let hex: String = self
            .0
            .iter()
            .flat_map(digits)
            .map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]))
            .collect();
        serializer.serialize_str(&hex)
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Unknown | Value::Refused | Value::Bar(_) | Value::Sizes(_) => {
                serializer.serialize_none()
            }
            Value::Count(number) | Value::Bytes(number) | Value::Offset(number) => {
                serializer.serialize_u64(*number)
            }
            Value::Signed(number) | Value::Growth(number) => serializer.serialize_i64(*number),
            Value::Address(address) => serializer.collect_str(&format_args!("{address:#x}")),
            Value::Seconds(time) => serializer.serialize_f64(seconds(*time)),
            Value::Moment(start) => serializer.serialize_f64(start_seconds(*start)),
            Value::Ratio(ratio) => serializer.serialize_f64(*ratio),
            Value::Flag(flag) => serializer.serialize_bool(*flag),
            Value::Word(word) => serializer.serialize_str(word),
            Value::Words(words) => serializer.collect_seq(words),
            Value::Letter(letter) => serializer.serialize_char(*letter),
            Value::Names(names) => {
                serializer.collect_seq(names.iter().map(|name| String::from_utf8_lossy(name)))
            }
            Value::Text(bytes) => serializer.serialize_str(&String::from_utf8_lossy(bytes)),
            Value::Process { name, .. } => serializer.serialize_str(&String::from_utf8_lossy(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::output::columns;

    fn json(value: fn() -> Value<'static>) -> String {
        let columns = columns! { value: fn() -> Value<'static>;
            "field" Name: value();
        };
        let mut out = Vec::new();
        write_row(&mut out, &columns, &value).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn name_not_utf8_has_hex_field() {
        assert_eq!(
            json(|| Value::Text(Cow::Borrowed(b"a\xff\n"))),
            r#"{"field":"a�\n","field_hex":"61ff0a"}"#
        );
        assert_eq!(
            json(|| Value::Text(Cow::Borrowed(b"a\x1b"))),
            r#"{"field":"a\u001b"}"#
        );
    }

    #[test]
    fn missing_values_are_null() {
        assert_eq!(
            json(|| Value::Bytes(u64::MAX)),
            r#"{"field":18446744073709551615}"#
        );
        assert_eq!(json(|| Value::Unknown), r#"{"field":null}"#);
        assert_eq!(json(|| Value::Refused), r#"{"field":null}"#);
        assert_eq!(
            json(|| Value::Address(0xffff_ffff_8100_0000)),
            r#"{"field":"0xffffffff81000000"}"#
        );
        assert_eq!(
            json(|| Value::Words(vec!["a", "b"])),
            r#"{"field":["a","b"]}"#
        );
    }
}
